"""What Zeek is told of alerts: a table of them, and indicators for its Intelligence framework."""

from enricher.verdicts.event import NotTaken, Verdict, read_event
from enricher.verdicts.files import INTEL, TABLE, Entry, make_files
from enricher.verdicts.indicators import Choice, Indicator, indicators_of
from enricher.verdicts.ordinary import Ordinary

__all__ = [
    "INTEL",
    "TABLE",
    "Choice",
    "Entry",
    "Indicator",
    "NotTaken",
    "Ordinary",
    "Verdict",
    "indicators_of",
    "make_files",
    "read_event",
]
