"""Which keys each kind's context has, what is counted under them, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

from enricher.features.context_kernel import OUTPUTS
from enricher.features.declared import NumericFeature
from enricher.features.units import Unit
from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class Track:
    """One table of the context.

    Attributes:
        name: Begins the names of its features.
        whose: Whose records are counted, as words after 'of'.
        item_a: Name of the first item whose distinct values are counted, in the plural.
        item_b: Name of the second.
        size: Words for the size whose mean is kept, or empty where none is.
        drop: Outputs that are no features here.
    """

    name: str
    whose: str
    item_a: str
    item_b: str
    size: str = ""
    drop: tuple[str, ...] = ()

    def feature(self, output: str) -> NumericFeature:
        """The feature for one of the kernel's outputs."""
        name, words, unit = _OUTPUT_WORDS[output]
        fill = {"a": self.item_a, "b": self.item_b, "whose": self.whose, "size": self.size}
        return NumericFeature(
            name=f"{self.name}_{name.format(**fill)}".replace(" ", "_"),
            words=words.format(**fill),
            unit="plain" if output in ("size_deviation", "size_surprise") else unit,
            group="context",
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that are features, in the kernel's order."""
        return tuple(
            output
            for output in OUTPUTS
            if output not in self.drop and (self.size or not output.startswith("size"))
        )


_OUTPUT_WORDS: dict[str, tuple[str, str, Unit]] = {
    "minute": ("rate_minute", "records of {whose} in about a minute", "count"),
    "hour": ("rate_hour", "records of {whose} in about an hour", "count"),
    "failures": ("failures", "failures of {whose} in about an hour", "count"),
    "failure_ratio": ("failure_ratio", "failed among those of {whose}", "share"),
    "distinct_a": ("distinct_{a}", "distinct {a} of {whose} in 10 minutes", "count"),
    "distinct_b": ("distinct_{b}", "distinct {b} of {whose} in 10 minutes", "count"),
    "new_a": ("new_{a}", "new among the {a} of {whose}", "flag"),
    "new_b": ("new_{b}", "new among the {b} of {whose}", "flag"),
    "spread_a": ("spread_{a}", "distinct {a} for each record of {whose}", "share"),
    "spread_b": ("spread_{b}", "distinct {b} for each record of {whose}", "share"),
    "interval": ("interval", "time since the last record of {whose}", "interval"),
    "interval_mean": ("interval_mean", "usual time between records of {whose}", "interval"),
    "interval_deviation": (
        "interval_deviation",
        "unevenness of the time between records of {whose} (0 is a clock)",
        "plain",
    ),
    "size_mean": ("size_mean", "usual {size} of {whose}", "bytes"),
    "size_deviation": ("size_deviation", "unevenness of the {size} of {whose}", "plain"),
    "size_surprise": ("size_surprise", "how far the {size} is from what {whose} had", "plain"),
    "age": ("age", "how long {whose} has been known, at most an hour", "seconds"),
}

TRACKS: dict[Kind, tuple[Track, Track, Track]] = {
    "conn": (
        Track("source", "this source", "hosts", "ports", "bytes sent", ("age",)),
        Track(
            "pair",
            "this source, host and service",
            "histories",
            "sizes",
            "bytes sent",
            ("new_a", "spread_a"),
        ),
        Track(
            "destination",
            "this destination",
            "sources",
            "ports",
            "bytes sent",
            ("age", "interval", "interval_mean", "interval_deviation"),
        ),
    ),
    "http": (
        Track("source", "this source", "requests", "sites", "response size", ("age",)),
        Track("pair", "this source and site", "requests", "agents", "response size"),
        Track(
            "destination",
            "this site",
            "sources",
            "requests",
            "response size",
            ("age", "interval", "interval_mean", "interval_deviation"),
        ),
    ),
    "dns": (
        Track("source", "this source", "queries", "zones", "query length", ("age",)),
        Track("pair", "this source and zone", "queries", "types", "query length"),
        Track(
            "destination",
            "this zone",
            "queries",
            "sources",
            "query length",
            ("age",),
        ),
    ),
    "ssl": (
        Track("source", "this source", "servers", "fingerprints", "", ("age",)),
        Track("pair", "this source and server", "fingerprints", "addresses", ""),
        Track(
            "destination",
            "this server",
            "sources",
            "fingerprints",
            "",
            ("age", "interval", "interval_mean", "interval_deviation"),
        ),
    ),
}

CONTEXT_FEATURES: dict[Kind, tuple[NumericFeature, ...]] = {
    kind: tuple(track.feature(output) for track in tracks for output in track.outputs)
    for kind, tracks in TRACKS.items()
}
