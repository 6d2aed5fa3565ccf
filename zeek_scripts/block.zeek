##! Hands the outside host of a confident alert over to NetControl. Off unless a site wants it.

@load base/frameworks/netcontrol
@load base/utils/site
@load ./verdicts

module Enricher;

export {
	## Whether hosts are blocked. It takes a backend of NetControl as well, see
	## :zeek:see:`NetControl::init`. Whoever can forge the source of a packet can have its
	## owner blocked: put what must be reached into :zeek:see:`Enricher::never_block`.
	option block = F;

	## Alerts with a lower score block nobody.
	option block_score = 0.95;

	## For how long a host is blocked.
	option block_for = 1hr;

	## Never blocked, whatever else is said. Nor is a host in one of the site's own networks
	## (:zeek:see:`Site::local_nets`, :zeek:see:`Site::neighbor_nets`,
	## :zeek:see:`Site::private_address_space`), which therefore have to be set.
	option never_block: set[subnet] = {};

	## A site's own policy: breaking from it keeps a host from being blocked.
	global block_policy: hook(verdict: Verdict, host: addr);
}

function is_ours(host: addr): bool
	{
	return Site::is_local_addr(host)
	    || Site::is_neighbor_addr(host)
	    || Site::is_private_addr(host);
	}

event Enricher::new_verdict(verdict: Verdict) &priority=-5
	{
	if ( ! block || verdict$family == "unknown" || verdict$score < block_score )
		return;

	# Where both ends are outside, or both are ours, nobody can say which of them to block.
	if ( is_ours(verdict$orig_h) == is_ours(verdict$resp_h) )
		return;

	local host = is_ours(verdict$orig_h) ? verdict$resp_h : verdict$orig_h;

	# The allow-list is asked last, so that no policy of a site can talk it over.
	if ( hook block_policy(verdict, host) && host !in never_block )
		NetControl::drop_address(host, block_for, fmt("enricher alert %s",
		    verdict$alert_id));
	}
