# @TEST-DOC: A directory that cannot be made is told of once, and Zeek goes on.
# @TEST-EXEC: touch file
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: test $(grep -c 'no logs are written for the enricher' reporter.log) -eq 1
# @TEST-EXEC: test -e conn.log

redef Enricher::directory = "file/own";
