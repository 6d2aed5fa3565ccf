##! Where the logs of this package stand, and what becomes of them when they are rotated: they stay
##! in their directory as ``conn.1.log`` (the newest), ``conn.2.log`` and so on, and the oldest go.

@load base/frameworks/cluster
@load base/frameworks/logging

module Enricher;

export {
	## Directory of the logs, on the machine that writes them. It is made if it is missing.
	## An absolute path, unless several loggers share a machine: a relative one is taken from
	## the working directory of each.
	const directory = "/var/log/enricher/zeek" &redef;

	## How often a log is rotated.
	const rotation_interval = 15min &redef;

	## So many rotated files are kept of each log: a day's, unless said otherwise.
	const rotated_files: count = 96 &redef;

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

function path_of(kind: string): string
	{
	return fmt("%s/%s", directory, kind);
	}

function keep_here(info: Log::RotationInfo): bool
	{
	return T;
	}

# Makes place for a new file with the number 1.
function shift(path: string)
	{
	local number = rotated_files;
	local name = fmt("%s.%d.log", path, number);

	if ( file_size(name) >= 0 )
		unlink(name);

	while ( number > 1 )
		{
		number -= 1;
		local newer = fmt("%s.%d.log", path, number);

		if ( file_size(newer) >= 0 )
			rename(newer, name);

		name = newer;
		}
	}

function put_away(kind: string)
	{
	local path = path_of(kind);

	if ( file_size(path + ".log") <= 0 )
		return;

	shift(path);
	rename(path + ".log", path + ".1.log");
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

	# A log that had no record since has no file, and Zeek asks all the same.
	if ( file_size(info$path + ".log") >= 0 )
		shift(info$path);

	return Log::RotationPath($dir=directory, $file_basename=info$path[|directory| + 1
	    :] + ".1");
	};
