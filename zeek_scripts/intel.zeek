##! Hosts, domains, URLs and user agents of the enricher's confident alerts as intelligence, for as
##! long as they stand in its file.

@load base/frameworks/input
@load base/frameworks/intel
@load ./verdicts

module Enricher;

export {
	## The file that the enricher writes indicators to (``intel.dat`` in the directory of its
	## setting ``outputs.zeek``); empty for none. The manager of a cluster reads it. It does not
	## belong into :zeek:see:`Intel::read_files`, which forget nothing.
	const intel_file = "" &redef;
}

type IndicatorName: record {
	indicator: string;
	indicator_type: Intel::Type;
};

type Indicator: record {
	meta: Intel::MetaData;
};

global indicators: table[string, Intel::Type] of Indicator = table();

event Enricher::read_indicator(description: Input::TableDescription,
    change: Input::Event, name: IndicatorName, indicator: Indicator)
	{
	local item = Intel::Item($indicator=name$indicator,
	    $indicator_type=name$indicator_type, $meta=indicator$meta);

	if ( change == Input::EVENT_REMOVED )
		Intel::remove(item);
	else
		Intel::insert(item);
	}

event Enricher::look_for_indicators()
	{
	if ( file_size(intel_file) < 0 )
		{
		schedule look_interval { Enricher::look_for_indicators() };
		return;
		}

	Input::add_table(Input::TableDescription($source=intel_file,
	    $name="enricher-intel", $mode=Input::REREAD,
	    $destination=indicators, $idx=IndicatorName, $val=Indicator,
	    $ev=Enricher::read_indicator));
	}

event zeek_init()
	{
	if ( intel_file != "" && reads_files() )
		event Enricher::look_for_indicators();
	}
