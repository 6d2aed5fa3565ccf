# @TEST-DOC: Rotated logs stay in their directory under numbers, the oldest go, the site's own are rotated as ever.
# @TEST-EXEC: mkdir own && for n in 1 2 3; do echo was-$n > own/http.$n.log; done
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: ls own > names && btest-diff names
# @TEST-EXEC: grep -q was-1 own/http.2.log && grep -q was-2 own/http.3.log && ! grep -qr was-3 own
# @TEST-EXEC: ls http.20*.log
# @TEST-EXEC: test ! -e reporter.log

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 1sec;
redef Enricher::rotated_files = 3;
redef Log::default_rotation_interval = 1day;
redef LogAscii::enable_leftover_log_rotation = F;
