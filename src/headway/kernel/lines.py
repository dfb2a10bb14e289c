"""The lines of an output, as they are counted and as they are seen."""

from __future__ import annotations

import re

MOST_CHARACTERS_OF_A_LINE = 300

_MOST_LOOKED_AT = 2_000  # characters of a line: patterns take the square of that at most
_ESCAPE_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movement
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Where a build or a release lies is nobody's concern, and no path in a repository.
_FOLDERS = re.compile(
    r"(?:file://)?(?:/[\w.+-]{1,60}){1,12}?/(?:releases|caches|arriving|mirrors)/[\w-]{21}(?:/[\w-]{21})?(?:/|(?![\w-]))"
)


def lines_of(text: str) -> list[str]:
    """Each line ends with a line feed and nothing else, as those who count them do."""
    return text.removesuffix("\n").split("\n") if text else []


def visible(line: str) -> str:
    """What a terminal would show of a line in the end: what a carriage return has overwritten is gone."""
    for part in reversed(line.split("\r")):
        seen = _CONTROL.sub("", _ESCAPE_SEQUENCES.sub("", part[:_MOST_LOOKED_AT])).strip()
        if seen:
            return seen
    return ""


def shortened(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS_OF_A_LINE else line[: MOST_CHARACTERS_OF_A_LINE - 1] + "…"


def without_folders(line: str) -> str:
    """The line without the folders in which Headway builds and keeps releases."""
    return _FOLDERS.sub("", line)
