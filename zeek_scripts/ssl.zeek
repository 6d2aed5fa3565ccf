##! ssl.log for the enricher. Fingerprints (JA3, JA4) are written where a script of the site adds
##! them to the record.

@load base/protocols/ssl
@load ./main

module Enricher;

export {
	## Whether subject and issuer of the server's certificate are written, also where Zeek leaves
	## them out of its own log (:zeek:see:`SSL::log_include_server_certificate_subject_issuer`).
	## The detector looks at them where they are.
	option ssl_fields = F;

	redef record Extension += {
		## Subject of the server's certificate.
		subject: string &log &optional;
		## Issuer of the server's certificate.
		issuer: string &log &optional;
	};
}

function extend_ssl(id: Log::ID, path: string, rec: SSL::Info): string
	{
	local before = begin("ssl", rec$id);

	if ( ! ssl_fields && ! SSL::log_include_server_certificate_subject_issuer )
		return path;

	if ( rec?$subject )
		before$subject = rec$subject;

	if ( rec?$issuer )
		before$issuer = rec$issuer;

	return path;
	}

event zeek_init()
	{
	sources["ssl"] = Source($stream=SSL::LOG, $extend=extend_ssl, $fields=set("ts",
	    "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p",
	    "version", "cipher", "curve", "server_name", "resumed",
	    "last_alert", "next_protocol", "established", "ssl_history",
	    "cert_chain_fps", "cert_chain_fuids", "client_cert_chain_fps",
	    "client_cert_chain_fuids", "validation_status", "sni_matches_cert",
	    "ja3", "ja3s", "ja4"));
	}
