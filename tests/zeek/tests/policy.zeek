# @TEST-DOC: What the site's policy keeps out of its own log is kept out of this one too; a policy can tell them apart.
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: test ! -e http.log && test ! -e own/http.log
# @TEST-EXEC: test -e dns.log && test ! -e own/dns.log
# @TEST-EXEC: test $(grep -vc '^#' conn.log) -eq $(wc -l < own/conn.log)

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 0sec;

hook HTTP::log_policy(rec: HTTP::Info, id: Log::ID, filter: Log::Filter)
	{
	break;
	}

hook DNS::log_policy(rec: DNS::Info, id: Log::ID, filter: Log::Filter)
	{
	if ( filter$name == Enricher::filter_name )
		break;
	}
