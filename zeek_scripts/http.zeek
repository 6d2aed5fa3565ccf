##! http.log for the enricher, with what only Zeek can see of a request: the names of its header
##! fields in their order, and the sizes of cookies.

@load base/protocols/http
@load ./main

module Enricher;

export {
	## Whether header names and cookie sizes are kept.
	option http_fields = F;

	## So many header names are kept of a request.
	option max_header_names: count = 64;

	redef record Extension += {
		## Names of the header fields of the request, in upper case, in their order.
		header_names: vector of string &log &optional;
		## Bytes of cookies that the client sent.
		cookie_size: count &log &optional;
		## Bytes of cookies that the server set.
		set_cookie_size: count &log &optional;
	};
}

# Whoever sends a request chooses the names. A line that is too long would not be read.
const longest_header_name = 256;

redef record HTTP::Info += {
	enricher_header_names: vector of string &optional;
	enricher_cookie_size: count &optional;
	enricher_set_cookie_size: count &optional;
};

event http_header(c: connection, is_orig: bool, name: string, value: string)
    &group="Enricher::http_fields" &priority=-5
	{
	if ( ! c?$http )
		return;

	local http = c$http;

	if ( is_orig )
		{
		if ( ! http?$enricher_header_names )
			http$enricher_header_names = vector();

		if ( |http$enricher_header_names| < max_header_names )
			http$enricher_header_names += name[:longest_header_name];

		if ( name == "COOKIE" )
			http$enricher_cookie_size = |value| + ( http?$enricher_cookie_size ?
			    http$enricher_cookie_size : 0 );
		}
	else if ( name == "SET-COOKIE" )
		http$enricher_set_cookie_size = |value| + ( http?$enricher_set_cookie_size ?
		    http$enricher_set_cookie_size : 0 );
	}

function extend_http(id: Log::ID, path: string, rec: HTTP::Info): string
	{
	local before = begin("http", rec$id);

	if ( rec?$enricher_header_names )
		before$header_names = rec$enricher_header_names;

	if ( rec?$enricher_cookie_size )
		before$cookie_size = rec$enricher_cookie_size;

	if ( rec?$enricher_set_cookie_size )
		before$set_cookie_size = rec$enricher_set_cookie_size;

	return path;
	}

event zeek_init()
	{
	tie("Enricher::http_fields", http_fields);
	sources["http"] = Source($stream=HTTP::LOG, $extend=extend_http, $fields=set(
	    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p",
	    "trans_depth", "method", "host", "uri", "referrer", "version",
	    "user_agent", "origin", "request_body_len", "response_body_len",
	    "status_code", "status_msg", "username", "proxied",
	    "orig_mime_types", "resp_mime_types"));
	}
