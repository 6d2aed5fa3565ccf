"""Every method of the tables: the protocol's list of baselines, controls, and ours."""

from __future__ import annotations

from collections.abc import Sequence

from enricher.detector.learners import Cosine, Prototypes, Ridge
from enricher.learn.protocol.method import Method, Traits
from enricher.learn.protocol.methods.adapted import Adapted
from enricher.learn.protocol.methods.fitted import fitted_methods
from enricher.learn.protocol.methods.meta import meta_methods
from enricher.learn.protocol.methods.nearest import nearest_methods
from enricher.learn.protocol.methods.novelty import novelty_methods, view_methods


def baselines(meta_steps: int) -> list[Method]:
    """The protocol's list; meta-learners are trained for ``meta_steps`` outer steps."""
    return [
        *nearest_methods(),
        *fitted_methods(),
        Adapted(Traits("ProtoNet on the embedding"), Prototypes()),
        Adapted(Traits("Baseline++ on the embedding"), Cosine()),
        *meta_methods(meta_steps),
        *novelty_methods(),
    ]


def all_methods(ours: Sequence[Method] = (), meta_steps: int = 150) -> list[Method]:
    """Baselines and ours.

    Args:
        ours: Methods with the role ``ours`` for K above 0; by default the ridge head alone. What
            the view says at K = 0 is always among them.
        meta_steps: As for :func:`baselines`.

    Raises:
        ValueError: If two methods have one name.
    """
    chosen = list(ours) or [Adapted(Traits("ridge on the embedding", "ours"), Ridge())]
    methods = [*baselines(meta_steps), *view_methods(), *chosen]
    names = [method.traits.name for method in methods]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two methods are called {min(twice)!r}")
    return methods
