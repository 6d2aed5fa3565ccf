##! Where the logs of this package stand, and what becomes of them when they are rotated: they stay
##! in their directory under the time of their rotation, and go after a day.

@load base/frameworks/logging

module Enricher;

export {
	## Directory of the logs, on the machine that writes them. It is made if it is missing.
	## An absolute path, unless several loggers share a machine: a relative one is taken from
	## the working directory of each.
	const directory = "/var/log/enricher/zeek" &redef;

	## How often a log is rotated.
	const rotation_interval = 15min &redef;

	## Rotated logs are removed when they are so old.
	const keep_for = 1day &redef;

	## The path of a log, as filters want it: without ``.log``.
	global path_of: function(kind: string): string;

	## Makes the directory.
	##
	## Returns: Whether there is one now.
	global make_directory: function(): bool;

	## Rotates what an earlier Zeek, which was killed, has left of a log: a new one would empty it.
	global put_away: function(kind: string);

	## Leaves a rotated log where it is, whatever the site does with its own.
	global keep_here: function(info: Log::RotationInfo): bool;
}

# So many rotations back it is looked for old logs: a Zeek may have been away.
const look_back = 400.0;

# The latest time in a name, by path. Files are renamed later, by the threads that write them: so
# what is on the disk does not tell which names are taken.
global latest: table[string] of time;

function path_of(kind: string): string
	{
	return fmt("%s/%s", directory, kind);
	}

function keep_here(info: Log::RotationInfo): bool
	{
	return T;
	}

function name_at(path: string, moment: time): string
	{
	return fmt("%s.%s", path, strftime("%Y-%m-%d-%H-%M-%S", moment));
	}

# Times in names are multiples of the interval, if the names are free, so that a later Zeek knows
# which ones to remove.
function slot_of(moment: time): time
	{
	local seconds = interval_to_double(rotation_interval);

	if ( seconds < 1.0 )
		return moment;

	return double_to_time(floor(time_to_double(moment) / seconds) * seconds);
	}

# A name that no other file has or will get.
function new_name(path: string, moment: time): string
	{
	local own = slot_of(moment);

	if ( path in latest && own <= latest[path] )
		own = latest[path] + 1sec;

	while ( file_size(name_at(path, own) + ".log") >= 0 )
		own = own + 1sec;

	latest[path] = own;
	return name_at(path, own);
	}

function remove_old(path: string, moment: time)
	{
	if ( rotation_interval < 1sec )
		return;

	local oldest = moment - 4.0 * keep_for;
	local slot = slot_of(moment - keep_for) - rotation_interval;

	while ( slot > oldest )
		{
		for ( _, more in vector(0sec, 1sec, 2sec) )
			{
			local name = name_at(path, slot + more) + ".log";

			if ( file_size(name) >= 0 )
				unlink(name);
			}

		slot = slot - rotation_interval;
		}
	}

function put_away(kind: string)
	{
	local path = path_of(kind);

	if ( file_size(path + ".log") > 0 )
		rename(path + ".log", new_name(path, current_time()) + ".log");
	}

function make_directory(): bool
	{
	local made = "";

	for ( _, part in split_string(directory, /\//) )
		{
		made += part;

		if ( part != "" && file_size(made) < 0 && ! mkdir(made) )
			{
			Reporter::warning(fmt("no logs are written for the enricher: %s cannot be made; make it, or redef Enricher::directory",
			    directory));
			return F;
			}

		made += "/";
		}

	return T;
	}

# What the site does with its own logs; it holds for them as before.
global site_format: function(info: Log::RotationFmtInfo): Log::RotationPath =
    Log::rotation_format_func;

redef Log::rotation_format_func = function(info: Log::RotationFmtInfo)
    : Log::RotationPath
	{
	if ( ! starts_with(info$path, directory + "/") )
		return site_format(info);

	remove_old(info$path, info$close);
	local name = new_name(info$path, info$close);
	return Log::RotationPath($dir=directory, $file_basename=name[|directory| + 1
	    :]);
	};
