"""``enricher service``: what an administrator needs to run it as a system service."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import enricher
from enricher.config import load_settings

CONFIG = Path("/etc/enricher/enricher.yaml")


@click.group("service", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Run 'enricher run' as a service of the system."""


@command.command("install")
@click.option("--print", "show", is_flag=True, help="Print the unit; nothing else is done.")
@click.option("--user", metavar="NAME", default="enricher", show_default=True, help="Runs as NAME.")
@click.option(
    "--group",
    "groups",
    metavar="NAME",
    multiple=True,
    help="A further group, such as the one that may read the logs; may be repeated.",
)
@click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CONFIG,
    show_default=True,
    help="Settings file (YAML).",
)
@click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
@click.option(
    "--memory-max",
    metavar="SIZE",
    default="4G",
    show_default=True,
    help="Memory after which the kernel ends it.",
)
def install(
    *,
    show: bool,
    user: str,
    groups: tuple[str, ...],
    file: Path,
    state: Path | None,
    memory_max: str,
) -> None:
    """Print a hardened systemd unit that fits the settings file.

    It may read the logs, write the alerts and its state, and nothing else. Where the state is not
    set it is /var/lib/enricher.
    """
    if not show:
        raise click.UsageError(
            "Writing below /etc is for you: look at the unit with --print, then save it as "
            "/etc/systemd/system/enricher.service. Its first lines say how."
        )
    from enricher.pipeline.live.unit import STATE, UnitOptions, service_unit  # noqa: PLC0415

    # Variables of this shell are not there when systemd starts it.
    settings = load_settings(file, {"STATE_DIRECTORY": str(STATE)}).settings
    options = UnitOptions(
        program=Path(sys.executable).parent / "enricher",
        config=file.absolute(),
        program_files=_program_files(),
        state=None if state is None else state.absolute(),
        user=user,
        groups=groups,
        memory_max=memory_max,
    )
    click.echo(_how(user) + service_unit(settings, options), nl=False)


def _program_files() -> tuple[Path, ...]:
    """Folders that this program is loaded from."""
    package = Path(enricher.__file__).resolve().parents[1]
    return tuple(dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix).resolve(), package)))


def _how(user: str) -> str:
    from enricher.pipeline.live.unit import sysusers  # noqa: PLC0415

    return f"""\
# /etc/systemd/system/enricher.service
#
# The user, once:
#   echo '{sysusers(user)}' > /etc/sysusers.d/enricher.conf
#   systemd-sysusers
# It has to be able to read the logs: name their group with --group.
# Then:
#   systemctl daemon-reload
#   systemctl enable --now enricher
# Made from the settings: make it anew when inputs, outputs or the state directory change.

"""
