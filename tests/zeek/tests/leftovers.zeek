# @TEST-DOC: What a Zeek that was killed has left is kept.
# @TEST-EXEC: mkdir -p own && echo '{"before":true}' > own/conn.log
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: cat own/conn.*.log | grep -q before
# @TEST-EXEC: ! grep -q before own/conn.log

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 0sec;
