##! Writes conn, http, dns and ssl records once more, for the enricher: as JSON lines, in a
##! directory of their own. The site's own logs stay as they are: what is added here is never a
##! field of the site's log records, only of the filters of this package.

@load base/frameworks/cluster
@load base/frameworks/logging
@load ./rotate

module Enricher;

export {
	## Name of the filter that is added to the streams of the four kinds. A site's own
	## :zeek:see:`Log::PolicyHook` may tell by it whom a record is written for.
	const filter_name = "enricher" &redef;

	## Logs that are written: ``conn``, ``http``, ``dns``, ``ssl``. May be changed while Zeek
	## runs.
	option kinds: set[string] = {
		"conn",
		"http",
		"dns",
		"ssl"
	};

	## Name of the sensor, written as ``_system_name``; empty for none.
	option sensor = gethostname();

	## Whether every record has the Community ID of its flow.
	option community_id = T;

	## Seed of the Community ID, the same as in the other tools of the site.
	option community_id_seed: count = 0;

	## What is written before the fields of a record. Further scripts of this package add to it.
	type Extension: record {
		## Which log this is: ``conn``, ``http``, ``dns`` or ``ssl``.
		_path: string &log;
		## Name of the sensor.
		_system_name: string &log &optional;
		## Community ID of the flow, version 1.
		community_id: string &log &optional;
	};

	## A stream whose records are written.
	type Source: record {
		## The stream, which is there already.
		stream: Log::ID;
		## Fields of its records that are written, where they have them.
		fields: set[string];
		## Called with every record before it is written: begins its extension with
		## :zeek:see:`Enricher::begin`, adds to it, and returns *path*.
		extend: function(id: Log::ID, path: string, rec: any): string;
	};

	## The streams, by the names of the logs. To be filled before the end of
	## :zeek:see:`zeek_init`.
	global sources: table[string] of Source;

	## Ties event handlers to an option: those of the group that is named like the option are only
	## called while it is true. So what is off costs nothing.
	##
	## name: Name of the option and of the group, with ``Enricher::``.
	##
	## on: Whether it is true now.
	global tie: function(name: string, on: bool);

	## Begins what is written before the fields of the next record.
	##
	## kind: Name of the log.
	##
	## id: The flow.
	##
	## Returns: It, for the caller to add to.
	global begin: function(kind: string, id: conn_id): Extension;
}

# Zeek asks a filter for the path of a record, with the record at hand, right before it asks for
# the extension, without it. So the extension is made when the path is asked for.
global extension: Extension;

function begin(kind: string, id: conn_id): Extension
	{
	extension = Extension($_path=kind);

	if ( sensor != "" )
		extension$_system_name = sensor;

	if ( community_id )
		extension$community_id = community_id_v1(id, community_id_seed, T);

	return extension;
	}

function turn(name: string, on: bool): bool
	{
	if ( on )
		enable_event_group(name);
	else
		disable_event_group(name);

	return on;
	}

function tie(name: string, on: bool)
	{
	turn(name, on);
	Option::set_change_handler(name, turn);
	}

function extension_of(path: string): Extension
	{
	return extension;
	}

# The same whatever the site has set for its own logs.
const writer_config: table[string] of string = {
	["use_json"] = "T",
	["json_timestamps"] = "JSON::TS_EPOCH",
	["json_include_unset_fields"] = "F",
	["gzip_level"] = "0",
	["output_to_stdout"] = "F",
};

function filter_of(kind: string): Log::Filter
	{
	local filter = Log::Filter($name=filter_name, $writer=Log::WRITER_ASCII);
	filter$path = path_of(kind);
	filter$path_func = sources[kind]$extend;
	filter$include = sources[kind]$fields;
	filter$ext_func = extension_of;
	filter$ext_prefix = "";
	filter$scope_sep = ".";
	filter$field_name_map = table();
	filter$interv = rotation_interval;
	filter$postprocessor = keep_here;
	filter$config = writer_config;
	return filter;
	}

function switch_to(wanted: set[string])
	{
	for ( name in wanted )
		{
		if ( name !in sources )
			Reporter::warning(fmt("Enricher::kinds: there is no log %s; name conn, http, dns or ssl",
			    name));
		}

	for ( kind, source in sources )
		{
		if ( kind !in wanted )
			Log::remove_filter(source$stream, filter_name);
		else if ( Log::get_filter(source$stream, filter_name)$name != filter_name )
			Log::add_filter(source$stream, filter_of(kind));
		}
	}

function switch_kinds(option_name: string, wanted: set[string]): set[string]
	{
	switch_to(wanted);
	return wanted;
	}

# Two loggers that write to the same file would empty it for each other.
function is_shared_by_loggers(): bool
	{
	local machines: set[addr];

	for ( _, node in Cluster::nodes )
		{
		if ( node$node_type != Cluster::LOGGER )
			next;

		if ( node$ip in machines )
			return starts_with(directory, "/");

		add machines[node$ip];
		}

	return F;
	}

event zeek_init() &priority=-10
	{
	if ( is_shared_by_loggers() )
		{
		Reporter::warning(fmt("no logs are written for the enricher: several loggers of one machine would share %s; redef Enricher::directory to a relative path",
		    directory));
		return;
		}

	# In a cluster the loggers write, and the workers only send.
	if ( Log::enable_local_logging )
		{
		if ( ! make_directory() )
			return;

		for ( kind in sources )
			put_away(kind);
		}

	switch_to(kinds);
	Option::set_change_handler("Enricher::kinds", switch_kinds);
	}
