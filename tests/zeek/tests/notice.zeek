# @TEST-DOC: A verdict becomes a notice with its connection while that is there, and without it otherwise.
# @TEST-EXEC: cp $FILES/notice-verdicts.dat verdicts.tmp
# @TEST-EXEC: zeek -C -r $TRACES/one-of-each.pcap $PACKAGE %INPUT
# @TEST-EXEC: zeek-cut uid id.orig_h id.orig_p id.resp_h id.resp_p note msg sub < notice.log > cut && btest-diff cut

redef Enricher::directory = "own";
redef Enricher::verdicts_file = "verdicts.dat";
redef exit_only_after_terminate = T;

hook Enricher::verdict_policy(verdict: Enricher::Verdict)
	{
	if ( verdict$family == "our-scanner" )
		break;
	}

event connection_established(c: connection)
	{
	if ( c$id$resp_p != 7000/tcp )
		return;

	suspend_processing();
	system("mv verdicts.tmp verdicts.dat");
	}

event Input::end_of_data(name: string, source: string)
	{
	if ( name != "enricher-verdicts" )
		return;

	continue_processing();
	schedule 1sec { Enricher::done() };
	}

event Enricher::done()
	{
	terminate();
	}
