# @TEST-DOC: Each kind has a log of its own with what is added to it; the site's own logs stay as they are.
# @TEST-EXEC: mkdir alone && cd alone && zeek -C -r $TRACES/one-of-each.pcap
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: for log in conn http dns ssl; do btest-diff own/$log.log; done
# @TEST-EXEC: for log in alone/*.log; do grep -v '^#open\|^#close' $log > before; grep -v '^#open\|^#close' $(basename $log) > after; test $log = alone/packet_filter.log || diff before after; done
# @TEST-EXEC: test ! -e reporter.log

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 0sec;
redef Enricher::sensor = "sensor";
redef Enricher::conn_fields = T;
redef Enricher::http_fields = T;
redef Enricher::dns_fields = T;
redef Enricher::ssl_fields = T;
