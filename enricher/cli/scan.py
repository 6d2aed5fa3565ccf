"""``enricher scan``: score logs once; alerts, summary, report."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli.lean import load_lean
from enricher.cli.options import prepare_process, resolved_of, settings_options

if TYPE_CHECKING:
    from enricher.config import Resolved, Settings
    from enricher.report.progress import Progress


class Share(click.ParamType[float]):
    """A share such as ``20%`` or ``0.2``."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; it is above 0 and below 1."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{text!r} is no share such as 20%", param, ctx)
        if not 0 < share < 1:
            self.fail(f"{text!r} is not between 0% and 100%", param, ctx)
        return share


@click.command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False),
    help="Folder for eve.json, summary.json, report.html and rejected.jsonl.",
)  # fmt: skip
@click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
@click.option("--scores", is_flag=True, help="Write scores.parquet: every record's scores.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute.")
@click.option("--every-record", is_flag=True, help="One alert a record instead of grouping.")
@click.option(
    "--calibrate-first", type=Share(), metavar="SHARE",
    help="Set thresholds on the first part of these records, for a first look: 20%.",
)  # fmt: skip
@click.option("--alerts-per-day", type=int, help="Alerts a day that somebody can look at.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@settings_options
def command(
    *,
    paths: tuple[Path, ...],
    out: Path,
    state: Path | None,
    scores: bool,
    device: str | None,
    every_record: bool,
    calibrate_first: float | None,
    alerts_per_day: int | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Score Zeek or Suricata logs and write EVE alerts, a summary and a report.

    PATH is a file or a directory of logs: Zeek TSV or JSON, Suricata EVE; plain, gz, xz or zstd.
    Without a PATH, the inputs of the settings are scanned, their archives too. An outputs.eve in a
    settings file is the service's: a scan writes into --out.
    """
    settings = _settings(
        resolved_of(
            file,
            overrides,
            state=state,
            detector__device=device,
            alerts__every_record="true" if every_record else None,
            alerts__per_day=alerts_per_day,
        )
    )
    paths = paths or _inputs(settings)
    prepare_process(settings.detector.threads)
    load_lean()
    # What needs torch is imported when the usage is known to be right.
    from enricher.pipeline.scan import ScanRequest, scan  # noqa: PLC0415
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.progress import progress  # noqa: PLC0415
    from enricher.report.terminal import print_summary  # noqa: PLC0415

    def bar(size: int, label: str) -> AbstractContextManager[Progress]:
        return progress(size, label=label, quiet=quiet or as_json)

    request = ScanRequest(paths, out, scores=scores, calibrate_first=calibrate_first)
    summary = scan(request, settings, bar)
    if as_json:
        click.echo(summary.to_json(), nl=False)
    else:
        # Standard output belongs to the alerts where they go there.
        alerts_on_stdout = settings.outputs.eve == "-"
        print_summary(summary, make_console(sys.stderr if alerts_on_stdout else sys.stdout))
    return 1 if summary.inputs.failed_total or summary.balance() else 0


def _settings(resolved: Resolved) -> Settings:
    """The settings; the output that a file names is the service's, and is left alone."""
    settings = resolved.settings
    if resolved.origins["outputs.eve"].layer != "file":
        return settings
    outputs = settings.outputs.model_copy(update={"eve": None})
    return settings.model_copy(update={"outputs": outputs})


def _inputs(settings: Settings) -> tuple[Path, ...]:
    """Where the settings say that logs are."""
    paths = [Path(one.path) for one in settings.inputs]
    paths += [one.archive for one in settings.inputs if one.archive is not None]
    if not paths:
        raise click.UsageError("name a log or a directory of logs, or set 'inputs' with --config")
    return tuple(paths)
