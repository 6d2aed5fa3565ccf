##! conn.log for the enricher, with the first exchanges of TCP connections: who sent how much
##! before the other side spoke, and how long that took.

@load base/protocols/conn
@load ./main

module Enricher;

export {
	## Whether first exchanges are kept.
	option conn_fields = F;

	## So many exchanges are kept of a connection.
	option max_exchanges: count = 6;

	redef record Extension += {
		## Bytes of the first exchanges, in their order: what one side sent before the other spoke.
		## Above zero what the originator sent, below zero what the responder sent.
		exchange_sizes: vector of int &log &optional;
		## Time from the beginning of the exchange before (for the first: from the beginning of
		## the connection) to the beginning of each.
		exchange_gaps: vector of interval &log &optional;
	};
}

# What is known of the exchanges of a connection. An exchange is over when the other side speaks.
type Exchanges: record {
	sizes: vector of int &default=vector();
	gaps: vector of interval &default=vector();
	# Whether the originator is speaking.
	is_orig: bool &default=T;
	# When the exchange began.
	began: time;
	# Bytes that were counted, of each side.
	orig_size: count &default=0;
	resp_size: count &default=0;
	# Times that a side was looked at; since the exchange began, for nothing.
	looks: count &default=0;
	idle: count &default=0;
};

redef record Conn::Info += {
	enricher_exchanges: Exchanges &optional;
};

# A side that only acknowledges sends packets of 40 to 80 bytes. Some of them are looked at one by
# one; then so many bytes more are passed over with each.
const acknowledgement: count = 100;
const looked_at_one_by_one: count = 2;
# A connection is looked at no more than so many times, whatever its packets are.
const max_looks: count = 16;

# Asks to be told of the next packet of a side. Zeek keeps one threshold for each side;
# ConnThreshold shares it among scripts, at the price of several events a packet. So it is used
# directly here, and left to whoever else wants it.
function watch(c: connection, is_orig: bool)
	{
	local sent = is_orig ? c$orig$num_bytes_ip : c$resp$num_bytes_ip;
	local idle = c$conn$enricher_exchanges$idle;
	local passed_over = idle > looked_at_one_by_one ? acknowledgement * idle : 0;
	set_current_conn_bytes_threshold(c$id, sent + 1 + passed_over, is_orig);
	}

# Closes the exchange that is going on: counts what its side has sent since it was last counted.
function end_exchange(known: Exchanges, orig_size: count, resp_size: count)
	{
	if ( known$is_orig )
		{
		known$sizes += orig_size > known$orig_size ? orig_size - known$orig_size : 0;
		known$orig_size = orig_size;
		}
	else
		{
		known$sizes += resp_size > known$resp_size ? -( resp_size - known$resp_size ) : 0;
		known$resp_size = resp_size;
		}
	}

function begin_exchange(c: connection, is_orig: bool)
	{
	local known = c$conn$enricher_exchanges;

	if ( |known$gaps| > 0 )
		end_exchange(known, c$orig$size, c$resp$size);

	known$gaps += network_time() - known$began;
	known$began = network_time();
	known$is_orig = is_orig;
	known$idle = 0;
	}

event connection_established(c: connection) &group="Enricher::conn_fields"
	{
	if ( ! c?$conn || c?$thresholds )
		return;

	c$conn$enricher_exchanges = Exchanges($began=c$start_time);
	watch(c, T);
	watch(c, F);
	}

event conn_bytes_threshold_crossed(c: connection, threshold: count,
    is_orig: bool) &group="Enricher::conn_fields" &priority=-5
	{
	if ( ! c?$conn || ! c$conn?$enricher_exchanges || c?$thresholds )
		return;

	local known = c$conn$enricher_exchanges;
	local spoke = is_orig ? c$orig$size > known$orig_size : c$resp$size >
	    known$resp_size;
	known$looks += 1;

	if ( spoke )
		begin_exchange(c, is_orig);
	else if ( |known$gaps| > 0 )
		known$idle += 1;

	if ( |known$gaps| < max_exchanges && known$looks < max_looks )
		watch(c, spoke ? ! is_orig : is_orig);
	}

function extend_conn(id: Log::ID, path: string, rec: Conn::Info): string
	{
	local before = begin("conn", rec$id);

	if ( rec?$enricher_exchanges && |rec$enricher_exchanges$gaps| > 0 )
		{
		local known = rec$enricher_exchanges;

		if ( |known$sizes| < |known$gaps| )
			end_exchange(known, rec?$orig_bytes ? rec$orig_bytes : 0, rec?$resp_bytes ?
			    rec$resp_bytes : 0);

		before$exchange_sizes = known$sizes;
		before$exchange_gaps = known$gaps;
		}

	return path;
	}

event zeek_init()
	{
	tie("Enricher::conn_fields", conn_fields);
	sources["conn"] = Source($stream=Conn::LOG, $extend=extend_conn, $fields=set(
	    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p",
	    "proto", "service", "duration", "orig_bytes", "resp_bytes",
	    "conn_state", "local_orig", "local_resp", "missed_bytes", "history",
	    "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"));
	}
