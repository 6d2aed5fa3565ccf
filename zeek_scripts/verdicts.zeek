##! What the enricher thinks, brought back: reads the alerts that it writes.

@load base/frameworks/cluster
@load base/frameworks/input

module Enricher;

export {
	## The file that the enricher writes its alerts to (``verdicts.dat`` in the directory of its
	## setting ``outputs.zeek``); empty for none. The manager of a cluster reads it.
	const verdicts_file = "" &redef;

	## How often it is looked for a file that is not there yet.
	const look_interval = 10sec &redef;

	## One alert of the enricher.
	type Verdict: record {
		## Time of the record that the alert is for.
		ts: time;
		## Zeek's identifier of its connection.
		uid: string &optional;
		## The originator of the flow.
		orig_h: addr;
		## Its port.
		orig_p: port;
		## The responder.
		resp_h: addr;
		## Its port.
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

# Whether this node reads what the enricher writes.
function reads_files(): bool
	{
	return ! Cluster::is_enabled()
	    || Cluster::local_node_type() == Cluster::MANAGER;
	}

type VerdictName: record {
	alert_id: string;
};

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

# The input framework warns of a file that is not there, and the enricher makes it with its first alert.
event Enricher::look_for_verdicts()
	{
	if ( file_size(verdicts_file) < 0 )
		{
		schedule look_interval { Enricher::look_for_verdicts() };
		return;
		}

	Input::add_table(Input::TableDescription($source=verdicts_file,
	    $name="enricher-verdicts", $mode=Input::REREAD,
	    $destination=verdicts, $idx=VerdictName, $val=Verdict,
	    $ev=Enricher::read_verdict));
	}

event zeek_init()
	{
	if ( verdicts_file != "" && reads_files() )
		event Enricher::look_for_verdicts();
	}
