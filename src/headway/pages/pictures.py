"""Pictures of figures, as the numbers of an SVG: pure, so that the same values always make the same picture.

A picture is ``WIDTH`` by ``HEIGHT`` and is stretched to its place, so that lines need ``vector-effect`` in the
stylesheet. Its values stand side by side, the oldest first; where one is None there is a gap, and none is made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from headway.kernel.dataclass import dataclass

WIDTH, HEIGHT = 600, 80
BAD = "bad"  # the tone whose stretches are broader than those of others
_LEAST = 3.0  # so high is what is not nothing, that it is seen
_BETWEEN, _BETWEEN_BAD = 0.4, 0.05  # of the place of a column
_HEADROOM = 1.08  # above the highest value
_NEAR = 3.0  # a ceiling that is more times the highest value would press it flat
_DOT = 0.01  # what has no length is not drawn by every browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a column: its tone, and its place."""

    tone: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Values from side to side, as the points of each run without a gap; ``area`` are those of what lies between two
    such lines, or below one.
    """

    tone: str
    runs: Sequence[str] = ()
    areas: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where something began: how far from the left, what it was, and where that is shown."""

    x: str
    title: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is drawn: ``ceiling`` is how far from the top a bound is, None where there is none or none near."""

    columns: Sequence[Stretch] = ()
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    ceiling: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self.columns and not any(each.runs or each.areas for each in self.lines)


def stacked(tones: Sequence[str], columns: Sequence[Sequence[float]]) -> Picture:
    """A column for each of these, of a stretch for each of its values, the first at the bottom."""
    most = max((sum(each) for each in columns), default=0)
    if most <= 0:
        return Picture()
    place = WIDTH / len(columns)
    room = HEIGHT - _LEAST * len(tones)  # the rest is for what is lifted to be seen
    found = []
    for number, values in enumerate(columns):
        bottom = float(HEIGHT)
        for tone, value in zip(tones, values, strict=True):
            if value > 0:
                height = max(_LEAST, value / most * room)
                bottom -= height
                between = _BETWEEN_BAD if tone == BAD else _BETWEEN  # so that it needs no colour
                found.append(
                    Stretch(
                        tone=tone,
                        x=_told(place * (number + between / 2)),
                        y=_told(bottom),
                        width=_told(place * (1 - between)),
                        height=_told(height),
                    )
                )
    return Picture(columns=found)


def drawn(
    tone: str,
    values: Sequence[float | None],
    above: Sequence[float | None] = (),
    *,
    ceiling: float | None = None,
    filled: bool = False,
    marks: Iterable[Mark] = (),
) -> Picture:
    """A line of these values, with what lies between it and the values ``above`` it, or, ``filled``, below it."""
    most = top_of([*values, *above], ceiling)
    if all(each is None for each in values):
        return Picture(marks=tuple(marks))
    spots = [None if each is None else (_x(number, len(values)), _y(each, most)) for number, each in enumerate(values)]
    runs = _runs(spots)
    areas: list[str] = []
    if above:
        areas = [_area(run, above, most) for run in runs]
    elif filled:
        areas = [_points([*_wide(run), (_wide(run)[-1][0], HEIGHT), (run[0][0], HEIGHT)]) for run in runs]
    line = Line(tone=tone, runs=[_points(_wide(run)) for run in runs], areas=areas)
    is_seen = ceiling is not None and 0 < ceiling <= most
    return Picture(lines=(line,), marks=tuple(marks), ceiling=_told(_y(ceiling or 0, most)) if is_seen else None)


def top_of(values: Iterable[float | None], ceiling: float | None = None) -> float:
    """The value at the upper edge: a little above the highest, and above the ceiling where that is near."""
    highest = max((each for each in values if each is not None), default=0.0)
    if ceiling is not None and highest > 0 and ceiling <= highest * _NEAR:
        highest = max(highest, ceiling)
    return max(highest, 0.0) * _HEADROOM or 1.0


def mark_at(part: float, title: str, href: str) -> Mark | None:
    """A mark so far from the left, as a part of the width; None outside of it."""
    return Mark(x=_told(part * WIDTH), title=title, href=href) if 0 <= part <= 1 else None


Spot = tuple[float, float]


def _runs(spots: Sequence[Spot | None]) -> list[list[Spot]]:
    groups = groupby(spots, lambda each: each is None)
    return [[each for each in group if each is not None] for is_gap, group in groups if not is_gap]


def _wide(run: Sequence[Spot]) -> Sequence[Spot]:
    """A run as a line: of one value alone a dot is made."""
    return run if len(run) > 1 else [run[0], (run[0][0] + _DOT, run[0][1])]


def _area(run: Sequence[Spot], above: Sequence[float | None], most: float) -> str:
    """What lies between a run and the values above it; where one of those is missing, nothing does."""
    count = len(above)
    over = []
    for x, y in run:
        value = above[round(x * max(count - 1, 1) / WIDTH)] if count > 1 else above[0]
        over.append((x, y if value is None else min(y, _y(value, most))))
    return _points([*_wide(run), *reversed(_wide(over))])


def _x(number: int, count: int) -> float:
    return WIDTH / 2 if count == 1 else number * WIDTH / (count - 1)


def _y(value: float, most: float) -> float:
    return HEIGHT - min(max(value, 0.0) / most, 1.0) * HEIGHT


def _points(spots: Iterable[Spot]) -> str:
    return " ".join(f"{_told(x)},{_told(y)}" for x, y in spots)


def _told(number: float) -> str:
    """In hundredths, without what says nothing."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
