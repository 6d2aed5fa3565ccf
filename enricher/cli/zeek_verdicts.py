"""``enricher zeek verdicts``: the files for Zeek, from alerts that were written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli.options import settings_of, settings_options

if TYPE_CHECKING:
    from enricher.pipeline.verdicts import VerdictCounts


_LATEST = 253_402_300_799.0


class Moment(click.ParamType[float]):
    """A time such as ``2026-01-05T09:20:36``, or seconds since 1970."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; UTC unless it says otherwise."""
        text = str(value).strip()
        try:
            seconds = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
                seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                self.fail(f"{text!a} is no time such as 2026-01-05T09:20:36", param, ctx)
        if not 0.0 <= seconds <= _LATEST:
            self.fail(f"{text!a} is not in the years 1970 to 9999", param, ctx)
        return seconds


@click.command("verdicts")
@click.argument(
    "paths", metavar="EVE_FILE...", nargs=-1, required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)  # fmt: skip
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="Folder for verdicts.dat and intel.dat.",
)  # fmt: skip
@click.option(
    "--now", type=Moment(), metavar="TIME",
    help="What has expired by then is left out; without it, by the time of the latest alert.",
)  # fmt: skip
@click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
@settings_options
def command(
    *,
    paths: tuple[Path, ...],
    out: Path,
    now: float | None,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Make the two files for Zeek from alerts that the enricher wrote to EVE files.

    This is for 'enricher scan'; 'enricher run' keeps the files itself where outputs.zeek names a
    folder. Alerts that analysts have called false (in the state) are left out.
    """
    settings = settings_of(file, overrides, state=state)
    from enricher.pipeline.verdicts import verdicts_of_files  # noqa: PLC0415

    for told in _told(verdicts_of_files(paths, out, settings, now), out):
        click.echo(told)


def _told(counts: VerdictCounts, out: Path) -> list[str]:
    """What became of the lines, for people."""
    lines, rows = counts.lines, counts.rows
    files = " and ".join(f"{name} ({count:,} lines)" for name, count in rows.items())
    told = [f"{str(out)!a}: {files} from {lines['verdict']:,} alerts"]
    if counts.now is not None:
        when = f"{datetime.fromtimestamp(counts.now, UTC):%Y-%m-%d %H:%M:%S} UTC"
        told.append(f"What has expired by {when} is left out")
    for count, words in (
        (lines["foreign"], "lines that are no alert of the enricher"),
        (lines["closing"], "closing alerts: their opening says it all"),
        (lines["no_addresses"], "alerts without two addresses"),
        (counts.called_false, "alerts that an analyst has called false"),
    ):
        if count:
            told.append(f"Passed over: {count:,} {words}")
    return told
