"""Every occurrence of every pattern is found, wherever it lies."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.infra.logs.occurrences import Occurrences, Span

PATTERNS = st.lists(st.text("abc", min_size=4, max_size=20).map(str.encode), max_size=6)


@pytest.mark.parametrize("size", range(4, 40))
def test_a_pattern_of_any_size_is_found_at_every_place(size: int) -> None:
    pattern = random.Random(size).randbytes(size)
    index = Occurrences([pattern])
    for place in range(20):
        assert index.find(b"-" * place + pattern + b"-" * 3) == [Span(place, place + size)]


def test_patterns_are_found_on_both_sides_of_every_block() -> None:
    patterns = [b"0123456789abcdef", b"short", b"four"]
    buffer = b"".join(b"%d%b" % (n, b"." * (n % 7)) + patterns[n % 3] for n in range(3000))
    found = Occurrences(patterns).find(buffer)
    assert sorted(span.start for span in found) == [
        place for place in range(len(buffer)) if buffer.startswith(tuple(patterns), place)
    ]
    assert len(found) == 3000


@given(PATTERNS, st.text("abc", max_size=60).map(str.encode))
@settings(max_examples=500, deadline=None)
def test_all_that_a_plain_search_finds_is_found_once(patterns: list[bytes], buffer: bytes) -> None:
    found = Occurrences(patterns).find(buffer)
    assert sorted(found, key=lambda span: (span.start, span.end)) == [
        Span(start, end)
        for start in range(len(buffer))
        for end in range(start, len(buffer) + 1)
        if buffer[start:end] in patterns
    ]


@given(PATTERNS, st.text("abc", max_size=30).map(str.encode))
@settings(max_examples=500, deadline=None)
def test_a_tail_is_begun_where_a_longer_pattern_begins_with_it(patterns: list[bytes], buffer: bytes) -> None:
    assert Occurrences(patterns).begun(buffer) == [
        place
        for place in range(len(buffer))
        if any(len(pattern) > len(buffer) - place and pattern.startswith(buffer[place:]) for pattern in patterns)
    ]


def test_without_patterns_nothing_is_found() -> None:
    index = Occurrences([])
    assert (index.find(b"text"), index.begun(b"text"), index.longest) == ([], [], 0)
