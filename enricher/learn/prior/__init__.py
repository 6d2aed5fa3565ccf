"""Made-up attack families and ordinary traffic: a prior over what a log may hold.

There are few recorded families. A detector that is to learn a new one from a handful of records
learns how to do so from hundreds that are drawn at random (Hollmann et al. 2023, TabPFN: learning
from tasks drawn from a prior). **All of it is synthetic**, and every card says so.
"""

from enricher.learn.prior.sites import (
    ATTACKS,
    ORDINARY,
    Family,
    sample_family,
    sample_logs,
    sample_site,
)

__all__ = [
    "ATTACKS",
    "ORDINARY",
    "Family",
    "sample_family",
    "sample_logs",
    "sample_site",
]
