"""``enricher zeek check``: what there is of a Zeek, and whether the enricher can use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enricher.cli.findings import print_check

if TYPE_CHECKING:
    from enricher.integration.finding import Finding
    from enricher.integration.zeek.check import Site
    from enricher.integration.zeek.streams import Stream


@click.command("check")
@click.option(
    "--zeek", "named", metavar="PREFIX", type=click.Path(path_type=Path, exists=True),
    help="Where Zeek is installed, or its program; without it, it is looked for.",
)  # fmt: skip
@click.option(
    "--logs", metavar="DIR", type=click.Path(path_type=Path),
    help="Where its logs are; without it, they are looked for.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def command(
    context: click.Context, *, named: Path | None, logs: Path | None, as_json: bool
) -> None:
    """Tell what Zeek writes here, and how it is used.

    Looks at the Zeek of this machine: its version, its logs, what they lack, whether it has the
    enricher's package, and which 'inputs' fit. Nothing is changed.

    Exit status 0 when the enricher can stand beside it, be it with warnings, 1 when not.
    """
    from enricher.integration.zeek.check import is_usable, look  # noqa: PLC0415  # loads polars
    from enricher.integration.zeek.findings import findings_of  # noqa: PLC0415

    site = look(named, logs)
    findings = findings_of(site)
    usable = is_usable(site, findings)
    if as_json:
        from enricher.report.rules import as_json as encode  # noqa: PLC0415

        click.echo(encode(_document(site, findings, usable=usable)), nl=False)
    else:
        print_check(findings, site.inputs)
    context.exit(0 if usable else 1)


def _document(site: Site, findings: list[Finding], *, usable: bool) -> Any:
    found, package = site.installation, site.package
    version = None if found is None or found.version is None else str(found.version)
    document = {
        "usable": usable,
        "zeek": None
        if found is None
        else {
            "prefix": found.prefix,
            "program": found.program,
            "version": version,
            "known": None if found.version is None else found.version.is_known,
        },
        "processes": [
            {"pid": one.pid, "program": one.program, "folder": one.folder, "words": one.words}
            for one in site.processes
        ],
        "places": [
            {"live": one.live, "archive": one.archive, "why": one.why} for one in site.places
        ],
        "rotation_seconds": site.rotation,
        "logs": [_log(stream) for stream in site.logs()],
        "package": {
            "loaded_by": package.script,
            "runs": package.runs,
            "directory": package.directory,
            "logs": [_log(stream) for stream in package.streams.found],
        },
        "inputs": [one.as_setting() for one in site.inputs],
        "findings": [
            {name: getattr(one, name) for name in ("area", "level", "message", "advice")}
            for one in findings
        ],
    }
    return _plain(document)


def _log(stream: Stream) -> dict[str, Any]:
    from enricher.logs.wanted import WANTED, absent  # noqa: PLC0415  # loads polars

    return {
        "kind": stream.kind,
        "path": stream.path,
        "file": stream.file,
        "form": stream.style,
        "separator": stream.separator if stream.style == "TSV" else None,
        "scope": stream.scope,
        "times": stream.times,
        "missing": absent(WANTED[stream.kind], stream.fields.names),
        "community_id": "community_id" in stream.fields.names,
    }


def _plain(value: Any) -> Any:
    """The same with all text such that JSON can hold it: names of files may be any bytes."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, str | Path):
        return str(value).encode("utf-8", "backslashreplace").decode()
    return value
