"""The part of a log that its page shows: its end, or the lines from one on, or those that have a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Any

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput
from headway.pages.list_view import list_address
from headway.pages.page import Asked, Unknown, Visit

SHOWN_LINES = 200
FOUND_LINES = 100
LONGEST_TEXT = 200  # as find takes it
_AT_ONCE = 100  # lines that are read to show one that was found, for others may be near
_MOST_READ = 5  # times
_SECONDS = 5.0
_FIND_SECONDS = 10.0  # a search ends by itself before that
_NOTHING: Mapping[str, object] = MappingProxyType(
    {"refused": "", "unknown": None, "lines": (), "more": None, "total": 0, "cut": None, "skipped": False}
)


Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLog:
    """A log that is shown at a ``path``, whose address says by ``query`` which one, where there are several. ``lines``
    answers some of its lines, ``find`` (None: nothing does) which have a text, or match an expression where it
    ``takes_regex``, and ``follow`` ("": nothing does) tells what comes; all of them are ``given`` which log it is.
    """

    path: str
    lines: Asked[Any]
    given: Mapping[str, str | None]
    find: Asked[Any] | None = None
    takes_regex: bool = False
    follow: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, str]:
        """The addresses of the operations of which a script makes the whole log."""
        names = {"lines": self.lines.name, "find": self.find.name if self.find else "", "follow": self.follow}
        return {what: list_address(f"/api/{name}", self.given) if name else "" for what, name in names.items()}

    def ticked(self, visit: Visit) -> Mapping[str, str]:
        """What the address says of how a text is looked for."""
        names = ("case", *(("regex",) if self.takes_regex else ()))
        return {name: "true" for name in names if visit.query.get(name) == "true"}

    def search(self, visit: Visit) -> Mapping[str, object]:
        """The field in which a text is looked for (macros/form.html), with its ticks."""
        ticked, labels = self.ticked(visit), {"case": "Match case"}
        if self.takes_regex:
            labels["regex"] = "Regular expression"
        ticks = [{"name": name, "label": label, "checked": name in ticked} for name, label in labels.items()]
        return {"name": "find", "value": visit.query.get("find", ""), "label": "Find in the log", "ticks": ticks}

    def downloads(self, visit: Visit, operation: str) -> Sequence[Mapping[str, str]]:
        """The links to all of it as a file, of an operation that takes ``plain`` to leave out colours."""
        if not visit.may(operation):
            return ()
        path = f"/api/{operation}"
        whole, plain = list_address(path, self.given), list_address(path, {**self.given, "plain": "true"})
        return (
            {"label": "Download the whole log", "href": whole, "icon": "download"},
            {"label": "Without colours", "href": plain, "icon": "download"},
        )

    def at(self, line: int, *, anchor: str = "log") -> str:
        """The address of its lines from one on."""
        return f"{list_address(self.path, {**self.query, 'line': str(line)})}#{anchor}"

    def end(self) -> str:
        """The address of its end."""
        return f"{list_address(self.path, self.query)}#log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWindow:
    """``rows`` are the lines that are shown, of ``total``. The others are addresses of further windows, None where
    there is none.
    """

    rows: Sequence[Row]
    total: int
    beginning: str | None = None
    earlier: str | None = None
    later: str | None = None
    end: str | None = None


async def answered(visit: Visit, shown: ShownLog) -> Row | Unknown:
    """The lines of the part of the log that the address asks for, Unknown where they are not to be had now."""
    wanted = line_of(visit.query.get("line", ""))
    found = await _lines(visit, shown, wanted)
    if not isinstance(found, Unknown) and not found["rows"] and wanted is not None:
        found = await _lines(visit, shown, None)  # there are fewer lines
    return found


def window_of(found: Row, shown: ShownLog) -> LogWindow:
    """The window that an answer is: it may hold fewer lines than were asked for."""
    rows, total, kept = found["rows"], found["total"], found.get("kept", 1)
    first, last = (rows[0]["n"], rows[-1]["n"]) if rows else (1, 0)
    return LogWindow(
        rows=rows,
        total=total,
        beginning=shown.at(kept) if first > kept else None,
        earlier=shown.at(max(kept, first - SHOWN_LINES)) if first > kept else None,
        later=shown.at(last + 1) if last < total else None,
        end=shown.end() if last < total else None,
    )


def steps_at(found: Row | Unknown, shown: ShownLog) -> Mapping[str, str]:
    """Where in the log each step begins: the address of its first line, of those that have any or may have yet."""
    if isinstance(found, Unknown):
        return {}
    steps = found["steps"]
    ends = [each["first"] for each in steps[1:]] + [found["total"] + 1]
    is_last = [False] * (len(steps) - 1) + [not found["ended"]]
    return {
        each["name"]: shown.at(each["first"], anchor=f"L{each['first']}")
        for each, end, grows in zip(steps, ends, is_last, strict=False)
        if each["first"] < end or grows
    }


async def log_values(visit: Visit, shown: ShownLog, found: Row | Unknown, *, goes_on: bool) -> Mapping[str, object]:
    """What macros/written_log.html shows of it; ``goes_on`` says whether more may come."""
    is_known = not isinstance(found, Unknown)
    # Who looks for something, or at a line, is shown that until they go back: the end is pulled without either.
    is_at_end = not {"find", "line"} & {name for name, text in visit.query.items() if text}
    return {
        "window": None if isinstance(found, Unknown) else window_of(found, shown),
        "unknown": found if isinstance(found, Unknown) else None,
        "found": await finds(visit, shown) if is_known else None,
        "search": shown.search(visit),
        "path": shown.path,
        "query": shown.query,
        "here": list_address(shown.path, shown.query),
        "operations": shown.operations,
        "live": is_at_end and goes_on,
    }


async def finds(visit: Visit, shown: ShownLog) -> Mapping[str, object] | None:
    """The lines that have the text that the address asks for; None where it asks for none."""
    text = visit.query.get("find", "").replace("\n", "").replace("\r", "")[:LONGEST_TEXT]
    if not text or shown.find is None:
        return None
    try:
        found = await _found(visit, shown, shown.find, text)
    except Conflict:  # the log was begun anew in between
        try:
            found = await _found(visit, shown, shown.find, text)
        except Conflict as again:
            found = Unknown(why=again.message)
    except InvalidInput as refused:
        return {**_NOTHING, "text": text, "refused": refused.message}
    if isinstance(found, Unknown):
        return {**_NOTHING, "text": text, "unknown": found}
    return {**_NOTHING, "text": text, **found}


async def _found(visit: Visit, shown: ShownLog, find: Asked[Any], text: str) -> Mapping[str, object] | Unknown:
    ticked = shown.ticked(visit)
    how = {"ignoreCase": "case" not in ticked, **({"regex": "regex" in ticked} if shown.takes_regex else {})}
    found = await visit.ask_within(_FIND_SECONDS, find, **shown.given, text=text, **how)
    if isinstance(found, Unknown):
        return found
    after = line_of(visit.query.get("after", "")) or 1
    hits = [each for each in found["hits"] if each >= after]
    lines = await _lines_with(visit, shown, hits[:FOUND_LINES], found["generation"])
    if isinstance(lines, Unknown):
        return lines
    following = next((each for each in hits if each > lines[-1]["n"]), None) if lines else None
    more = None if following is None else {**shown.query, "find": text, **ticked, "after": str(following)}
    return {
        "lines": [{**each, "href": shown.at(each["n"], anchor=f"L{each['n']}")} for each in lines],
        "more": None if more is None else f"{list_address(shown.path, more)}#find",
        "total": found["total"],
        "cut": found["cut"],
        "skipped": found["total"] > len(found["hits"]),
    }


async def _lines_with(visit: Visit, shown: ShownLog, hits: Sequence[int], generation: str) -> Sequence[Row] | Unknown:
    """The lines of these numbers, as many as may be read for one page. Raises Conflict."""
    wanted = list(hits)
    read: list[Row] = []
    for _ in range(_MOST_READ):
        if not wanted:
            break
        found = await _lines(visit, shown, wanted[0], count=_AT_ONCE, generation=generation)
        if isinstance(found, Unknown):
            return read or found
        if not found["rows"]:
            break
        last, held = found["rows"][-1]["n"], set(wanted)
        read += [each for each in found["rows"] if each["n"] in held]
        wanted = [each for each in wanted if each > last]
    return read


async def _lines(
    visit: Visit, shown: ShownLog, start: int | None, *, count: int = SHOWN_LINES, generation: str | None = None
) -> Row | Unknown:
    given = {**shown.given, "from": start, "count": count, "generation": generation or None}
    found: Row | Unknown = await visit.ask_within(_SECONDS, shown.lines, **given)
    return found


def line_of(text: str) -> int | None:
    """The number of a line that an address asks for, None where it asks for none."""
    is_number = text.isdecimal() and text.isascii() and len(text) < 16
    return int(text) or None if is_number else None
