##! What the enricher thinks, brought back: every alert it writes becomes a notice, with its
##! connection where that is still there.

@load base/frameworks/cluster
@load base/frameworks/input
@load base/frameworks/notice
@load base/misc/version

module Enricher;

export {
	redef enum Notice::Type += {
		## The enricher has raised an alert.
		Alert,
	};

	## The file that the enricher writes its alerts to (``verdicts.dat`` in the directory of its
	## setting ``outputs.zeek``); empty for none. The manager of a cluster reads it.
	const verdicts_file = "" &redef;

	## How long the workers of a cluster are given to find a connection.
	option find_timeout = 3sec;

	## For so long the same alert is not noticed again.
	option suppress_for = 1day;

	## One alert of the enricher.
	type Verdict: record {
		## Time of the record that the alert is for.
		ts: time;
		## Zeek's identifier of its connection.
		uid: string &optional;
		## The flow.
		orig_h: addr;
		orig_p: port;
		resp_h: addr;
		resp_p: port;
		## Family that the record belongs to, or ``unknown``.
		family: string;
		## How sure that is, from 0 to 1.
		score: double;
		## How likely a benign record of the site is as odd as this one.
		p_value: double &optional;
		## The alert's signature, as in its EVE event.
		signature: string;
		## The alert's severity, from 1 (high) to 4.
		severity: count;
		## Log that the record is in: ``conn``, ``http``, ``dns`` or ``ssl``.
		kind: string &optional;
		## Community ID of the flow.
		community_id: string &optional;
		## After this time the alert is old news.
		expires: time;
		## Name of the alert: ``alert.metadata.alert_id`` in its EVE event.
		alert_id: string &optional;
	};

	## A site's own policy: called for each new verdict. Breaking from it keeps it from
	## being noticed, and from all that follows.
	global verdict_policy: hook(verdict: Verdict);

	## Raised once for each new verdict that the policy lets pass, where it was read.
	global new_verdict: event(verdict: Verdict);
}

type VerdictName: record {
	alert_id: string;
};

function flow_of(verdict: Verdict): conn_id
	{
	local flow = conn_id($orig_h=verdict$orig_h, $orig_p=verdict$orig_p,
	    $resp_h=verdict$resp_h, $resp_p=verdict$resp_p);

@if ( Version::number >= 80000 )
	# Since 8.0 a connection is looked up by its protocol as well.
	switch ( get_port_transport_proto(verdict$resp_p) )
		{
		case tcp:
			flow$proto = 6;
			break;
		case udp:
			flow$proto = 17;
			break;
		case icmp:
			flow$proto = is_v4_addr(verdict$resp_h) ? 1 : 58;
			break;
		default:
			break;
		}
@endif

	return flow;
	}

# The connection of a verdict may be gone, and its ports taken by another one since.
function has_connection(verdict: Verdict): bool
	{
	if ( get_port_transport_proto(verdict$resp_p) == unknown_transport )
		return F;

	local flow = flow_of(verdict);

	if ( ! connection_exists(flow) )
		return F;

	return ! verdict?$uid || lookup_connection(flow)$uid == verdict$uid;
	}

function notice(verdict: Verdict)
	{
	local info = Notice::Info($note=Alert, $msg=verdict$signature,
	    $identifier=verdict$alert_id, $suppress_for=suppress_for, $sub=fmt(
	    "family %s, score %.3f, severity %d, alert %s", verdict$family,
	    verdict$score, verdict$severity, verdict$alert_id));

	if ( has_connection(verdict) )
		info$conn = lookup_connection(flow_of(verdict));
	else
		{
		info$id = flow_of(verdict);
		if ( verdict?$uid )
			info$uid = verdict$uid;
		}

	NOTICE(info);
	}

@if ( Cluster::is_enabled() )

# The manager asks the workers for the connection; one that has it raises the notice and says so.
# Nobody does where it is gone: then the manager raises it, without.
global find_connection: event(verdict: Verdict);
global found_connection: event(alert_id: string);
global searched: set[string] &create_expire=1min;

@if ( Cluster::local_node_type() == Cluster::WORKER )
event Enricher::find_connection(verdict: Verdict)
	{
	if ( ! has_connection(verdict) )
		return;

	notice(verdict);
	Cluster::publish(Cluster::manager_topic, Enricher::found_connection,
	    verdict$alert_id);
	}
@endif

@if ( Cluster::local_node_type() == Cluster::MANAGER )
event Enricher::found_connection(alert_id: string)
	{
	delete searched[alert_id];
	}

event Enricher::searched_long_enough(verdict: Verdict)
	{
	if ( verdict$alert_id in searched )
		notice(verdict);

	delete searched[verdict$alert_id];
	}

event Enricher::new_verdict(verdict: Verdict)
	{
	add searched[verdict$alert_id];
	Cluster::publish(Cluster::worker_topic, Enricher::find_connection, verdict);
	schedule find_timeout { Enricher::searched_long_enough(verdict) };
	}
@endif

@else

event Enricher::new_verdict(verdict: Verdict)
	{
	notice(verdict);
	}

@endif

event Enricher::read_verdict(description: Input::TableDescription,
    change: Input::Event, name: VerdictName, verdict: Verdict)
	{
	# A verdict that is there no longer has expired, and one does not change.
	if ( change != Input::EVENT_NEW || verdict$expires < network_time() )
		return;

	verdict$alert_id = name$alert_id;

	if ( hook verdict_policy(verdict) )
		event Enricher::new_verdict(verdict);
	}

global verdicts: table[string] of Verdict = table();

event zeek_init()
	{
	if ( verdicts_file == ""
	    || ( Cluster::is_enabled() && Cluster::local_node_type() != Cluster::MANAGER ) )
		return;

	Input::add_table(Input::TableDescription($source=verdicts_file,
	    $name="enricher-verdicts", $mode=Input::REREAD,
	    $destination=verdicts, $idx=VerdictName, $val=Verdict,
	    $ev=Enricher::read_verdict));
	}
