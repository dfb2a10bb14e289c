"""The part of a deployment's log that its page shows: its end, or the lines from one on, as what a terminal shows of
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.kernel.ansi import Line, runs_from, runs_of, style_after
from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.log_rows import FoundRow

READ: Asked[str] = Asked("deployment.readLogs")
FIND: Asked[FoundRow] = Asked("deployment.searchLog")
DOWNLOAD = "deployment.log"
READ_LINES = 10_000  # as many as readLogs gives; what lies before them is in the download
SHOWN_LINES = 200
FOUND_LINES = 100
_LONGEST_TEXT = 1_000
_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWindow:
    """``rows`` are the lines that are shown, of ``total``; with ``is_cut`` the log is longer, and lines are counted
    from the first that was read of it. The others are addresses of further windows, None where there is none.
    """

    rows: Sequence[Mapping[str, object]]
    total: int
    is_cut: bool
    beginning: str | None = None
    earlier: str | None = None
    later: str | None = None
    end: str | None = None


async def window(visit: Visit, path: str) -> LogWindow | Unknown:
    """The part of the log that the address asks for, Unknown where it is not to be had now."""
    given = {"deploymentId": visit.path["deploymentId"]}
    text = await visit.ask_within(_SECONDS, READ, **given, tail=READ_LINES)
    return text if isinstance(text, Unknown) else window_of(text, visit.query.get("line", ""), path)


def window_of(text: str, wanted: str, path: str) -> LogWindow:
    """The window that begins at the line ``wanted``; the last one where that is no line."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    total = len(lines)
    last = max(0, total - SHOWN_LINES)
    start = min(int(wanted) - 1, last) if _is_line(wanted) else last
    stop = min(start + SHOWN_LINES, total)
    return LogWindow(
        rows=[{"n": start + 1 + number, "runs": runs} for number, runs in enumerate(_runs(lines, start, stop))],
        total=total,
        is_cut=total >= READ_LINES,
        beginning=_at(path, 1) if start > 0 else None,
        earlier=_at(path, max(1, start + 1 - SHOWN_LINES)) if start > 0 else None,
        later=_at(path, stop + 1) if stop < total else None,
        end=f"{path}#log" if stop < total else None,
    )


async def finds(visit: Visit, path: str) -> Mapping[str, object] | None:
    """The lines that hold the text that the address asks for; None where it asks for none."""
    text = visit.query.get("find", "")[:_LONGEST_TEXT].replace("\n", "").replace("\r", "")
    if not text:
        return None
    begin = visit.query.get("after", "")
    found = await visit.ask_within(
        _SECONDS,
        FIND,
        deploymentId=visit.path["deploymentId"],
        text=text,
        ignoreCase=True,
        limit=FOUND_LINES,
        **{"from": int(begin) if _is_line(begin) else 0},
    )
    if isinstance(found, Unknown):
        return {"text": text, "unknown": found, "lines": (), "more": None, "at_end": False}
    more = {"find": text, "after": str(found["nextOffset"])}
    return {
        "text": text,
        "unknown": None,
        "lines": runs_of(each["line"] for each in found["matches"]),
        "more": None if found["atEnd"] else f"{path}?{urlencode(more)}#find",
        "at_end": found["atEnd"],
    }


def _runs(lines: Sequence[str], start: int, stop: int) -> Sequence[Line]:
    """The lines as they look when all of the log is read: a colour that was set before them holds."""
    style, read = style_after(lines[:start]), list[Line]()
    for line in lines[start:stop]:
        runs, style = runs_from(line, style)
        read.append(runs)
    return read


def _is_line(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 16 and int(text) > 0


def _at(path: str, line: int) -> str:
    return f"{path}?line={line}#log"
