# @TEST-DOC: Options changed while Zeek runs hold for the records that follow.
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: test -e own/http.log
# @TEST-EXEC: test ! -e own/dns.log
# @TEST-EXEC: grep '"id.resp_p":80,' own/conn.log | grep -vq exchange_sizes
# @TEST-EXEC: grep '"id.resp_p":7000,' own/conn.log | grep -q exchange_sizes
# @TEST-EXEC: grep -q '"_system_name":"renamed"' own/ssl.log

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 0sec;

event HTTP::log_http(rec: HTTP::Info)
	{
	Config::set_value("Enricher::kinds", set("conn", "ssl"));
	Config::set_value("Enricher::sensor", "renamed");
	Config::set_value("Enricher::conn_fields", T);
	}
