# @TEST-DOC: Rotated logs stay in their directory under numbers, the oldest go, the site's own are rotated as ever.
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: ls own > names && btest-diff names
# @TEST-EXEC: ls | grep -c '^conn\..*\.log$' > site && test $(cat site) -ge 1
# @TEST-EXEC: test ! -e reporter.log

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 1sec;
redef Enricher::rotated_files = 2;
redef Log::default_rotation_interval = 1day;
redef LogAscii::enable_leftover_log_rotation = F;
