"""What two failures have in common: the message of one without all that is another each time."""

from __future__ import annotations

import re

_LONGEST = 400  # of what is left: behind that a message quotes
_PATH = re.compile(r"(?<![\w./])(?:[A-Za-z]:)?[~.]{0,2}(?:/[\w.@+~%-]+)+/?")
_HASH = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b", re.IGNORECASE)
# It looks ahead no further than an id goes: to the end of a long word it would do so from each of its parts.
_ID = re.compile(r"\b(?=[\w-]{0,23}\d)(?=[\w-]{0,23}[A-Za-z])[\w-]{20,24}\b")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACE = re.compile(r"\s+")


def shape_of(message: str | None) -> str:
    """The shape of an error's message: numbers, hashes, ids and paths are taken out. "" of none."""
    text = message or ""
    for pattern, sign in ((_PATH, "<path>"), (_ID, "<id>"), (_HASH, "<hash>"), (_NUMBER, "<n>"), (_SPACE, " ")):
        text = pattern.sub(sign, text)
    return text.strip()[:_LONGEST].lower()
