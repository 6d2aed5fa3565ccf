"""The ``enricher`` command: finds each command's module only when it is asked for.

Exit status: 0 done, 1 could not, 2 wrong usage.
"""

from __future__ import annotations

import gc
import importlib
import sys

import click

from enricher import __version__
from enricher.errors import ConfigError, EnricherError

# Name of the command -> its module and the line that `--help` shows. The modules are imported
# when they are used: `enricher --help` need not wait for torch.
COMMANDS = {
    "scan": ("scan", "Score logs and write EVE alerts, a summary and a report."),
    "run": ("run", "Follow the logs of a running Zeek or Suricata and write alerts as they come."),
    "status": ("status", "Tell how 'enricher run' is; a health check."),
    "service": ("service", "Print a systemd unit for 'enricher run'."),
    "calibrate": ("calibrate", "Learn this site's thresholds from its own benign logs."),
    "adapt": ("adapt", "Teach the detector a family from a few records."),
    "families": ("families", "The site's own families: list, show, share, forget."),
    "feedback": ("feedback", "Say of an alert whether it was right: the detector learns from it."),
    "rules": ("rules", "Suricata rules of a family: propose, review, deploy, count."),
    "suricata": ("suricata", "Stand beside a running Suricata: check it, print what it lacks."),
    "zeek": ("zeek", "Stand beside a running Zeek: look at it, install the package for it."),
    "train": ("train", "Train a detector bundle from labelled logs."),
    "evaluate": ("evaluate", "Measure detection on captures that training has not seen."),
    "simulate": ("simulate", "Write a seeded, labelled directory of Zeek logs."),
    "doctor": ("doctor", "Tell what is wrong with an installation, a path, a device, a bundle."),
    "show-settings": ("show_settings", "Print every setting, its value and where it came from."),
}


class LazyGroup(click.Group):
    """A group of commands whose modules are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"enricher.cli.{COMMANDS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="enricher")
def group() -> None:
    """Meta-learned threat detection beside a running Zeek or Suricata."""


def main() -> None:
    """Run the command line; the process boundary."""
    try:
        status = group(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except EnricherError as error:
        click.echo(f"enricher: {_printable(str(error))}", err=True)
        # Settings that can not be used are wrong usage: starting again does not help.
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("enricher: stopped", err=True)
        sys.exit(130)
    # The process ends here: no use in looking for cycles among all that it still holds.
    gc.freeze()
    sys.exit(status if isinstance(status, int) else 0)


def _printable(message: str) -> str:
    """Make control characters in file names and log content visible."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)


if __name__ == "__main__":
    main()
