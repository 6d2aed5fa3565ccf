"""``enricher simulate``: a seeded, labelled directory of Zeek logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from enricher.simulate import FAMILIES, LogFormat, SimulationSummary, generate
from enricher.simulate.generate import Progress


@click.command("simulate")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="New or empty directory to write."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Same seed, same bytes.")
@click.option("--hours", type=float, default=1.0, show_default=True, help="Length of the run.")
@click.option("--hosts", type=int, default=20, show_default=True, help="Hosts of the network.")
@click.option("--format", "form", type=click.Choice(["tsv", "json"]), default="tsv")
@click.option("--rotate", is_flag=True, help="Archive by the hour, compressed, as Zeek does.")
@click.option(
    "--families", metavar="A,B", help=f"Attack families to play; default all: {', '.join(FAMILIES)}"
)
@click.option(
    "--instances", type=int, default=1, show_default=True, help="Times each family is played."
)
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="How busy the benign hosts are."
)
def command(
    *,
    out: Path,
    seed: int,
    hours: float,
    hosts: int,
    form: LogFormat,
    rotate: bool,
    families: str | None,
    instances: int,
    scale: float,
) -> None:
    """Write a seeded, labelled directory of Zeek logs: an office network and attacks on it."""
    chosen = None if families is None else [f.strip() for f in families.split(",") if f.strip()]
    begin = time.monotonic()
    with _progress() as progress:
        summary = generate(
            out, seed=seed, hours=hours, hosts=hosts, form=form, rotate=rotate, families=chosen,
            instances=instances, scale=scale, progress=progress,
        )  # fmt: skip
    _print_summary(summary, out, time.monotonic() - begin)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A bar on a terminal; nothing elsewhere, for it is a matter of seconds."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  # only where there is a terminal
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulating", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)


def _print_summary(summary: SimulationSummary, out: Path, seconds: float) -> None:
    click.echo(f"{'family':<24}" + "".join(f"{kind:>10}" for kind in summary.records))
    for family, counts in summary.families.items():
        click.echo(f"{family:<24}" + "".join(f"{counts.get(k, 0):>10,}" for k in summary.records))
    rate = summary.total / max(seconds, 1e-9)
    shown = ascii(str(out))[1:-1]
    click.echo(f"{summary.total:,} records in {shown} ({rate:,.0f}/s), labels in labels.json")
