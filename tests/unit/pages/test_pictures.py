"""Pictures: what is there is seen, what is missing is a gap, and nothing lies outside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.pages.pictures import BAD, HEIGHT, WIDTH, Picture, drawn, mark_at, stacked

_VALUE = st.floats(0, 1e15, allow_nan=False)
_VALUES = st.lists(st.one_of(st.none(), _VALUE), min_size=1, max_size=50)


def spots(points: str) -> list[tuple[float, float]]:
    """The points of an attribute."""
    return [(float(x), float(y)) for x, _, y in (each.partition(",") for each in points.split(" "))]


def test_a_column_is_as_high_as_it_is_much_and_what_failed_is_on_top_and_broader() -> None:
    done, failed, only = stacked(("good", BAD), [(30, 10), (0, 0), (20, 0)]).columns
    assert (done.tone, failed.tone, only.tone) == ("good", BAD, "good")
    assert float(done.y) + float(done.height) == HEIGHT
    assert float(failed.y) + float(failed.height) == float(done.y)
    assert float(done.height) == 3 * float(failed.height)
    assert float(failed.width) > float(done.width)
    assert float(only.x) > 2 * WIDTH / 3


def test_one_of_many_is_still_seen() -> None:
    columns = stacked(("good", BAD), [(9_999, 1)]).columns
    assert all(float(each.height) >= 3 for each in columns)
    assert min(float(each.y) for each in columns) >= 0


def test_a_gap_parts_a_line_and_a_value_alone_is_a_dot() -> None:
    line = drawn("busy", [1, 2, None, 3, None, None, 4, 4]).lines[0]
    assert [len(spots(run)) for run in line.runs] == [2, 2, 2]
    first, dot, last = (spots(run) for run in line.runs)
    assert (first[0][0], last[-1][0]) == (0, WIDTH)
    assert dot[0][0] != dot[1][0]
    assert abs(dot[0][0] - 3 * WIDTH / 7) < 0.02
    assert abs(dot[0][0] - dot[1][0]) < 0.02


def test_a_ceiling_is_drawn_where_it_is_near_and_the_values_lie_below_it() -> None:
    near = drawn("busy", [40, 50], ceiling=100)
    assert near.ceiling is not None
    highest = min(y for run in near.lines[0].runs for _, y in spots(run))
    assert 0 < float(near.ceiling) < highest
    assert drawn("busy", [1, 2], ceiling=100).ceiling is None
    assert drawn("busy", [0, 0], ceiling=100).ceiling is None
    reached = drawn("busy", [100, 100], ceiling=100)
    assert {y for run in reached.lines[0].runs for _, y in spots(run)} == {float(reached.ceiling or -1)}


def test_what_was_never_measured_is_no_line_of_zeros() -> None:
    assert drawn("busy", [None, None]).is_empty
    assert stacked(("good",), [(0,), (0,)]).is_empty
    assert not drawn("busy", [None, 0.0]).is_empty, "what was idle was measured"


def test_marks_lie_within() -> None:
    half = mark_at(0.5, "Deployed", "/deployments/x")
    assert half is not None
    assert half.x == "300"
    assert mark_at(-0.01, "", "") is None
    assert mark_at(1.01, "", "") is None


@given(_VALUES, st.one_of(st.none(), _VALUE))
def test_nothing_lies_outside(values: list[float | None], ceiling: float | None) -> None:
    above = [None if each is None else each * 2 for each in values]
    for picture in (
        drawn("busy", values, ceiling=ceiling, filled=True),
        drawn("busy", values),
        drawn("busy", values, above, ceiling=ceiling),
    ):
        _lies_within(picture)
        runs = sum(1 for at, each in enumerate(values) if each is not None and (at == 0 or values[at - 1] is None))
        assert sum(len(each.runs) for each in picture.lines) == runs


@given(st.lists(st.tuples(_VALUE, _VALUE, _VALUE), min_size=1, max_size=40))
def test_columns_lie_within_and_beside_each_other(columns: list[tuple[float, float, float]]) -> None:
    picture = stacked(("good", "off", BAD), columns)
    for each in picture.columns:
        assert -0.02 <= float(each.y) <= HEIGHT
        assert float(each.height) > 0
        assert float(each.x) >= 0
        assert float(each.x) + float(each.width) <= WIDTH + 0.02
    assert len(picture.columns) == sum(value > 0 for column in columns for value in column)


def _lies_within(picture: Picture) -> None:
    for line in picture.lines:
        for points in (*line.runs, *line.areas):
            for x, y in spots(points):
                assert 0 <= x <= WIDTH + 0.02
                assert -0.01 <= y <= HEIGHT + 0.01
    if picture.ceiling is not None:
        assert 0 <= float(picture.ceiling) <= HEIGHT
