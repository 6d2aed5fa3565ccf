# @TEST-DOC: Indicators are known as long as they stand in the file, no longer.
# @TEST-EXEC: cp $FILES/intel-first.dat first.dat && cp $FILES/intel-second.dat second.dat
# @TEST-EXEC: btest-bg-run zeek zeek $PACKAGE ../intel.zeek
# @TEST-EXEC: btest-bg-wait 30
# @TEST-EXEC: btest-diff zeek/.stdout

redef Enricher::directory = "own";
redef Enricher::look_interval = 100msec;
redef Enricher::intel_file = "intel.dat";
redef exit_only_after_terminate = T;

global done: event();

global looks = 0;

event zeek_init()
	{
	system("cp ../first.dat intel.dat");
	}

hook Intel::indicator_inserted(v: string, t: Intel::Type)
	{
	print fmt("inserted %s %s", t, v);
	}

hook Intel::indicator_removed(v: string, t: Intel::Type)
	{
	print fmt("removed %s %s", t, v);
	}

event Input::end_of_data(name: string, source: string)
	{
	if ( name != "enricher-intel" )
		return;

	looks += 1;

	if ( looks == 1 )
		system("cp ../second.dat new.dat && mv new.dat intel.dat");
	else
		schedule 500msec { done() };
	}

event done()
	{
	terminate();
	}
