"""What was found in a log, as the wire shows it."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.infra.logs.search import Found


class MatchRow(TypedDict):
    """A line that has the text: where it begins and where the text first stands in it, in bytes of the log; of a long
    line only the part around the text is shown.
    """

    offset: int
    matchOffset: int
    line: str


class FoundRow(TypedDict):
    """Lines of a log that have a text. The search goes on from nextOffset, until atEnd says that this was all."""

    matches: list[MatchRow]
    nextOffset: int
    atEnd: bool
    size: int


def found_row(found: Found) -> FoundRow:
    """What one search found."""
    return {
        "matches": [
            {"offset": match.offset, "matchOffset": match.match_offset, "line": match.line} for match in found.matches
        ],
        "nextOffset": found.next_offset,
        "atEnd": found.at_end,
        "size": found.size,
    }
