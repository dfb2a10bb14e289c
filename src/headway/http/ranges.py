"""Which part of a file a request asks for, by RFC 9110, sections 13 and 14: pure decisions over headers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headway.kernel.dataclass import dataclass

_RANGE = re.compile(rb"bytes\s*+=\s*+(?:(\d{1,18})\s*+-\s*+(\d{1,18})?|-\s*+(\d{1,18}))\s*+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The bytes from ``begin`` to before ``end`` of a file of ``size``; its ``status`` says how to answer."""

    status: int
    begin: int
    end: int
    size: int

    @property
    def content_range(self) -> bytes | None:
        """The header of that name: of a part, and of one that does not exist; None for the whole."""
        match self.status:
            case 206:
                return b"bytes %d-%d/%d" % (self.begin, self.end - 1, self.size)
            case 416:
                return b"bytes */%d" % self.size
            case _:
                return None


def part_of(headers: Mapping[bytes, bytes], size: int, tag: bytes | None) -> Part:
    """What to answer with: the whole (200), nothing because the reader has it (304), a part (206), or nothing because
    the file ends before it (416). ``tag`` is the file's strong entity tag, None while it may still change. A range of
    another unit, of several parts, or that makes no sense, counts as none (RFC 9110, 14.2).
    """
    if tag is not None and has(headers.get(b"if-none-match", b""), tag):
        return Part(status=304, begin=0, end=0, size=size)
    whole = Part(status=200, begin=0, end=size, size=size)
    asked = _RANGE.fullmatch(headers.get(b"range", b"").strip())
    if asked is None or not _still_the_same(headers.get(b"if-range"), tag):
        return whole
    first, last, suffix = (None if group is None else int(group) for group in asked.groups())
    if first is None:
        begin, end = max(0, size - (suffix or 0)), size
    else:
        begin, end = first, size if last is None else min(size, last + 1)
    if first is not None and last is not None and last < first:
        return whole
    if begin >= end:
        return Part(status=416, begin=0, end=0, size=size)
    return Part(status=206, begin=begin, end=end, size=size)


def has(if_none_match: bytes, tag: bytes) -> bool:
    """Whether a reader's list of entity tags names this one, compared weakly (RFC 9110, 13.1.2)."""
    known = [each.strip().removeprefix(b"W/") for each in if_none_match.split(b",")]
    return b"*" in known or tag.removeprefix(b"W/") in known


def _still_the_same(if_range: bytes | None, tag: bytes | None) -> bool:
    """A part is given only of the very file that the reader has a part of already; a date does not tell enough."""
    return if_range is None or (tag is not None and if_range.strip() == tag)
