##! Raises a notice for every verdict of the enricher, with its connection where that is still there.

@load base/frameworks/cluster
@load base/frameworks/notice
@load base/misc/version
@load ./verdicts

module Enricher;

export {
	redef enum Notice::Type += {
		## The enricher has raised an alert.
		Alert,
	};

	## How long the workers of a cluster are given to find a connection.
	option find_timeout = 3sec;

	## For so long the same alert is not noticed again.
	option suppress_for = 1day;

	## The flow of a verdict, as Zeek looks connections up.
	global flow_of: function(verdict: Verdict): conn_id;

	## Whether the connection of a verdict is still there, on this node.
	global has_connection: function(verdict: Verdict): bool;

	## Raises the notice of a verdict, with its connection where this node has it.
	global raise_notice: function(verdict: Verdict);

	## In a cluster: the manager asks the workers for the connection of a verdict.
	global find_connection: event(verdict: Verdict);

	## In a cluster: a worker had the connection of a verdict, and has raised its notice.
	global found_connection: event(alert_id: string);
}

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

function raise_notice(verdict: Verdict)
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
# Zeek has Cluster::publish since 7.1; before that Broker is all there is.
global searched: set[string] &create_expire=1min;

@if ( Cluster::local_node_type() == Cluster::WORKER )
event Enricher::find_connection(verdict: Verdict)
	{
	if ( ! has_connection(verdict) )
		return;

	raise_notice(verdict);
@if ( Version::number >= 70100 )
	Cluster::publish(Cluster::manager_topic, Enricher::found_connection,
	    verdict$alert_id);
@else
	Broker::publish(Cluster::manager_topic, Enricher::found_connection,
	    verdict$alert_id);
@endif
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
		raise_notice(verdict);

	delete searched[verdict$alert_id];
	}

event Enricher::new_verdict(verdict: Verdict)
	{
	add searched[verdict$alert_id];
@if ( Version::number >= 70100 )
	Cluster::publish(Cluster::worker_topic, Enricher::find_connection, verdict);
@else
	Broker::publish(Cluster::worker_topic, Enricher::find_connection, verdict);
@endif
	schedule find_timeout { Enricher::searched_long_enough(verdict) };
	}
@endif

@else

event Enricher::new_verdict(verdict: Verdict)
	{
	raise_notice(verdict);
	}

@endif
