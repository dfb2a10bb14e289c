"""Figures of deployments: each end counted once, on its day, and none that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headway.core.deployments.figures import DeploymentFigures, Ended, figures_of
from headway.core.deployments.status import Reason, Status

FIRST = date(2026, 11, 1)
DAYS = 5
_BEGINNING = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1_000_000)
HOUR = 3_600 * 1_000_000
DAY = 24 * HOUR
FAILED: Mapping[str, Any] = {"status": "error", "reason": "failed"}


def ended(
    seq: int,
    at: int,
    *,
    took: int | None = HOUR,
    waited: int = 0,
    subject: str = "shop",
    status: str = "done",
    reason: str | None = None,
) -> Ended:
    """One that ended so long after the first day began; ``took`` is None of one that never began."""
    began = None if took is None else _BEGINNING + at - took
    return Ended(
        seq=seq,
        organization_id="o",
        project_id="p",
        subject_type="application",
        subject_id=subject,
        status=status,
        reason=reason,
        created_at=(_BEGINNING + at if began is None else began) - waited,
        started_at=began,
        finished_at=_BEGINNING + at,
    )


def figures(rows: Sequence[Ended]) -> DeploymentFigures:
    return figures_of(rows, FIRST, DAYS)


def test_each_ends_on_its_day_in_its_way() -> None:
    found = figures(
        [
            ended(1, 2 * HOUR),
            ended(2, DAY - 1, **FAILED),
            ended(3, DAY, status="error", reason="cancelled", took=None),
            ended(4, DAY + 1, status="error", reason="timed_out"),
        ]
    )
    told = {day: (each.done, each.failed, each.on_request) for day, each in found.days.items()}
    rest = {FIRST + timedelta(days=number): (0, 0, 0) for number in range(2, DAYS)}
    assert told == {FIRST: (1, 1, 0), FIRST + timedelta(days=1): (0, 1, 1), **rest}
    assert (found.total.done, found.total.failed, found.total.on_request) == (1, 2, 1)
    assert found.total.failure_rate == 2 / 3, "what was cancelled says nothing of what works"


def test_times_are_those_of_what_was_done_and_of_what_began() -> None:
    found = figures(
        [
            *(ended(number, DAY, took=number * 1_000_000, waited=2_000_000) for number in range(1, 21)),
            ended(30, DAY, took=HOUR, waited=60_000_000, **FAILED),
            ended(31, DAY, took=None, waited=HOUR, status="error", reason="superseded"),
        ]
    ).total
    assert found.took is not None
    assert (found.took.number, found.took.p50, found.took.p95) == (20, 10_000, 19_000)
    assert found.waited is not None
    assert (found.waited.number, found.waited.p50, found.waited.p95) == (21, 2_000, 2_000)


def test_a_failure_is_mended_by_the_next_of_the_same_subject_that_is_done() -> None:
    found = figures(
        [
            ended(1, HOUR, **FAILED),
            ended(2, 2 * HOUR, **FAILED),
            ended(3, 3 * HOUR, subject="other"),
            ended(4, 4 * HOUR, status="error", reason="killed"),
            ended(5, DAY + HOUR),
            ended(6, DAY + 2 * HOUR),
            ended(7, 2 * DAY, subject="third", **FAILED),
        ]
    )
    assert found.days[FIRST].restored is None
    mended = found.days[FIRST + timedelta(days=1)].restored
    assert mended is not None
    assert (mended.number, mended.p50) == (1, DAY // 1_000), "from the first failure, and once"
    assert found.total.restored == mended


def test_of_none_nothing_is_told() -> None:
    found = figures([])
    assert (found.total.failure_rate, found.total.took, found.total.waited, found.total.restored) == (None,) * 4
    assert list(found.days) == [FIRST + timedelta(days=number) for number in range(DAYS)]


_Given = tuple[int, int | None, int, str, tuple[Status, Reason | None]]
_HOW = st.sampled_from([(Status.DONE, None), *((Status.ERROR, reason) for reason in Reason)])


@given(
    st.lists(
        st.tuples(
            st.integers(-2 * DAY, (DAYS + 2) * DAY),
            st.one_of(st.none(), st.integers(0, DAY)),
            st.integers(-HOUR, DAY),
            st.sampled_from(["shop", "other"]),
            _HOW,
        ),
        max_size=40,
    ),
    st.randoms(),
)
def test_whatever_ended_is_counted_once_and_in_any_order_alike(rows: list[_Given], shuffled: Random) -> None:
    known = [
        ended(number, at, took=took, waited=waited, subject=subject, status=how[0].value, reason=how[1] or "")
        for number, (at, took, waited, subject, how) in enumerate(rows)
    ]
    found = figures(known)
    within = [row for row in known if 0 <= row.finished_at - _BEGINNING < DAYS * DAY]
    days = list(found.days.values())
    assert sum(each.done + each.failed + each.on_request for each in days) == len(within)
    for name in ("done", "failed", "on_request"):
        assert sum(getattr(each, name) for each in days) == getattr(found.total, name)
    for name in ("took", "waited", "restored"):
        spans = [span for each in (*days, found.total) if (span := getattr(each, name)) is not None]
        assert all(0 <= span.p50 <= span.p95 for span in spans)
        numbers = [span.number for each in days if (span := getattr(each, name)) is not None]
        assert sum(numbers) == (0 if getattr(found.total, name) is None else getattr(found.total, name).number)
    mixed = list(known)
    shuffled.shuffle(mixed)
    assert figures(mixed) == found
