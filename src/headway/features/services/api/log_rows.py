"""The lines of what services and containers write, as the wire shows them, and what is asked for of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import MOST, Input
from headway.api.problems import invalid
from headway.api.rows import moment
from headway.drivers.runtimes.contract.numbered_log import MOST_LINES, TextHits, WantedLines, WantedText, WrittenLines
from headway.drivers.runtimes.contract.written_lines import WrittenLine

LONGEST_TEXT = 200

Number = Annotated[int, Field(ge=1, le=MOST)]
Generation = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class LinesWanted(Input):
    """Lines from number ``from`` on (the first is 1) or around number ``around``, and where neither is given the last
    ones. ``generation`` is of the log whose lines are meant, as an earlier answer told it.
    """

    generation: Generation | None = None
    start: Annotated[Number | None, Field(alias="from")] = None
    around: Number | None = None
    count: Annotated[int, Field(ge=1, le=MOST_LINES)] = 500


class TextWanted(Input):
    """A text as it is shown. The hit that ``next`` tells is the first from line ``from`` on, or the last up to it."""

    generation: Generation | None = None
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\r\n]*$")]
    ignore_case: bool = False
    start: Annotated[Number | None, Field(alias="from")] = None
    direction: Literal["forward", "backward"] = "forward"


class WrittenLineRow(TypedDict):
    """A line by its number ``n``: when it was written (by then, where ``caughtUp``; null where nobody knows), and its
    text as runs of classes and text. ``cut`` characters of it are not shown; an ``open`` one goes on.
    """

    n: int
    at: str | None
    caughtUp: bool
    runs: list[list[str]]
    cut: int
    open: bool


class WrittenLinesRow(TypedDict):
    """Lines of the log ``of`` a process or container, one of ``names``: ``first`` is the number of the first of them
    (or of the one that would be), of ``total`` there are. There may be fewer than were asked for, for an answer is
    bounded. Of lines before number ``kept`` nothing is kept any more. With another ``generation`` it is another log, or
    its beginning was dropped unseen; it is empty where nothing was written. Where it has ``ended`` nothing writes it.
    """

    names: list[str]
    of: str | None
    generation: str
    first: int
    total: int
    kept: int
    ended: bool
    rows: list[WrittenLineRow]


class TextHitsRow(TypedDict):
    """The numbers of lines that have a text, of ``total`` the first and the last 5,000; ``next`` is the hit that was
    wanted. Where ``cut`` names a line, the search was ended there, after ``seconds``.
    """

    generation: str
    hits: list[int]
    total: int
    next: int | None
    cut: int | None
    seconds: float


def wanted_lines(given: LinesWanted) -> WantedLines:
    """The lines that an input asks for. Raises Problem."""
    if given.start is not None and given.around is not None:
        message = "Invalid input: from and around exclude each other"
        raise invalid([{"code": "custom", "path": ["around"], "message": message}])
    return WantedLines(count=given.count, start=given.start, around=given.around, generation=given.generation or "")


def wanted_text(given: TextWanted) -> WantedText:
    """What an input looks for."""
    return WantedText(
        text=given.text,
        ignore_case=given.ignore_case,
        start=given.start,
        backwards=given.direction == "backward",
        generation=given.generation or "",
    )


def lines_row(
    names: Sequence[str], name: str | None, found: WrittenLines | None, wanted: WantedLines, *, is_over: bool
) -> WrittenLinesRow:
    """Lines of one of the logs that these names have."""
    found = found or WrittenLines(generation="", total=0, kept=1, lines=())
    return {
        "names": list(names),
        "of": name,
        "generation": found.generation,
        "first": found.lines[0].number if found.lines else wanted.start or found.total + 1,
        "total": found.total,
        "kept": found.kept,
        "ended": is_over,
        "rows": [_line_row(each) for each in found.lines],
    }


def hits_row(found: TextHits | None) -> TextHitsRow:
    """What a search found; nothing where there is no log."""
    if found is None:
        return {"generation": "", "hits": [], "total": 0, "next": None, "cut": None, "seconds": 0.0}
    return {
        "generation": found.generation,
        "hits": list(found.lines),
        "total": found.total,
        "next": found.following,
        "cut": found.cut_at,
        "seconds": round(found.seconds, 3),
    }


def _line_row(line: WrittenLine) -> WrittenLineRow:
    return {
        "n": line.number,
        "at": moment(line.at),
        "caughtUp": line.is_late,
        "runs": [[classes, text] for classes, text in line.runs],
        "cut": line.left_out,
        "open": line.is_open,
    }
