##! dns.log for the enricher, with the sizes of query and answer.

@load base/protocols/dns
@load ./main

module Enricher;

export {
	## Whether the sizes of query and answer are kept.
	option dns_fields = F;

	redef record Extension += {
		## Bytes of the query, as a DNS message.
		query_size: count &log &optional;
		## Bytes of the answer, as a DNS message.
		answer_size: count &log &optional;
	};
}

redef record DNS::Info += {
	enricher_query_size: count &optional;
	enricher_answer_size: count &optional;
};

# After the base script has found the record that a message belongs to.
event dns_message(c: connection, is_orig: bool, msg: dns_msg, len: count)
    &group="Enricher::dns_fields" &priority=3
	{
	if ( ! c?$dns )
		return;

	if ( msg$QR )
		c$dns$enricher_answer_size = len;
	else
		c$dns$enricher_query_size = len;
	}

function extend_dns(id: Log::ID, path: string, rec: DNS::Info): string
	{
	local before = begin("dns", rec$id);

	if ( rec?$enricher_query_size )
		before$query_size = rec$enricher_query_size;

	if ( rec?$enricher_answer_size )
		before$answer_size = rec$enricher_answer_size;

	return path;
	}

event zeek_init()
	{
	tie("Enricher::dns_fields", dns_fields);
	sources["dns"] = Source($stream=DNS::LOG, $extend=extend_dns, $fields=set("ts",
	    "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto",
	    "trans_id", "rtt", "query", "qclass", "qtype", "qtype_name",
	    "rcode", "rcode_name", "AA", "TC", "RD", "RA", "Z", "answers",
	    "TTLs", "rejected"));
	}
