"""The part of a deployment's log that its page shows: its end, or the lines from one on, or those that have a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.kernel.errors import Conflict, InvalidInput
from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.log_lines import HitsRow, LineRow, LinesRow

LINES: Asked[LinesRow] = Asked("deployment.lines")
FIND: Asked[HitsRow] = Asked("deployment.find")
DOWNLOAD = "deployment.log"
SHOWN_LINES = 200
FOUND_LINES = 100
LONGEST_TEXT = 200  # as find takes it
_AT_ONCE = 100  # lines that are read to show one that was found, for others may be near
_MOST_READ = 5  # times
_SECONDS = 5.0
_NOTHING: Mapping[str, object] = MappingProxyType(
    {"refused": "", "unknown": None, "lines": (), "more": None, "total": 0, "cut": None, "skipped": False}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWindow:
    """``rows`` are the lines that are shown, of ``total``. The others are addresses of further windows, None where
    there is none.
    """

    rows: Sequence[LineRow]
    total: int
    beginning: str | None = None
    earlier: str | None = None
    later: str | None = None
    end: str | None = None


def operations_of(deployment_id: str) -> Mapping[str, str]:
    """The addresses of the operations of which a script makes the whole log."""
    query = urlencode({"deploymentId": deployment_id})
    return {
        "lines": f"/api/{LINES.name}?{query}",
        "find": f"/api/{FIND.name}?{query}",
        "follow": f"/api/deployment.followLines?{query}",
    }


async def window(visit: Visit, path: str) -> LogWindow | Unknown:
    """The part of the log that the address asks for, Unknown where it is not to be had now."""
    wanted = line_of(visit.query.get("line", ""))
    found = await _lines(visit, wanted)
    if not isinstance(found, Unknown) and not found["rows"] and wanted is not None:
        found = await _lines(visit, None)  # there are fewer lines
    return found if isinstance(found, Unknown) else window_of(found, path)


def window_of(found: LinesRow, path: str) -> LogWindow:
    """The window that an answer is: it may hold fewer lines than were asked for."""
    rows, total = found["rows"], found["total"]
    first, last = (rows[0]["n"], rows[-1]["n"]) if rows else (1, 0)
    return LogWindow(
        rows=rows,
        total=total,
        beginning=_at(path, 1) if first > 1 else None,
        earlier=_at(path, max(1, first - SHOWN_LINES)) if first > 1 else None,
        later=_at(path, last + 1) if last < total else None,
        end=f"{path}#log" if last < total else None,
    )


async def finds(visit: Visit, path: str) -> Mapping[str, object] | None:
    """The lines that have the text that the address asks for; None where it asks for none."""
    text = visit.query.get("find", "").replace("\n", "").replace("\r", "")[:LONGEST_TEXT]
    if not text:
        return None
    try:
        found = await _found(visit, path, text)
    except Conflict:  # the log was begun anew in between
        try:
            found = await _found(visit, path, text)
        except Conflict as again:
            found = Unknown(why=again.message)
    except InvalidInput as refused:
        return {**_NOTHING, "text": text, "refused": refused.message}
    if isinstance(found, Unknown):
        return {**_NOTHING, "text": text, "unknown": found}
    return {**_NOTHING, "text": text, **found}


async def _found(visit: Visit, path: str, text: str) -> Mapping[str, object] | Unknown:
    given = {"deploymentId": visit.path["deploymentId"], "text": text, "ignoreCase": True}
    found = await visit.ask_within(_SECONDS, FIND, **given)
    if isinstance(found, Unknown):
        return found
    after = line_of(visit.query.get("after", "")) or 1
    hits = [each for each in found["hits"] if each >= after]
    lines = await _lines_with(visit, hits[:FOUND_LINES], found["generation"])
    if isinstance(lines, Unknown):
        return lines
    following = next((each for each in hits if each > lines[-1]["n"]), None) if lines else None
    more = None if following is None else {"find": text, "after": str(following)}
    return {
        "lines": [{**each, "href": _at(path, each["n"], anchor=f"L{each['n']}")} for each in lines],
        "more": None if more is None else f"{path}?{urlencode(more)}#find",
        "total": found["total"],
        "cut": found["cut"],
        "skipped": found["total"] > len(found["hits"]),
    }


async def _lines_with(visit: Visit, hits: Sequence[int], generation: str) -> Sequence[LineRow] | Unknown:
    """The lines of these numbers, as many as may be read for one page. Raises Conflict."""
    wanted = list(hits)
    shown: list[LineRow] = []
    for _ in range(_MOST_READ):
        if not wanted:
            break
        found = await _lines(visit, wanted[0], count=_AT_ONCE, generation=generation)
        if isinstance(found, Unknown):
            return shown or found
        if not found["rows"]:
            break
        last, held = found["rows"][-1]["n"], set(wanted)
        shown += [each for each in found["rows"] if each["n"] in held]
        wanted = [each for each in wanted if each > last]
    return shown


async def _lines(
    visit: Visit, start: int | None, *, count: int = SHOWN_LINES, generation: str | None = None
) -> LinesRow | Unknown:
    given = {"from": start, "count": count, "generation": generation or None}
    return await visit.ask_within(_SECONDS, LINES, deploymentId=visit.path["deploymentId"], **given)


def line_of(text: str) -> int | None:
    """The number of a line that an address asks for, None where it asks for none."""
    is_number = text.isdecimal() and text.isascii() and len(text) < 16
    return int(text) or None if is_number else None


def _at(path: str, line: int, *, anchor: str = "log") -> str:
    return f"{path}?line={line}#{anchor}"
