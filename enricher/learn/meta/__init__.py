"""Meta-learning: learners that episodes teach how to adapt, and the loop that teaches them."""

from enricher.learn.meta.anil import ANIL
from enricher.learn.meta.episode import Episode
from enricher.learn.meta.episodic import R2D2, ProtoNet
from enricher.learn.meta.learner import MetaLearner
from enricher.learn.meta.maml import MAML, FirstOrderMAML, MetaSGD
from enricher.learn.meta.network import Network, Trunk, multilayer
from enricher.learn.meta.reptile import Reptile
from enricher.learn.meta.training import History, Stopping, meta_train

__all__ = [
    "ANIL",
    "MAML",
    "R2D2",
    "Episode",
    "FirstOrderMAML",
    "History",
    "MetaLearner",
    "MetaSGD",
    "Network",
    "ProtoNet",
    "Reptile",
    "Stopping",
    "Trunk",
    "meta_train",
    "multilayer",
]
