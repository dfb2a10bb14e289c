"""The lines of a growing log: each piece of it is read line by line once, however many follow."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path

from headway.infra.logs.line_index import LineIndex, LineRecord, load_ending
from headway.infra.logs.log_line import LogLine, RawLine, line_of
from headway.kernel.ansi import LONGEST_READ, NO_STYLE, Style, style_after
from headway.kernel.dataclass import dataclass

_MOST_LINES = 2_000  # of one piece
_KEPT_LINES = 500  # of one that has more: who shows a log asks for the others when they are looked at
_SHORT_BYTES = 4 << 10  # a line as short as that is told whenever something comes
_GROWN = 8  # a longer one when it has grown by an eighth
_LATEST_SECONDS = 0.5  # or for so long has not been told
_UNKNOWN = LineRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """How far somebody has read a log: the line ``number`` begins at ``offset``, and ``length`` bytes of it were read,
    of which ``text`` are the first. So many of them were told of it, when it was last.
    """

    number: int = 1
    offset: int = 0
    style: Style = NO_STYLE
    text: bytes = b""
    length: int = 0
    told_length: int = 0
    told_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePiece:
    """What a piece of a log makes of its lines: those that have ended, and the open one as far as it goes. ``after`` is
    how far one has read then. ``frames`` keeps what is made of it for those who follow.
    """

    lines: tuple[LogLine, ...]
    after: LineState
    frames: list[bytes] = field(default_factory=list, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesFollowed:
    """Which lines are followed: from number ``start`` on, of the log of this ``generation`` ("": of any). ``rows`` says
    how they are told, with where which step begins.
    """

    start: int
    generation: str
    rows: Callable[[Sequence[LogLine], Sequence[tuple[int, str]]], Sequence[Mapping[str, object]]]


def piece_of(raw: bytes, state: LineState, log: Path) -> LinePiece:
    """The lines of which something stands in the next text of a log. It is read on the event loop, as that text is:
    when they were read was noted a moment ago.
    """
    times = _Times(log, state.offset)
    begun = [*_lines(raw, state)]
    *ended, last = begun
    style, shown = state.style, list[LogLine]()
    if len(ended) > _MOST_LINES:
        left_out, ended = ended[:-_KEPT_LINES], ended[-_KEPT_LINES:]
        style = style_after([each.text.decode("utf-8", "replace") for each in left_out if b"\x1b" in each.text], style)
    for each in ended:
        line, style = line_of(each, style, times.of(each.number))
        shown.append(line)
    after = LineState(number=last.number, offset=last.offset, style=style, text=last.text, length=last.length)
    if last.number == state.number:
        after = replace(after, told_length=state.told_length, told_at=state.told_at)
    if _is_due(after):
        shown.append(line_of(last, style, times.of(last.number))[0])
        after = replace(after, told_length=after.length, told_at=time.monotonic())
    return LinePiece(lines=tuple(shown), after=after)


def _lines(raw: bytes, state: LineState) -> Iterator[RawLine]:
    """The lines that end in a text, and the one that goes on behind it, of which there may be nothing yet."""
    number, offset, text, length, begin = state.number, state.offset, state.text, state.length, 0
    while (end := raw.find(b"\n", begin)) >= 0:
        text += raw[begin : min(end, begin + LONGEST_READ - len(text))]
        length += end - begin
        yield RawLine(number=number, offset=offset, text=text, length=length, is_open=False)
        number, offset, text, length, begin = number + 1, offset + length + 1, b"", 0, end + 1
    text += raw[begin : begin + LONGEST_READ - len(text)]
    length += len(raw) - begin
    yield RawLine(number=number, offset=offset, text=text, length=length, is_open=True)


def _is_due(state: LineState) -> bool:
    """Whether an open line is told now: one that goes on for ever would cost more with each word."""
    grown = state.length - state.told_length
    if not grown or state.told_length >= LONGEST_READ:
        return False
    is_late = time.monotonic() - state.told_at >= _LATEST_SECONDS
    return state.length <= _SHORT_BYTES or grown * _GROWN >= state.length or is_late


class _Times:
    """When lines were read, as far as that is noted beside their log."""

    def __init__(self, log: Path, offset: int) -> None:
        index: LineIndex | None = None
        with suppress(OSError):
            index = load_ending(log, offset)
        self._records = index.records if index else ()
        self._is_alone = False
        if index:
            with suppress(OSError):
                self._is_alone = index.is_outlived(log.stat().st_mtime)

    def of(self, number: int) -> LineRecord:
        found = bisect_right(self._records, number - 1, key=lambda each: each.line)
        if not found:
            return _UNKNOWN
        record = self._records[found - 1]
        is_behind = self._is_alone and found == len(self._records) and record.line != number - 1
        return _UNKNOWN if is_behind else record
