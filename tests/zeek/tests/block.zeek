# @TEST-DOC: Only the outside host of a confident alert is blocked, only where it is wanted, and never one on the list.
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: grep 'add_rule' output | grep -oE '[0-9]+(\.[0-9]+){3}/32' | sort -u > blocked && btest-diff blocked

redef Enricher::directory = "own";
redef Site::local_nets += {198.51.100.0/24};
redef Enricher::never_block += {203.0.113.8/32};

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
	if ( host == 203.0.113.9 )
		break;
	}

event NetControl::init_done()
	{
	# Off: nobody.
	event Enricher::new_verdict(verdict(203.0.113.1, 198.51.100.1, "scan", 0.99));
	schedule 100msec { Enricher::on() };
	}

event Enricher::on()
	{
	Option::set("Enricher::block", T);
	# The outside host, whichever side it is.
	event Enricher::new_verdict(verdict(203.0.113.2, 198.51.100.1, "scan", 0.99));
	event Enricher::new_verdict(verdict(198.51.100.1, 203.0.113.3, "cnc", 0.99));
	# Not sure enough, nothing known, both ours, both outside.
	event Enricher::new_verdict(verdict(203.0.113.4, 198.51.100.1, "scan", 0.5));
	event Enricher::new_verdict(verdict(203.0.113.5, 198.51.100.1, "unknown",
	    0.99));
	event Enricher::new_verdict(verdict(198.51.100.7, 198.51.100.1, "scan", 0.99));
	event Enricher::new_verdict(verdict(203.0.113.6, 203.0.113.7, "scan", 0.99));
	# On the list, and kept from it by the site.
	event Enricher::new_verdict(verdict(203.0.113.8, 198.51.100.1, "scan", 0.99));
	event Enricher::new_verdict(verdict(203.0.113.9, 198.51.100.1, "scan", 0.99));
	schedule 500msec { Enricher::done() };
	}

event Enricher::done()
	{
	terminate();
	}

redef exit_only_after_terminate = T;
