"""What is read out of a stream of events, however it was cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.sse import Event, EventReader

STREAM = (
    b": heartbeat\n\n"
    b'id: 6\nevent: log\ndata: "h\xc3\xa9llo"\n\n'
    b'event: step\r\ndata: {"name":"build"}\r\n\r\n'
    b"data:one\rdata: two\r\r"
    b"retry: 5\nid: 9\n\n"
    b"event: end\ndata: {}\n\n"
    b'id: 12\nevent: log\ndata: "never finished'
)
EVENTS = [
    Event(kind="log", data='"héllo"', id="6"),
    Event(kind="step", data='{"name":"build"}', id=None),
    Event(kind="message", data="one\ntwo", id=None),
    Event(kind="end", data="{}", id=None),
]


def read(pieces: list[bytes]) -> list[Event]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def test_a_stream_in_one_piece() -> None:
    assert read([STREAM]) == EVENTS


def test_a_stream_byte_by_byte() -> None:
    assert read([bytes([byte]) for byte in STREAM]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_a_stream_cut_anywhere(cuts: list[int]) -> None:
    bounds = [0, *cuts, len(STREAM)]
    assert read([STREAM[start:end] for start, end in itertools.pairwise(bounds)]) == EVENTS


@pytest.mark.parametrize("character", ["\u2028", "\x0b", "\x85", "\x1c"])
def test_only_line_ends_end_lines(character: str) -> None:
    data = f"a{character}b"
    assert read([f"data: {data}\n\n".encode()]) == [Event(kind="message", data=data, id=None)]
