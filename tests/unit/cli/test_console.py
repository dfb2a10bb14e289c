"""A console whose reader has left, or whose output has no room: the panel is not what broke."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from headway.cli.console import Console
from headway.cli.target import Target
from headway.kernel.console_frames import Kind
from headway.kernel.errors import HeadwayError, Unavailable


@contextmanager
def writing(*pieces: bytes) -> Iterator[Target]:
    """A panel whose command writes these, and then nothing until it is left."""

    def speak(connection: ServerConnection) -> None:
        try:
            for piece in pieces:
                connection.send(piece)
            connection.recv(timeout=20)
            while True:
                connection.recv(timeout=20)
        except ConnectionClosed:
            pass

    with serve(speak, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Target(url=f"http://127.0.0.1:{server.socket.getsockname()[1]}", key=None, key_origin="nowhere")
        finally:
            server.shutdown()
            thread.join()


def hold(target: Target) -> None:
    Console(terminal=False, reads=False).hold(target, "/application-console")


def test_a_reader_that_has_left_is_no_broken_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    stream = io.TextIOWrapper(io.FileIO(writes, "w"), write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    with writing(Kind.OUTPUT.value + b"one\n") as target, pytest.raises(BrokenPipeError):
        hold(target)
    stream.close()


def test_an_output_without_room_is_no_broken_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    with io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with writing(Kind.OUTPUT.value + b"one\n") as target, pytest.raises(HeadwayError, match="No space") as told:
            hold(target)
    assert not isinstance(told.value, Unavailable)
    assert "panel" not in told.value.message


def test_a_panel_that_is_lost_is_told() -> None:
    target = Target(url="http://127.0.0.1:9", key=None, key_origin="nowhere")
    with pytest.raises(Unavailable, match="The connection to the panel broke"):
        hold(target)
