"""Points of usage: put together exactly, packed without loss, and found among others."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.features.usage.model import (
    EMPTY,
    HOURS,
    POINT_BYTES,
    TARGET_BYTES,
    UsagePoint,
    merged,
    packed,
    packed_table,
    points_of,
    service_target,
    unpacked,
    unpacked_table,
    with_hour,
)
from headway.kernel.ids import new_id

_CORES = 64
_KIB = st.integers(0, 1 << 32)


@st.composite
def readings(draw: st.DrawFn) -> UsagePoint:
    """What one reading may tell, or a gap."""
    covered = draw(st.sampled_from([0, 1, 9_998, 10_000, 25_000]))
    restarts = draw(st.integers(0, 3))
    if not covered:
        return UsagePoint(restarts=restarts)
    cpu, kib = draw(st.integers(0, covered * 1_000 * _CORES)), draw(st.integers(0, 1 << 31))
    return UsagePoint(
        covered=covered,
        cpu=cpu,
        cpu_peak=cpu * 1_000 // covered,
        memory=kib * covered,
        memory_peak=kib,
        restarts=restarts,
        cpu_bound=draw(st.sampled_from([0, 500_000])),
        memory_bound=draw(st.sampled_from([0, 1 << 20])),
    )


_POINTS = st.lists(readings(), max_size=30)


@given(_POINTS, st.lists(st.integers(0, 30), max_size=5))
def test_in_whatever_pieces_it_is_put_together_the_whole_is_the_same(points: list[UsagePoint], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(points)) for cut in cuts), len(points)]
    pieces = [merged(points[start:end]) for start, end in pairwise(edges)]
    assert merged(pieces) == merged(points)


@given(_POINTS)
def test_no_whole_tells_what_none_of_its_parts_could(points: list[UsagePoint]) -> None:
    whole = merged(points)
    known = [each for each in points if each.covered]
    assert whole.covered == sum(each.covered for each in points)
    assert whole.restarts == sum(each.restarts for each in points)
    if not known:
        assert (whole.cores, whole.memory_bytes) == (None, None), "what was not measured is not nothing"
        return
    assert whole.cores is not None
    assert whole.memory_bytes is not None
    assert min(each.cores or 0 for each in known) <= whole.cores * (1 + 1e-9)
    assert whole.cores <= max(each.cores or 0 for each in known) * (1 + 1e-9)
    assert whole.cores <= _CORES
    assert min(each.memory_bytes or 0 for each in known) <= whole.memory_bytes + 1
    assert whole.memory_bytes <= max(each.memory_bytes or 0 for each in known) + 1
    assert whole.cpu_peak == max(each.cpu_peak for each in known)
    assert (whole.cpu_bound, whole.memory_bound) == (known[-1].cpu_bound, known[-1].memory_bound)


@given(st.lists(readings(), max_size=30))
def test_what_is_packed_is_the_same_unpacked(points: list[UsagePoint]) -> None:
    data = packed(points)
    assert len(data) == len(points) * POINT_BYTES
    assert unpacked(data) == points
    assert unpacked(data + b"torn") == points


def test_a_year_of_a_machine_at_work_still_fits() -> None:
    full = UsagePoint(covered=10_000, cpu=10_000_000 * _CORES, cpu_peak=1_000_000 * _CORES, memory=(1 << 32) * 10_000)
    hour = merged([full] * 360)
    assert unpacked(packed([hour])) == [hour]
    (beyond,) = unpacked(packed([hour._replace(cpu=1 << 70, restarts=1 << 20, cpu_bound=-5)]))
    assert (beyond.restarts, beyond.cpu_bound) == ((1 << 16) - 1, 0), "what does not fit is as much as does"


@given(st.dictionaries(st.builds(new_id), st.lists(readings(), min_size=6, max_size=6), max_size=8))
def test_each_of_a_table_is_found_and_nobody_else(found: dict[str, list[UsagePoint]]) -> None:
    points = {service_target(each): of_it for each, of_it in found.items()}
    table = packed_table(points, 6)
    assert dict(unpacked_table(table)) == points
    assert {target: points_of(table, target) for target in points} == points
    assert points_of(table, service_target(new_id())) == []


def test_a_name_within_somebodys_points_is_not_taken_for_theirs() -> None:
    target = "host:x"
    disguise = unpacked((target.encode().ljust(TARGET_BYTES, b"\0") * 8)[: 6 * POINT_BYTES])
    table = packed_table({"host:other": disguise, target: [EMPTY] * 5 + [UsagePoint(covered=7)]}, 6)
    assert points_of(table, target)[-1].covered == 7
    assert points_of(packed_table({"host:other": disguise}, 6), target) == []


@pytest.mark.parametrize("table", [b"", b"\x01", b"\x09\x06" + b"\xff" * 1_000, b"\x01\x06" + bytes(10)])
def test_what_is_no_table_holds_nothing(table: bytes) -> None:
    assert points_of(table, "host:x") == []
    assert list(unpacked_table(table)) == []


def test_a_table_that_was_spoilt_holds_up_nobody() -> None:
    spoilt = packed_table({"host:x": [EMPTY], "host:y": [EMPTY]}, 1).replace(b"host:x", b"\xff\xfe\xfd\xfc\xfb\xfa")
    assert [target for target, _ in unpacked_table(spoilt)][1:] == ["host:y"]


def test_as_many_points_as_were_said() -> None:
    with pytest.raises(ValueError, match="host:x has 1 points and not 6"):
        packed_table({"host:x": [EMPTY]}, 6)


def test_an_hour_has_its_place_in_a_day() -> None:
    seventh, last = UsagePoint(covered=1), UsagePoint(covered=2)
    day = with_hour(with_hour(b"", 7, seventh), HOURS - 1, last)
    points = unpacked(day)
    assert len(points) == HOURS
    assert (points[7], points[23], points[0]) == (seventh, last, EMPTY)
