# @TEST-DOC: In a cluster the worker that has the connection raises the notice, the manager where nobody has it; logs are written once, on the manager.
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: BROKER_WORKER2_PORT
# @TEST-EXEC: cp $FILES/cluster-layout.zeek . && cp $FILES/cluster-verdicts.dat verdicts.tmp && head -1 verdicts.tmp > verdicts.dat
# @TEST-EXEC: btest-bg-run manager "ZEEKPATH=$ZEEKPATH:.. CLUSTER_NODE=manager zeek $PACKAGE ../cluster.zeek"
# @TEST-EXEC: btest-bg-run worker-1 "ZEEKPATH=$ZEEKPATH:.. CLUSTER_NODE=worker-1 zeek -C -r $TRACES/one-of-each.pcap $PACKAGE ../cluster.zeek"
# @TEST-EXEC: btest-bg-run worker-2 "ZEEKPATH=$ZEEKPATH:.. CLUSTER_NODE=worker-2 zeek $PACKAGE ../cluster.zeek"
# @TEST-EXEC: btest-bg-wait 60
# @TEST-EXEC: zeek-cut uid id.orig_h id.orig_p id.resp_h id.resp_p note sub peer_descr < manager/notice.log | sort > cut && btest-diff cut
# @TEST-EXEC: for log in conn http dns ssl; do test $(grep -vc '^#' manager/$log.log) -eq $(wc -l < manager/own/$log.log); done
# @TEST-EXEC: grep -q '"exchange_sizes":\[-100,10,-20,3000\]' manager/own/conn.log
# @TEST-EXEC: test ! -e worker-1/own

redef Enricher::directory = "own";
redef Enricher::conn_fields = T;
redef Enricher::verdicts_file = "../verdicts.dat";
redef Enricher::find_timeout = 1sec;
redef Log::default_rotation_interval = 0sec;
redef Enricher::rotation_interval = 0sec;

global connected: event() &is_used;
global finish: event() &is_used;
global noticed = 0;

@if ( Cluster::local_node_type() == Cluster::WORKER )

event zeek_init()
	{
	if ( Cluster::node == "worker-1" )
		suspend_processing();
	}

event Cluster::node_up(name: string, id: string)
	{
	# The other worker may not be there yet: it has no part in what follows.
	if ( name == "manager" && Cluster::node == "worker-1" )
		continue_processing();
	}

event connection_established(c: connection)
	{
	if ( c$id$resp_p != 7000/tcp )
		return;

	suspend_processing();
	Cluster::publish(Cluster::manager_topic, connected);
	}

event new_connection(c: connection)
	{
	# The last packet.
	if ( c$id$resp_p == 7001/tcp )
		terminate();
	}

event finish()
	{
	if ( Cluster::node == "worker-1" )
		continue_processing();
	else
		terminate();
	}

@else

event connected()
	{
	system("mv ../verdicts.tmp ../verdicts.dat");
	}

# The notice of the worker comes to the manager as a log record only.
function count_notice()
	{
	noticed += 1;

	if ( noticed == 2 )
		Cluster::publish(Cluster::worker_topic, finish);
	}

event Enricher::found_connection(alert_id: string)
	{
	count_notice();
	}

hook Notice::policy(n: Notice::Info)
	{
	count_notice();
	}

event Cluster::node_down(name: string, id: string)
	{
	if ( name == "worker-1" )
		terminate();
	}

@endif
