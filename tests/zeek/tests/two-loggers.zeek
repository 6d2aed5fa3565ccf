# @TEST-DOC: Two loggers of one machine never write to the same files: it is told, and nothing is written.
# @TEST-EXEC: cp $FILES/two-loggers.zeek cluster-layout.zeek
# @TEST-EXEC: ZEEKPATH=$ZEEKPATH:. CLUSTER_NODE=logger-1 zeek $PACKAGE %INPUT "Enricher::directory=$PWD/own" 2>absolute
# @TEST-EXEC: grep -q 'several loggers of one machine would share' absolute && test ! -e own
# @TEST-EXEC: ZEEKPATH=$ZEEKPATH:. CLUSTER_NODE=logger-1 zeek $PACKAGE %INPUT Enricher::directory=own 2>relative
# @TEST-EXEC: ! grep -q 'several loggers' relative && test -d own

event zeek_init() &priority=-20
	{
	terminate();
	}
