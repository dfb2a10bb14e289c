"""Which releases of a service are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.features.services.release_retention import Holding, KeptReleases, kept_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def holding(seq: int, *, origin: int | None = None, is_needed: bool = False, has_served: bool = True) -> Holding:
    return Holding(
        release_id=f"r{seq}",
        seq=seq,
        origin=f"r{seq if origin is None else origin}",
        is_needed=is_needed,
        has_served=has_served,
        made_at=NOW - timedelta(days=100 - seq),
        bytes=10,
    )


def ids(*numbers: int) -> set[str]:
    return {f"r{number}" for number in numbers}


@pytest.mark.parametrize(("keep", "wanted"), [(1, ids(5)), (3, ids(5, 4, 3)), (9, ids(1, 2, 3, 4, 5))])
def test_the_newest_are_kept_the_one_that_serves_among_them(keep: int, wanted: set[str]) -> None:
    releases = [holding(seq, is_needed=seq == 5) for seq in range(1, 6)]
    assert kept_of(releases, KeptReleases(number=keep), NOW) == wanted


def test_what_is_needed_is_kept_however_old_it_is() -> None:
    releases = [holding(1, is_needed=True), holding(2), holding(3)]
    assert kept_of(releases, KeptReleases(number=1), NOW) == ids(1, 3)


def test_one_that_has_not_served_yet_pushes_nothing_out() -> None:
    releases = [holding(1), holding(2), holding(3, is_needed=True, has_served=False)]
    assert kept_of(releases, KeptReleases(number=2), NOW) == ids(1, 2, 3)


def test_going_back_and_forth_pushes_nothing_out() -> None:
    back_and_forth = [holding(seq, origin=1 + seq % 2) for seq in range(4, 20)]
    releases = [holding(1), holding(2), holding(3), *back_and_forth]
    assert kept_of(releases, KeptReleases(number=3), NOW) == ids(1, 2, 3, 18, 19)


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        (KeptReleases(number=9, age=timedelta(days=97)), ids(5, 4, 3)),
        (KeptReleases(number=9, age=timedelta(days=1)), ids(5, 4)),
        (KeptReleases(number=9, bytes=39), ids(5, 4, 3)),
        (KeptReleases(number=9, bytes=0), ids(5, 4)),
        (KeptReleases(number=1, age=timedelta(days=200), bytes=100), ids(5)),
    ],
)
def test_what_is_old_or_too_much_goes_but_for_what_one_can_go_back_to(keep: KeptReleases, wanted: set[str]) -> None:
    assert kept_of([holding(seq) for seq in range(1, 6)], keep, NOW) == wanted


def test_what_a_service_says_of_its_own_comes_before_the_panel() -> None:
    panel = KeptReleases(number=5, age=timedelta(days=9), bytes=7)
    assert panel.own(number=None, days=None, bytes_=None) == panel
    assert panel.own(number=2, days=0.5, bytes_=0) == KeptReleases(number=2, age=timedelta(hours=12), bytes=0)


RELEASES = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=40).map(
    lambda drawn: [
        holding(seq, origin=min(origin, seq), is_needed=needed, has_served=served)
        for seq, (origin, needed, served) in enumerate(drawn)
    ]
)


@given(RELEASES, st.integers(1, 10))
def test_so_many_artifacts_stay_and_each_has_the_newest_that_has_served(releases: Sequence[Holding], keep: int) -> None:
    staying = kept_of(releases, KeptReleases(number=keep), NOW)
    served = {each.origin for each in releases if each.has_served}
    with_newest = {
        origin
        for origin in served
        if max(
            (each for each in releases if each.origin == origin and each.has_served), key=lambda each: each.seq
        ).release_id
        in staying
    }
    assert len(with_newest) >= min(keep, len(served))
    assert {each.release_id for each in releases if each.is_needed} <= staying
