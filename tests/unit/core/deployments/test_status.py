"""The moves between states: exactly those of the table, by exactly those who may."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.core.deployments.status import MOVES, Intent, Maker, Reason, Status, allowed

EVERYTHING = list(itertools.product(Status, Status, Maker, [None, *Reason]))


def test_nothing_leads_on_from_an_end() -> None:
    assert not any(allowed(source, *rest) for source, *rest in EVERYTHING if source.ended)


def test_a_run_is_lost_by_who_works_on_it_and_put_back_by_recovery_alone() -> None:
    lost = {
        maker for source, _, maker, reason in EVERYTHING if reason is Reason.LOST and _allowed(source, maker, reason)
    }
    back = {maker for maker in Maker if allowed(Status.RUNNING, Status.PENDING, maker, None)}

    assert lost == {Maker.RUNNER, Maker.RECOVERY}, (
        "what a run does on a second machine may be gone while it is carried out"
    )
    assert back == {Maker.RECOVERY}


def test_an_error_always_has_a_reason_and_nothing_else_has_one() -> None:
    for source, target, maker, reason in EVERYTHING:
        if allowed(source, target, maker, reason):
            assert (reason is not None) is (target is Status.ERROR)


@given(st.lists(st.sampled_from(MOVES), max_size=12))
def test_any_walk_along_the_moves_stays_within_the_four_states_and_ends_once(walk: list[object]) -> None:
    status, ends = Status.PENDING, 0
    for move in walk:
        if getattr(move, "source", None) is status:
            status = getattr(move, "target", status)
            ends += status.ended
    assert ends <= 1


@pytest.mark.parametrize(
    ("intent", "reason"),
    [(Intent.KILL, Reason.KILLED), (Intent.CANCEL, Reason.CANCELLED), (Intent.SUPERSEDE, Reason.SUPERSEDED)],
)
def test_a_wish_names_its_reason(intent: Intent, reason: Reason) -> None:
    assert intent.reason is reason


def _allowed(source: Status, maker: Maker, reason: Reason | None) -> bool:
    return allowed(source, Status.ERROR, maker, reason)
