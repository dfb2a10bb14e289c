"""Finds where any of many byte strings stands in a buffer, at a cost that hardly depends on how many there are."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import chain
from typing import NamedTuple

from headway.kernel.dataclass import dataclass

_BLOCK = 1024  # grams looked at in one call: large enough to cost nothing, small enough to leave few to look at twice
_FAR = 4096  # a pattern longer than this is very long
_END = 16
_KEPT = 48  # how far into a pattern its rarest gram is looked for


class Span(NamedTuple):
    """Where something stands in a buffer: from ``start`` up to and without ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Table:
    """What stands at every ``width``-th position of a buffer, from ``shift`` on, in any occurrence of a pattern: each
    gram with the patterns that hold it and the offset in them.
    """

    shift: int
    grams: frozenset[int]
    owners: dict[int, list[tuple[bytes, int]]] = field(repr=False)


class Occurrences:
    """An index of byte strings of at least four bytes each.

    A regular expression of hundreds of alternatives costs a microsecond a byte. Instead the buffer is read as a row of
    integers of four or eight bytes (grams), and whole blocks of it are compared with the set of those that any pattern
    must leave at one of these places.
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._sorted = sorted(set(patterns))
        self.longest = max(map(len, self._sorted), default=0)
        shortest = min(map(len, self._sorted), default=0)
        self._width = 8 if shortest >= 15 else 4
        self._tables = tuple(_tables(self._sorted, self._width))
        self._far = tuple(pattern for pattern in self._sorted if len(pattern) > _FAR)
        self._firsts = frozenset(pattern[:4] for pattern in self._sorted)

    def find(self, buffer: bytes) -> list[Span]:
        """Every occurrence of every pattern, in no order; they may overlap."""
        found = []
        for table in self._tables:
            for position, gram in self._hits(buffer, table):
                for pattern, offset in table.owners[gram]:
                    start = position - offset
                    if start >= 0 and buffer.startswith(pattern, start):
                        found.append(Span(start, start + len(pattern)))
        return found

    def begun(self, buffer: bytes) -> list[int]:
        """Every position, in order, from which the rest of the buffer is the beginning of a longer pattern."""
        size = len(buffer)
        edge = max(0, size - 3)
        return [
            position
            for position in range(max(0, size - self._reach(buffer)), size)
            if (position >= edge or buffer[position : position + 4] in self._firsts) and self._begins(buffer[position:])
        ]

    def _reach(self, buffer: bytes) -> int:
        """How many bytes a begun pattern can have at the end of the buffer. Most ends of buffers stand in none of the
        very long patterns, which spares a look at each of many thousand places.
        """
        if self.longest <= _FAR or not any(buffer[-_END:] in pattern for pattern in self._far):
            return min(self.longest - 1, _FAR)
        return self.longest - 1

    def _begins(self, rest: bytes) -> bool:
        """Whether a pattern longer than ``rest`` begins with it: then the next greater pattern does."""
        place = bisect_left(self._sorted, rest)
        if place < len(self._sorted) and self._sorted[place] == rest:
            place += 1
        return place < len(self._sorted) and self._sorted[place].startswith(rest)

    def _hits(self, buffer: bytes, table: _Table) -> Iterator[tuple[int, int]]:
        """The positions in the buffer, with the gram there, that need a closer look."""
        width, shift, grams = self._width, table.shift, table.grams
        if len(buffer) < shift + width or not grams:
            return
        row = _row(buffer, shift, width)
        for first in range(0, len(row), _BLOCK):
            block = row[first : first + _BLOCK]
            if grams.isdisjoint(block):
                continue
            for place, gram in enumerate(block, first):
                if gram in grams:
                    yield shift + place * width, gram


def _tables(patterns: Sequence[bytes], width: int) -> Iterator[_Table]:
    """One table where all patterns are long enough to hold a whole gram wherever they begin, more where they are not:
    five and six bytes hold one at every second position, four bytes only at their own.
    """
    long = [pattern for pattern in patterns if len(pattern) >= 2 * width - 1]
    shorter = [pattern for pattern in patterns if len(pattern) < 2 * width - 1]
    owners: dict[int, dict[int, list[tuple[bytes, int]]]] = {shift: {} for shift in range(width)}
    for gram, pattern, offset in _rarest(long, width):
        owners[0].setdefault(gram, []).append((pattern, offset))
    for pattern in shorter:
        shifts, offsets = (range(4), range(1)) if len(pattern) == 4 else (range(0, 4, 2), range(2))
        for shift in shifts:
            for offset in offsets:
                gram = int.from_bytes(pattern[offset : offset + width], sys.byteorder)
                owners[shift].setdefault(gram, []).append((pattern, offset))
    for shift, table in owners.items():
        if table:
            yield _Table(shift, frozenset(table), table)


def _rarest(patterns: Sequence[bytes], width: int) -> Iterator[tuple[int, bytes, int]]:
    """For each pattern and each of the ``width`` ways in which it can lie, the gram that it shares with the fewest
    others and that looks least like words, so that a text full of near misses costs no closer looks; and its offset. A
    run waits for this: where the first gram is nobody else's, the others are only counted.
    """
    heads = [pattern[: _KEPT + 2 * width] for pattern in patterns]
    ways = [[_row(head, lie, width).tolist() for lie in range(width)] for head in heads]
    seen: Counter[int] = Counter()
    for lies in ways:  # in one call for all no other thread would get its turn
        seen.update(chain.from_iterable(lies))
    for pattern, head, lies in zip(patterns, heads, ways, strict=True):
        for lie, grams in enumerate(lies):
            place = 0
            if seen[grams[0]] > 1 or _is_plain(head[lie : lie + width]):
                place = min(
                    (seen[gram], _is_plain(head[lie + at * width :][:width]), at) for at, gram in enumerate(grams)
                )[2]
            yield grams[place], pattern, lie + place * width


def _row(text: bytes, start: int, width: int) -> memoryview:
    """The grams of a text from a place on, one behind the other."""
    count = (len(text) - start) // width
    return memoryview(text)[start : start + count * width].cast("Q" if width == 8 else "I")


def _is_plain(gram: bytes) -> bool:
    return gram.islower() or gram.isspace()
