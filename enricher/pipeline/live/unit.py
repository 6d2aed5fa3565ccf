"""A systemd unit for the service that lets it do what its settings need, and nothing else.

See systemd.exec(5), systemd.service(5) and systemd.syntax(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from enricher.config import Settings
from enricher.errors import ConfigError

NAME = "enricher"
STATE = Path("/var/lib") / NAME

_LOGS, _RUN = Path("/var/log") / NAME, Path("/run") / NAME
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - named, not written to
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_MEMORY = re.compile(r"[1-9][0-9]{0,14}[KMGT]?|infinity")
# systemd reads no escapes in lists of paths: these could not be written there at all.
_UNWRITABLE = re.compile(r"[\"'\\:]|[^\x20-\x7e\xa0-\U0010ffff]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class UnitOptions:
    """What the settings do not say.

    Attributes:
        program: The ``enricher`` command.
        config: The settings file.
        program_files: Folders that the program is loaded from.
        state: The state directory where it is not the one of the settings.
        user: User and group that it runs as.
        groups: Further groups, such as those that may read the logs.
        memory_max: Memory after which the kernel ends it, as systemd writes it.

    Raises:
        ConfigError: If a user, group or amount of memory is none.
    """

    program: Path
    config: Path
    program_files: tuple[Path, ...] = ()
    state: Path | None = None
    user: str = NAME
    groups: tuple[str, ...] = ()
    memory_max: str = "4G"

    def __post_init__(self) -> None:
        for name in (self.user, *self.groups):
            if not _USER.fullmatch(name):
                raise ConfigError(f"{name!a} is no name of a user or group; choose another one")
        if not _MEMORY.fullmatch(self.memory_max):
            raise ConfigError(f"{self.memory_max!a} is no amount of memory; write it as in 4G")


def service_unit(settings: Settings, options: UnitOptions) -> str:
    """The text of ``enricher.service``.

    Args:
        settings: What it will run with; their paths have to be absolute.
        options: The rest.

    Raises:
        ConfigError: If the service could not run so: it reads standard input, has no inputs or
            no output, or a path can not be written in a unit.
    """
    places = _Places.of(settings, options)
    command = [str(_usable(options.program)), "run", "--config", str(_usable(options.config))]
    if options.state is not None:
        command += ["--state", str(_usable(options.state))]
    sockets = any(one.path.startswith("unix:") for one in settings.inputs)
    parts = (
        ["[Unit]", "Description=Learned threat detection beside Zeek and Suricata"],
        ["After=network.target", *_order(sockets), "StartLimitIntervalSec=0"],
        ["", "[Service]", "Type=exec", f"ExecStart={' '.join(map(_argument, command))}"],
        _LIFE,
        [f"User={options.user}", f"Group={options.user}"],
        [f"SupplementaryGroups={' '.join(options.groups)}"] if options.groups else [],
        _RESOURCES,
        [f"MemoryMax={options.memory_max}"],
        ["", "# Where it may write, and what it may see.", *places.lines()],
        _RIGHTS,
        _devices(settings),
        _network(settings),
        ["", "[Install]", "WantedBy=multi-user.target", ""],
    )
    return "\n".join(line for part in parts for line in part)


def sysusers(user: str) -> str:
    """The line for ``/etc/sysusers.d`` that makes the user, see sysusers.d(5)."""
    return f'u {user} - "Enricher, threat detection" {STATE}'


_LIFE = (
    "# Reads settings, families and calibration again, and reopens its outputs (logrotate).",
    "ExecReload=/bin/kill -HUP $MAINPID",
    "# Finishes what it is at and commits it. It may be killed: then it reads that again.",
    "KillSignal=SIGTERM",
    "TimeoutStopSec=90",
    "Restart=on-failure",
    "RestartSec=5",
    "# Wrong usage does not get better.",
    "RestartPreventExitStatus=2",
    "",
)
_RESOURCES = (
    "UMask=0027",
    "",
    "# The sensor comes first.",
    "Nice=5",
    "LimitNOFILE=16384",
    "TasksMax=512",
)
_RIGHTS = (
    "",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectProc=invisible",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "# MemoryDenyWriteExecute= stays off: PyTorch and Numba compile machine code while they run.",
)


@dataclass(slots=True)
class _Places:
    """What the service reads and writes."""

    reads: set[Path]
    writes: set[Path]
    program: set[Path]
    state: Path
    optional: set[Path]  # need not be there

    @classmethod
    def of(cls, settings: Settings, options: UnitOptions) -> _Places:
        if not settings.inputs:
            raise ConfigError("nobody said what to follow: set 'inputs' in the settings")
        if settings.outputs.eve is None:
            raise ConfigError("nobody said where alerts go: set 'outputs.eve' in the settings")
        state = _usable(options.state or settings.state)
        found = cls(set(), set(), set(map(_usable, options.program_files)), state, set())
        found.program.add(_usable(options.config).parent)
        for one in settings.inputs:
            found._add_input(one.path)
            if one.archive is not None:
                found.reads.add(_usable(one.archive))
        for target in (settings.outputs.eve, settings.outputs.enriched):
            if target is not None:
                found._add_output(target)
        if settings.outputs.zeek is not None:
            # Alerts are not to wait for it: the service begins without it, too.
            found.optional = {_usable(settings.outputs.zeek)} - found.writes
            found.writes |= found.optional
        found.reads -= found.writes
        return found

    def _add_input(self, path: str) -> None:
        if path == "-":
            raise ConfigError("a service has no standard input; let it listen on unix:/path")
        if path.startswith("unix:"):
            self.writes.add(_usable(_socket(path)).parent)
            return
        place = _usable(Path(path))
        # A single file would stay the one that it was when the service began.
        self.reads.add(place.parent if place.is_file() or place.suffix else place)

    def _add_output(self, target: str) -> None:
        if target == "-":
            return  # to the journal
        # Who connects to a socket need not write in its folder.
        if not target.startswith("unix:"):
            self.writes.add(_usable(Path(target)).parent)
        else:
            self.reads.add(_usable(_socket(target)).parent)

    def lines(self) -> Iterator[str]:
        """The part of the unit."""
        writes = set(self.writes)
        if self.state.parent == STATE.parent:
            yield f"StateDirectory={_listed([self.state.name])}"
            yield "StateDirectoryMode=0750"
            writes = {path for path in writes if not path.is_relative_to(self.state)}
        else:
            writes.add(self.state)
        yield f"RuntimeDirectory={NAME}"
        if _LOGS in writes:
            yield f"LogsDirectory={NAME}"
            yield "LogsDirectoryMode=0750"
        yield f"CacheDirectory={NAME}"
        yield f"Environment=NUMBA_CACHE_DIR=/var/cache/{NAME}"
        writes = {path for path in writes - {_LOGS} if not path.is_relative_to(_RUN)}
        yield from _paths("ReadWritePaths", writes, self.optional)
        yield from _paths("ReadOnlyPaths", self.reads, self.reads)
        yield from self._homes(writes)
        yield from self._temporary(writes)

    def _homes(self, writes: set[Path]) -> Iterator[str]:
        seen = {path for path in self.reads | self.program if _below(path, _HOMES)}
        written = {path for path in writes if _below(path, _HOMES)}
        if not seen | written:
            yield "ProtectHome=yes"
            return
        yield "# Of the home directories it sees only these."
        yield "ProtectHome=tmpfs"
        yield from _paths("BindReadOnlyPaths", seen - written, seen)
        yield from _paths("BindPaths", written, self.optional)

    def _temporary(self, writes: set[Path]) -> Iterator[str]:
        if any(_below(path, _TEMPORARY) for path in self.reads | writes | self.program):
            yield "# No PrivateTmp=: the settings name paths in the system's temporary folders."
        else:
            yield "PrivateTmp=yes"


def _order(sockets: bool) -> list[str]:
    if sockets:
        return ["# Suricata connects to the socket when it starts.", "Before=suricata.service"]
    return ["After=zeek.service suricata.service"]


def _devices(settings: Settings) -> list[str]:
    if settings.detector.device == "cuda":
        return ["# No PrivateDevices=: the model runs on the GPU."]
    return ["# For a GPU remove this line, and set detector.device.", "PrivateDevices=yes"]


def _network(settings: Settings) -> list[str]:
    lines = ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"]
    address = settings.service.metrics
    if address is None or _is_local(address.rpartition(":")[0]):
        return [*lines, "IPAddressDeny=any", "IPAddressAllow=localhost"]
    return lines


def _is_local(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _socket(target: str) -> Path:
    return Path(target.removeprefix("unix:").removeprefix("//"))


def _usable(path: Path) -> Path:
    """A path that can be written in a unit, as it is."""
    if not path.is_absolute() or ".." in path.parts:
        raise ConfigError(f"{str(path)!a}: a service needs absolute paths, without '..'")
    if _UNWRITABLE.search(str(path)):
        raise ConfigError(
            f"{str(path)!a}: a unit cannot hold this path; use one without quotes, colons, "
            "backslashes and control characters"
        )
    return path


def _below(path: Path, tops: Iterable[Path]) -> bool:
    return any(path.is_relative_to(top) for top in tops)


def _paths(name: str, paths: Iterable[Path], optional: set[Path]) -> Iterator[str]:
    listed = _listed(("-" if path in optional else "") + str(path) for path in sorted(paths))
    if listed:
        yield f"{name}={listed}"


def _listed(values: Iterable[str]) -> str:
    """Values in a list of the unit; ``%`` begins a specifier there."""
    return " ".join(
        f'"{text}"' if " " in text else text for text in (one.replace("%", "%%") for one in values)
    )


def _argument(value: str) -> str:
    """A word of a command line, where ``$`` begins a variable, too."""
    return _listed([value.replace("$", "$$")])
