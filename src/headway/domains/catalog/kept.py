"""Which releases of a service are kept: one rule for whoever clears away anything that a release needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A release as the rule sees it. ``seq`` counts a service's releases; ``origin`` is the release whose artifact it
    has, another than itself where a rollback made it. It ``is_needed`` while it starts, serves or drains, or while a
    deployment that waits or runs goes back to it; it ``has_served`` once its deployment was done.
    """

    release_id: str
    seq: int
    origin: str
    is_needed: bool
    has_served: bool


def kept_of(releases: Iterable[Holding], keep: int) -> frozenset[str]:
    """The ids of those of one service's releases that nobody may clear away: what is needed, and the newest ``keep``,
    the one that serves among them. What a rollback makes is the artifact that it went back to, and counts with that as
    one, so that going back and forth pushes nothing out: of all that share an artifact the first and the newest stay.
    """
    known = sorted(releases, key=lambda each: -each.seq)
    newest: dict[str, str] = {}
    for each in known:
        if each.has_served:
            newest.setdefault(each.origin, each.release_id)
    staying = dict(list(newest.items())[: max(keep, 1)])
    needed = {each.release_id for each in known if each.is_needed}
    return frozenset({*staying, *staying.values(), *needed})
