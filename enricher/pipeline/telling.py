"""Tells the report what happened, in the report's own terms."""

from __future__ import annotations

from collections.abc import Mapping

from enricher.detector.calibration import CONFIDENCE
from enricher.detector.detector import Detector
from enricher.detector.site import SiteCalibration
from enricher.logs import Kind
from enricher.pipeline.reading import FileTally, RecordStream
from enricher.report.collect import Collector
from enricher.report.parts import BundleInfo, CalibrationInfo, FileRow, KindCalibration
from enricher.sources import Discovery

_FORMATS = {"tsv": "zeek-tsv", "json": "zeek-json", "eve": "eve"}


def tell_inputs(collector: Collector, found: Discovery, stream: RecordStream) -> None:
    """Files read, skipped and failed, and where the records went that were not scored."""
    for skipped in found.skipped:
        add = collector.inputs.add_failed if skipped.error else collector.inputs.add_skipped
        add(str(skipped.path), f"{skipped.reason}: {skipped.detail}")
    for one in stream.files:
        if one.error is not None:
            collector.inputs.add_failed(str(one.file.path), one.error)
        if one.error is None or one.read:
            collector.inputs.add_read(_row(one))
    for kind, tally in stream.tallies.items():
        account = collector.account(kind)
        account.read += tally.read
        account.add_dropped(tally.dropped)
        account.add_repaired(tally.repaired)


def _row(tally: FileTally) -> FileRow:
    file = tally.file
    written = _FORMATS[file.identity.format]
    return FileRow(
        path=str(file.path),
        kind=file.identity.kind or "eve",
        format=written if file.compression == "plain" else f"{written}, {file.compression}",
        records=tally.read,
        dropped=tally.dropped,
        size=file.size,
    )


def bundle_info(detector: Detector) -> BundleInfo:
    """The model, as the report shows it."""
    bundle = detector.bundle
    return BundleInfo(
        name=bundle.name,
        version=str(bundle.version),
        families=[label.name for label in detector.labels],
        card=bundle.card[:4000],
    )


def calibration_info(site: Mapping[Kind, SiteCalibration]) -> CalibrationInfo:
    """Where the thresholds came from, as the report shows it."""
    if not site:
        return CalibrationInfo()
    return CalibrationInfo(
        source="site",
        confidence=CONFIDENCE,
        kinds={
            kind: KindCalibration(one.records, one.false_alarm_rate, one.false_alarm_bound)
            for kind, one in site.items()
        },
    )
