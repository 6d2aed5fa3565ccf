# @TEST-DOC: A verdict becomes a notice with its connection while that is there, and without it otherwise; a policy may keep it back.
# @TEST-EXEC: cp $FILES/notice-verdicts.dat verdicts.dat
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: zeek-cut uid id.orig_h id.orig_p id.resp_h id.resp_p note msg sub < notice.log > cut && btest-diff cut

redef Enricher::directory = "own";
redef Enricher::verdicts_file = "verdicts.dat";

global kept: vector of Enricher::Verdict;

# A capture is read faster than a file is looked at: what was read before it waits for its connection.
event zeek_init()
	{
	suspend_processing();
	}

event Input::end_of_data(name: string, source: string)
	{
	continue_processing();
	}

hook Enricher::verdict_policy(verdict: Enricher::Verdict)
	{
	if ( verdict$family != "our-scanner" )
		kept += verdict;

	break;
	}

event connection_established(c: connection)
	{
	if ( c$id$resp_p != 7000/tcp )
		return;

	for ( _, verdict in kept )
		event Enricher::new_verdict(verdict);
	}
