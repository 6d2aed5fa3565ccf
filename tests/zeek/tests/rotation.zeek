# @TEST-DOC: Rotated logs stay in their directory under the time of their rotation, none is lost, the oldest go; the site's own are rotated as ever.
# @TEST-EXEC: mkdir own && echo old > own/http.2026-09-21-14-13-05.log && echo young > own/http.2026-09-21-14-13-21.log
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: ls own > names && btest-diff names
# @TEST-EXEC: grep -q young own/http.2026-09-21-14-13-21.log
# @TEST-EXEC: for log in conn http dns ssl; do test $(cat $log.*log | grep -vc '^#') -eq $(cat own/$log.*log | grep -c uid); done
# @TEST-EXEC: ls http.20*.log
# @TEST-EXEC: test ! -e reporter.log

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 1sec;
redef Enricher::keep_for = 10sec;
redef Log::default_rotation_interval = 1day;
redef LogAscii::enable_leftover_log_rotation = F;
