"""A line of a log as it is shown: its number, its text in runs, and when it was read."""

from __future__ import annotations

from datetime import UTC, datetime

from headway.infra.logs.line_index import LineRecord
from headway.kernel.ansi import LONGEST_LINE, Line, Style, runs_from
from headway.kernel.dataclass import dataclass

_CUT = ("", "…")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line: its number, its place in the log in bytes, its text in runs. It was read ``at`` that second, or by then
    (``is_late``); None where nobody knows. ``left_out``: so many bytes at its end are not shown. ``is_open``: its end
    was not written yet.
    """

    number: int
    offset: int
    runs: Line
    at: datetime | None
    is_late: bool
    left_out: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """A line as it stands in the log: where, its first bytes, and how many it has in all."""

    number: int
    offset: int
    text: bytes
    length: int
    is_open: bool


def line_of(raw: RawLine, style: Style, record: LineRecord) -> tuple[LogLine, Style]:
    """A line that begins in this style, read when the record says, and the style that holds at its end."""
    runs, style = runs_from(raw.text.decode("utf-8", "replace"), style)
    runs, left_out = _with_rest(runs, raw)
    line = LogLine(
        number=raw.number,
        offset=raw.offset,
        runs=runs,
        at=_moment(record.milliseconds),
        is_late=record.is_late,
        left_out=left_out,
        is_open=raw.is_open,
    )
    return line, style


def _with_rest(runs: Line, raw: RawLine) -> tuple[Line, int]:
    """The runs of a line with the mark of what is left out of it, and how many bytes that is, by and large."""
    if raw.length > len(raw.text) and runs[-1:] != [_CUT]:
        runs = [*runs, _CUT]
    if raw.length <= LONGEST_LINE or runs[-1:] != [_CUT]:
        return runs, 0
    return runs, max(1, raw.length - sum(len(text.encode()) for _, text in runs[:-1]))


def _moment(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
