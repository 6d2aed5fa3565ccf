"""Follows logs while they are written, rotated and archived: every line once, in order."""

from enricher.sources.following.follower import Follower
from enricher.sources.following.states import FollowedInput, Lag, LogState, Piece

__all__ = [
    "FollowedInput",
    "Follower",
    "Lag",
    "LogState",
    "Piece",
]
