"""Learners: from a support set to a head that scores, all behind one contract."""

from enricher.detector.learners.base import AdaptedHead, Learner
from enricher.detector.learners.centres import centres
from enricher.detector.learners.cosine import Cosine, CosineHead
from enricher.detector.learners.gram import GramBank
from enricher.detector.learners.linear import LinearHead
from enricher.detector.learners.logistic import Logistic
from enricher.detector.learners.prototypes import NearestSupport, PrototypeHead, Prototypes
from enricher.detector.learners.ridge import Ridge, RidgeHead

__all__ = [
    "AdaptedHead",
    "Cosine",
    "CosineHead",
    "GramBank",
    "Learner",
    "LinearHead",
    "Logistic",
    "NearestSupport",
    "PrototypeHead",
    "Prototypes",
    "Ridge",
    "RidgeHead",
    "centres",
]
