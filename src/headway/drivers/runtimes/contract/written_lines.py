"""Lines that a process wrote, as they are shown: out of pieces of its log that follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain, repeat

from headway.drivers.runtimes.contract.runtime import Piece
from headway.kernel.ansi import LONGEST_LINE, LONGEST_READ, NO_STYLE, Line, runs_from, style_after
from headway.kernel.dataclass import dataclass

_MOST_CHARACTERS = 1 << 20  # of one answer
_CUT = ("", "…")
_Time = tuple[datetime | None, bool]
_NO_TIME: _Time = (None, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLine:
    """A line: its number and its text in runs. It was written ``at`` that second, or by then (``is_late``); None where
    nobody knows. ``left_out``: so many characters at its end are not shown. ``is_open``: its end was not written yet.
    """

    number: int
    runs: Line
    at: datetime | None
    is_late: bool
    left_out: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMark:
    """Where a whole piece begins: its place, the ends of lines before it, and whether a line is open there."""

    place: str
    ends: int = 0
    is_open: bool = False

    @property
    def first(self) -> int:
        """The number of the first line that begins behind it."""
        return self.ends + 1 + self.is_open


class LineCollector:
    """The lines from number ``first`` on, out of pieces that follow each other from a mark on."""

    def __init__(self, mark: LogMark, first: int, count: int) -> None:
        self._first = first
        self._count = count
        self._number = mark.ends + 1
        self._open = _Raw(number=self._number, text="", length=0, time=_NO_TIME) if mark.is_open else None
        self._before = list[str]()  # what may colour the first of them
        self._lines = list[_Raw]()
        self._held = 0

    @property
    def is_full(self) -> bool:
        """Whether an answer holds no more."""
        return len(self._lines) >= self._count or self._held >= _MOST_CHARACTERS

    def take(self, piece: Piece) -> None:
        """The next piece."""
        *ended, rest = piece.text.split("\n")
        times = _times_of(piece, len(ended) + bool(rest))
        for part in ended:
            line = self._line(part, next(times, _NO_TIME))
            self._open = None
            self._number += 1
            if line.number >= self._first and not self.is_full:
                self._lines.append(line)
                self._held += len(line.text)
            elif "\x1b" in line.text and not self._lines:
                self._before.append(line.text)
        if rest:
            self._open = self._line(rest, next(times, _NO_TIME))

    def shown(self) -> list[WrittenLine]:
        """The lines as they are shown."""
        if self._open is not None and self._open.number >= self._first and not self.is_full:
            self._lines.append(replace(self._open, is_open=True))
        style = style_after(self._before, NO_STYLE)
        found = list[WrittenLine]()
        for raw in self._lines[: self._count]:
            runs, style = runs_from(raw.text, style)
            at, is_late = raw.time
            found.append(
                WrittenLine(
                    number=raw.number,
                    runs=runs,
                    at=at,
                    is_late=is_late,
                    left_out=_left_out(runs, raw.length),
                    is_open=raw.is_open,
                )
            )
        return found

    def _line(self, part: str, at: _Time) -> _Raw:
        """A line that begins with this part, or goes on with it."""
        begun = self._open
        if begun is None:
            return _Raw(number=self._number, text=part[:LONGEST_READ], length=len(part), time=at)
        text = begun.text + part[: LONGEST_READ - len(begun.text)]
        return replace(begun, text=text, length=begun.length + len(part))


def dropped_line(number: int) -> WrittenLine:
    """In the place of a line that is not kept any more."""
    runs = [("dim", "This line is not kept any more.")]
    return WrittenLine(number=number, runs=runs, at=None, is_late=False, left_out=0, is_open=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """A line as it was written: its first characters, and how many it has in all."""

    number: int
    text: str
    length: int
    time: _Time
    is_open: bool = False


def _left_out(runs: Line, length: int) -> int:
    """How many of so many characters are not shown."""
    if length <= LONGEST_LINE or runs[-1:] != [_CUT]:
        return 0
    return max(1, length - sum(len(text) for _, text in runs[:-1]))


def _times_of(piece: Piece, lines: int) -> Iterator[_Time]:
    """When each of its lines was written; of none it is known where a mask has made one of several."""
    if sum(each.lines for each in piece.times) != lines:
        return iter(())
    return chain.from_iterable(repeat((each.at, each.is_late), each.lines) for each in piece.times)
