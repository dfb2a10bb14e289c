"""Sentences of Headway's own in a log, which no secret of a user can blacken: only what they quote is masked.

A log is masked where it is written, long after it was said, and nothing is known there of who has written what. So the
words of a phrase travel as characters that nobody uses, which no secret holds, and are read back behind the mask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_FIRST, _LAST = " ", "~"
_BASE = 0x10FF00  # of a plane that is nobody's
_AWAY: Mapping[int, str] = {code: chr(_BASE + code) for code in range(ord(_FIRST), ord(_LAST) + 1)}
_BACK: Mapping[int, str] = {ord(away): chr(code) for code, away in _AWAY.items()}
_PHRASES = re.compile(f"[{_AWAY[ord(_FIRST)]}-{_AWAY[ord(_LAST)]}]+")
_ENCODED = re.compile(rb"(?:\xf4\x8f\xbc[\xa0-\xbf]|\xf4\x8f\xbd[\x80-\xbe])+")
_LEAD = chr(_BASE).encode()[:2]


def phrase(words: str, *quoted: object) -> str:
    """The words, in which each ``{}`` is one of those that are quoted. What is quoted is masked like the output of a
    program, but for phrases within it.
    """
    parts = words.split("{}")
    if len(parts) != len(quoted) + 1:
        msg = f"{words!r} quotes {len(parts) - 1} values, and there are {len(quoted)}."
        raise ValueError(msg)
    said = [parts[0].translate(_AWAY)]
    for value, part in zip(quoted, parts[1:], strict=True):
        said += (str(value), part.translate(_AWAY))
    return "".join(said)


def plain(text: str) -> str:
    """The text as it is read."""
    return _PHRASES.sub(lambda found: found.group().translate(_BACK), text)


def plain_bytes(text: bytes) -> bytes:
    """As ``plain``, of UTF-8."""
    if _LEAD[:1] not in text or _LEAD not in text:  # one byte is found ten times as fast as two are
        return text
    return _ENCODED.sub(lambda found: found.group().decode().translate(_BACK).encode(), text)
