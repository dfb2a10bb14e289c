"""Looks for a text in a log: from a place on, no further than a bound, and never more than a block in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from headway.infra.logs.logfile import in_thread
from headway.infra.logs.reader import passage_of
from headway.kernel.dataclass import dataclass

MOST_SEARCHED_BYTES = 32 << 20
_BLOCK_BYTES = 256 << 10
_SHOWN_BYTES = 400  # of a line
_SHOWN_BEFORE_BYTES = 200  # the text
_LONGEST_LINE_TAKEN_UP = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for: ``text`` (no line end in it), from byte ``offset`` on, in at most ``limit`` lines. With
    ``ignore_case`` ASCII letters of either case are the same.
    """

    text: str
    offset: int = 0
    limit: int = 100
    ignore_case: bool = False
    most_bytes: int = MOST_SEARCHED_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A line that has the text: where it begins, where the text first stands in it (bytes of the log), and the line,
    of a long one the part around the text.
    """

    offset: int
    match_offset: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one search found. It goes on at ``next_offset``; ``at_end`` tells that this is all there is now."""

    matches: tuple[Match, ...]
    next_offset: int
    at_end: bool
    size: int


async def search_log(path: Path, search: Search) -> Found:
    """The lines that have the text, in their order; nothing where there is no log. Raises OSError."""
    return await in_thread(lambda: _search(path, search))


def _search(path: Path, search: Search) -> Found:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Found(matches=(), next_offset=search.offset, at_end=True, size=0)
    try:
        size = os.fstat(file).st_size
        scan = _Scan(file, search, min(size, search.offset + search.most_bytes))
        matches = [_match(file, line, at) for line, at in scan.matches()]
    finally:
        os.close(file)
    at_end = not scan.is_full and search.offset + search.most_bytes >= size
    return Found(matches=tuple(matches), next_offset=scan.position, at_end=at_end, size=size)


class _Scan:
    """One pass over a file up to ``end``. ``position`` is where the next search goes on."""

    def __init__(self, file: int, search: Search, end: int) -> None:
        self._file = file
        self._search = search
        self._end = end
        self._needle = self._folded(search.text.encode())
        self._overlap = len(self._needle) - 1  # a text that lies across two blocks
        self._line = search.offset  # where the line under the scan begins
        self._told: int | None = None  # the line that was told last
        self.position = search.offset
        self.is_full = False

    def matches(self) -> Iterator[tuple[int, int]]:
        """(where the line begins, where the text does), the first of each line, until the limit or the end."""
        offset, found = self.position, 0
        while offset < self._end and (block := os.pread(self._file, min(_BLOCK_BYTES, self._end - offset), offset)):
            for at in self._hits(block, offset):
                yield self._line, at
                found += 1
                if found == self._search.limit:
                    line_end = block.find(b"\n", at - offset)
                    self.position = offset + (line_end + 1 if line_end >= 0 else len(block))
                    self.is_full = True
                    return
            self._enter_line(offset, block, len(block))
            behind = offset + len(block)
            offset = behind if behind >= self._end else max(offset + 1, behind - self._overlap)
        self.position = self._resumed(offset)

    def _hits(self, block: bytes, offset: int) -> Iterator[int]:
        """Where the text stands in this block, once for each line that was not told yet."""
        searched = self._folded(block)
        at = searched.find(self._needle)
        while at >= 0:
            self._enter_line(offset, block, at)
            if self._line != self._told:
                self._told = self._line
                yield offset + at
            line_end = block.find(b"\n", at)
            at = searched.find(self._needle, line_end) if line_end >= 0 else -1

    def _enter_line(self, offset: int, block: bytes, until: int) -> None:
        """Notes the begin of the line that stands at ``until`` in the block, if it begins in it."""
        last = block.rfind(b"\n", 0, until)
        if last >= 0:
            self._line = max(self._line, offset + last + 1)

    def _resumed(self, offset: int) -> int:
        """Where the next search begins: with the line that may still grow, unless it was told or is far too long."""
        if self._line in {offset, self._told}:
            return offset
        everything = self._end < self._search.offset + self._search.most_bytes
        if offset - self._line <= _LONGEST_LINE_TAKEN_UP and (self._line > self._search.offset or everything):
            return self._line
        return max(self._search.offset, offset - self._overlap)

    def _folded(self, text: bytes) -> bytes:
        return text.lower() if self._search.ignore_case else text


def _match(file: int, line: int, at: int) -> Match:
    """The match with what is to be shown of its line."""
    begin = max(line, at - _SHOWN_BEFORE_BYTES)
    shown = passage_of(os.pread(file, _SHOWN_BYTES, begin), begin).text
    return Match(offset=line, match_offset=at, line=shown.split("\n", 1)[0].rstrip("\r"))
