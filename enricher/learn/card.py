"""The card of a bundle: what it is for, what it was trained on, how well it does, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from enricher.learn.recipe import Recipe

_PURPOSE = """\
Scores Zeek and Suricata records (conn, http, dns, ssl) against attack families, and says how far
each is from benign records. For triage by people, beside signatures and not in their place; not
for blocking without a person."""

_FIGURES = """\
Of models that had not seen the capture, at the thresholds that are shipped. These records set the
thresholds, so the rates are lower than at a new site; `evaluation.md` has captures that took no
part in anything."""

_MADE = """\
Captures called `simulated-` are simulated sites; those called `lists-` are made around real names
and payloads. Made-up families (captures called `prior-`, drawn at random by `enricher.learn.prior`)
are trained on and not listed; nothing is calibrated or measured on them."""

_SHARES = """\
`enricher adapt` combines four base learners with convex shares that depend on the kind and on the
number K of labelled records. Mean miss rate over false-alarm rates of 1e-3, 3e-3 and 1e-2 on
families that neither the encoder nor the shares have seen, beside averaging, selecting the best,
and each base learner alone:"""

_FEW_SHOT = """\
Families that were left out of training, learned from K records: TPR at a false-positive rate of
1e-3, mean over families, on the support sets that the best baseline had too. The last column also
asks that the worst family is no worse than the baseline's. `evaluation.md` has every method,
intervals and figures."""

_CONTENDERS = (
    "super learner",
    "averaging",
    "selection",
    "linear",
    "attack",
    "forest",
    "forest_embedding",
)

_LICENCES = """\
The weights were trained on public data sets; no record of them is part of the bundle (the
reference records are shuffled column by column and have random letters for texts). What their
publishers ask for:

| data | terms |
| --- | --- |
| IoT-23 (Stratosphere Laboratory, Garcia, Parmisano, Erquiaga 2020) | CC BY 4.0 |
| security-datasets-for-testing, IDPS-Comparison-Tool (Stratosphere) | GPL-2.0 |
| RITA test data (Active Countermeasures) | GPL-3.0 |
| captures of the GraphTunnel paper (DNS-Tunnel-Datasets) | cite the paper |
| domain_generation_algorithms (J. Bader) | GPL-2.0 |
| HttpParamsDataset | as published, for research |
"""

_LIMITS = """\
- The families come from a few captures each, some of them from one. What a family looks like at
  another site is known only as far as `evaluation.md` shows.
- False alarms at a new site are the weak side: the benign traffic of training comes from few
  hosts. Run `enricher calibrate` on benign logs of the site before alerts go to people.
- Some records that IoT-23 calls benign are scans and calls of the malware itself; the recipe names
  them and why. They were left out of training and calibration.
- Labels of `rita-internet-server-day-1` were made by rules; they weigh half.
- Names of `dga` and payloads of `sql-injection` and `cross-site-scripting` are real, the records
  around them are made; so are all simulated sites.
- A p-value can not be smaller than 1 / (calibration records + 1): a kind with few of them never
  calls anything new until the site is calibrated.
- Scores are probabilities for a mixture of nine benign records to one of the family, every
  capture weighing the same. They are not probabilities at a site's own rates.
"""


def write_card(recipe: Recipe, figures: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    how = (
        f"`enricher train` with the recipe {recipe.name} {recipe.version}, seed {recipe.seed}: "
        f"{figures['parameters']:,} parameters. Every record is embedded twice, alone and in the "
        "context of the records before it. Supervised: one sigmoid per family, one for any attack, "
        "and a contrast that keeps varieties of attacks together; batches balanced over families, "
        "varieties and captures; values hidden at random so that poorer records can be scored. No "
        "address, port number, time or uid is a feature."
    )
    sections = {
        "How it was trained": how,
        "Data": f"{_MADE}\n\n{_data(figures['records'])}",
        "Splits": _splits(recipe),
        "Figures of calibration": "\n\n".join(
            [_FIGURES, *(_alarms(kind, found) for kind, found in _kinds(figures))]
        ),
        "Families of a site": _families(figures),
        "Limits": _LIMITS.rstrip(),
        "Licences of the data": _LICENCES.rstrip(),
    }
    head = f"# Model bundle {recipe.name} {recipe.version}\n\n{_PURPOSE}"
    parts = [head, *(f"## {title}\n\n{text}" for title, text in sections.items())]
    return "\n\n".join(parts) + "\n"


def _kinds(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    held = figures["held_out"]
    return [(kind, held[kind]) for kind in figures["records"] if kind in held]


def _data(records: Mapping[str, Mapping[str, int]]) -> str:
    rows = []
    for kind, cells in records.items():
        for name, count in cells.items():
            capture, label = name.rsplit(": ", 1)
            rows.append((kind, capture, label, f"{count:,}"))
    return table(("kind", "capture", "label", "records"), rows)


def _families(figures: Mapping[str, Any]) -> str:
    parts = [_shares(figures["held_out"].get("shares", {}))]
    entries = figures.get("few_shot", [])
    if entries:
        rows = [
            (
                entry["table"],
                str(entry["shots"]),
                entry["ours"],
                f"{entry['tpr']:.3f}",
                entry["worst"],
                f"{entry['rival']} {entry['rival_tpr']:.3f}",
                "yes" if entry["passed"] else "no",
            )
            for entry in entries
        ]
        head = ("table", "K", "ours", "TPR", "worst family", "best baseline", "half its misses")
        parts += [_FEW_SHOT, table(head, rows)]
    return "\n\n".join(parts)


def _shares(risks: Mapping[str, Mapping[int, Mapping[str, float]]]) -> str:
    """What combining base learners is worth, on families that had no say in the combination."""
    rows = [
        (kind, str(shots), *(f"{cell[name]:.1%}" if name in cell else "-" for name in _CONTENDERS))
        for kind, cells in risks.items()
        for shots, cell in cells.items()
    ]
    return f"{_SHARES}\n\n{table(('kind', 'K', *_CONTENDERS), rows)}"


def _splits(recipe: Recipe) -> str:
    together = "; ".join(" + ".join(group) for group in recipe.data.same_source) or "none"
    calibration = recipe.calibration
    return (
        f"Captures are the unit: {calibration.folds} folds of captures, each scored by a model "
        "that was trained on the others, set sigmoids, thresholds and p-values, because a site "
        "where this is installed is a capture that was never seen. Captures of the same packets "
        f"are in one fold ({together}). The last {calibration.tail:.0%} of every log and label "
        "takes no part in training; it decides when to stop, and gives the positives of families "
        "that only one capture has. Thresholds: all families of a kind together flag at most "
        f"{calibration.family_rate:g} of the benign records of captures left out, captures "
        "weighing as the root of their number. Called new: p-value at most "
        f"{calibration.novelty_rate:g}, calibrated on at most {calibration.session_records} benign "
        "records an hour and source."
    )


def _alarms(kind: str, found: Mapping[str, Any]) -> str:
    rows = [
        (kind, capture, f"{entry['benign']:,}", f"{entry['flagged']:,}", share(entry))
        for capture, entry in found["false_alarms_left_out"].items()
    ]
    return table(("kind", "capture left out", "benign", "flagged", "share"), rows)


def share(entry: Mapping[str, int]) -> str:
    """Share of flagged benign records, as text."""
    return f"{entry['flagged'] / entry['benign']:.2%}" if entry["benign"] else "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
