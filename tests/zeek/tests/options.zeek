# @TEST-DOC: Further fields are off unless wanted; the rest can be switched off.
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: test ! -e own/ssl.log
# @TEST-EXEC: grep -q 'there is no log htpp' reporter.log
# @TEST-EXEC: cat own/conn.log own/http.log own/dns.log > all
# @TEST-EXEC: test $(wc -l < all) -eq 7
# @TEST-EXEC: ! grep -E '_system_name|community_id|exchange_|header_names|cookie_size|query_size|answer_size' all

redef Enricher::directory = "own";
redef Enricher::rotation_interval = 0sec;
redef Enricher::kinds = {
	"conn",
	"http",
	"dns",
	"htpp"
};
redef Enricher::sensor = "";
redef Enricher::community_id = F;
