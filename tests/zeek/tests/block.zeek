# @TEST-DOC: Only the outside host of a confident alert is blocked, only where it is wanted, and never one on the list.
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: grep 'add_rule' output | grep -oE '[0-9]+(\.[0-9]+){3}/32' | sort -u > blocked && btest-diff blocked

redef Enricher::directory = "own";
redef Site::local_nets += {192.0.2.0/24};
redef Enricher::never_block += {93.184.216.8/32};

global on: event();
global done: event();

function verdict(orig: addr, resp: addr, family: string, score: double)
    : Enricher::Verdict
	{
	return Enricher::Verdict($ts=network_time(), $orig_h=orig, $orig_p=4000/tcp,
	    $resp_h=resp, $resp_p=80/tcp, $family=family, $score=score,
	    $signature="ENRICHER", $severity=1, $expires=network_time() + 1hr,
	    $alert_id=cat(orig, resp));
	}

event NetControl::init()
	{
	NetControl::activate(NetControl::create_debug(T), 0);
	}

hook Enricher::block_policy(verdict: Enricher::Verdict, host: addr)
	{
	if ( host == 93.184.216.9 )
		break;
	}

event NetControl::init_done()
	{
	# Off: nobody.
	event Enricher::new_verdict(verdict(93.184.216.1, 192.0.2.1, "scan", 0.99));
	schedule 100msec { on() };
	}

event on()
	{
	Option::set("Enricher::block", T);
	# The outside host, whichever side it is.
	event Enricher::new_verdict(verdict(93.184.216.2, 192.0.2.1, "scan", 0.99));
	event Enricher::new_verdict(verdict(192.0.2.1, 93.184.216.3, "cnc", 0.99));
	# Not sure enough, nothing known, both ours, both outside.
	event Enricher::new_verdict(verdict(93.184.216.4, 192.0.2.1, "scan", 0.5));
	event Enricher::new_verdict(verdict(93.184.216.5, 192.0.2.1, "unknown", 0.99));
	event Enricher::new_verdict(verdict(192.0.2.7, 192.0.2.1, "scan", 0.99));
	event Enricher::new_verdict(verdict(93.184.216.6, 93.184.216.7, "scan", 0.99));
	# On the list, and kept from it by the site.
	event Enricher::new_verdict(verdict(93.184.216.8, 192.0.2.1, "scan", 0.99));
	event Enricher::new_verdict(verdict(93.184.216.9, 192.0.2.1, "scan", 0.99));
	schedule 500msec { done() };
	}

event done()
	{
	terminate();
	}

redef exit_only_after_terminate = T;
