##! ssl.log for the enricher. Fingerprints (JA3, JA4) and what is known of certificates are written
##! where a script of the site adds them to the record.

@load base/protocols/ssl
@load ./main

module Enricher;

function extend_ssl(id: Log::ID, path: string, rec: SSL::Info): string
	{
	begin("ssl", rec$id);
	return path;
	}

event zeek_init()
	{
	sources["ssl"] = Source($stream=SSL::LOG, $extend=extend_ssl, $fields=set("ts",
	    "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p",
	    "version", "cipher", "curve", "server_name", "resumed",
	    "last_alert", "next_protocol", "established", "ssl_history",
	    "cert_chain_fps", "cert_chain_fuids", "client_cert_chain_fps",
	    "client_cert_chain_fuids", "subject", "issuer", "validation_status",
	    "sni_matches_cert", "ja3", "ja3s", "ja4"));
	}
