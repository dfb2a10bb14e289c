"""What becomes of due times, by every policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Reason
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import (
    MOST_WAITING,
    CatchUp,
    Fate,
    Overlap,
    Policy,
    Tick,
    Timer,
    judged,
    next_attempt,
    start_fate,
)

GRACE = timedelta(seconds=60)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def hourly(policy: Policy, looked_until: datetime) -> Timer:
    """A timer that is due at each full hour."""
    cron = Cron(expression="0 * * * *")
    return Timer(
        subject_type=SubjectType.SCHEDULE,
        subject_id="s",
        cron=cron,
        policy=policy,
        looked_until=looked_until,
        next_at=cron.after(looked_until),
    )


def fates(policy: Policy, hours_away: int, now: datetime = NOON) -> list[str]:
    """What becomes of each hour since then: m(issed), c(aught up) or w(aiting for its start)."""
    verdict = judged(hourly(policy, NOON - timedelta(hours=hours_away)), [], now, GRACE)
    return ["m" if each.fate is Fate.MISSED else "c" if each.caught_up else "w" for each in verdict.ticks]


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (Policy(), "mmmw"),
        (Policy(catch_up=CatchUp.ONCE), "mmcw"),
        (Policy(catch_up=CatchUp.ALL, catch_up_limit=2), "mccw"),
        (Policy(catch_up=CatchUp.ALL, catch_up_limit=9), "cccw"),
    ],
)
def test_missed_times_are_caught_up_as_the_policy_says(policy: Policy, wanted: str) -> None:
    assert "".join(fates(policy, 4, NOON + timedelta(seconds=5))) == wanted


def test_a_start_within_the_grace_is_none_that_was_missed() -> None:
    assert fates(Policy(), 1, NOON + GRACE) == ["w"]
    assert fates(Policy(), 1, NOON + GRACE + timedelta(seconds=1)) == ["m"]


def test_a_start_that_waited_for_its_jitter_is_missed_with_the_others() -> None:
    policy = Policy(catch_up=CatchUp.ONCE, jitter=timedelta(minutes=10))
    waiting = Tick(due_at=NOON - timedelta(hours=2), start_at=NOON - timedelta(hours=2))
    verdict = judged(hourly(policy, NOON - timedelta(hours=2)), [waiting], NOON - timedelta(minutes=1), GRACE)
    assert [(each.due_at.hour, each.fate, each.caught_up) for each in verdict.ticks] == [
        (10, Fate.MISSED, False),
        (11, Fate.WAITING, True),
    ]


def test_jitter_is_the_same_whoever_asks_and_within_its_bound() -> None:
    timer = hourly(Policy(jitter=timedelta(minutes=10)), NOON)
    starts = [timer.start_of(NOON + timedelta(hours=number)) - NOON - timedelta(hours=number) for number in range(200)]
    assert all(timedelta() <= each < timedelta(minutes=10) for each in starts)
    assert len(set(starts)) > 100
    assert timer.start_of(NOON) == hourly(Policy(jitter=timedelta(minutes=10)), NOON).start_of(NOON)


def test_a_clock_that_goes_back_brings_nothing_twice() -> None:
    timer = hourly(Policy(), NOON)
    verdict = judged(timer, [], NOON - timedelta(hours=3), GRACE)
    assert (list(verdict.ticks), verdict.next_at) == ([], NOON + timedelta(hours=1))


TICK = Tick(due_at=NOON, start_at=NOON)
AGAIN = Tick(due_at=NOON, start_at=NOON, attempt=1)
LATE = Tick(due_at=NOON, start_at=NOON, caught_up=True)
FREE, BUSY = {"unfinished": 0, "waiting": 0}, {"unfinished": 1, "waiting": 0}
FULL = {"unfinished": MOST_WAITING + 1, "waiting": MOST_WAITING}


@pytest.mark.parametrize(
    ("overlap", "tick", "others", "fate"),
    [
        (Overlap.SKIP, TICK, FREE, Fate.STARTED),
        (Overlap.SKIP, TICK, BUSY, Fate.SKIPPED),
        (Overlap.SKIP, AGAIN, BUSY, Fate.SKIPPED),
        (Overlap.SKIP, LATE, BUSY, Fate.STARTED),
        (Overlap.QUEUE, TICK, BUSY, Fate.STARTED),
        (Overlap.QUEUE, AGAIN, BUSY, Fate.STARTED),
        (Overlap.QUEUE, TICK, FULL, Fate.SKIPPED),
        (Overlap.REPLACE, TICK, BUSY, Fate.STARTED),
        (Overlap.REPLACE, AGAIN, BUSY, Fate.SKIPPED),
        (Overlap.ALLOW, TICK, BUSY, Fate.STARTED),
        (Overlap.ALLOW, TICK, FULL, Fate.SKIPPED),
    ],
)
def test_overlap(overlap: Overlap, tick: Tick, others: dict[str, int], fate: Fate) -> None:
    assert start_fate(Policy(overlap=overlap), tick, **others) is fate


def test_attempts_come_after_twice_as_long_each_and_end() -> None:
    policy, tick, waits = Policy(retries=3, backoff=timedelta(seconds=10)), TICK, []
    while (following := next_attempt(policy, tick, Reason.FAILED, NOON)) is not None:
        waits.append((following.start_at - NOON).total_seconds())
        tick = following
    assert (waits, tick.attempt) == ([10, 20, 40], 3)


@pytest.mark.parametrize("reason", [Reason.KILLED, Reason.CANCELLED, Reason.SUPERSEDED, Reason.REFUSED, None])
def test_what_somebody_ended_is_not_tried_again(reason: Reason | None) -> None:
    assert next_attempt(Policy(retries=3), TICK, reason, NOON) is None
