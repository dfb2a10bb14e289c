"""What is read on of an engine's log: in pieces, and beside others who are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.drivers.runtimes.container.log_pieces import EngineLog
from headway.drivers.runtimes.contract.runtime import Behind, LinesAt, Piece
from headway.infra.docker.api import DockerApi, unix_socket

LINES = [f"{number} {'x' * 200}\n" for number in range(4_000)]


def kept(since: str) -> bytes:
    """What an engine keeps from a time on, as it tells it."""
    first = int(since.partition(".")[2] or 0)
    stamped = (f"2026-11-28T05:00:00.{at:09}Z {line}".encode() for at, line in enumerate(LINES) if at >= first)
    return b"".join(b"\1\0\0\0" + len(line).to_bytes(4, "big") + line for line in stamped)


async def test_a_long_log_comes_in_pieces_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = kept(asked.partition("since=")[2].partition(" ")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "engine.sock")
    log = EngineLog(api=DockerApi(unix_socket(str(tmp_path / "engine.sock"))), path="/containers/a/logs", id="a" * 64)
    threads = set[str]()

    def masked(text: str) -> str:
        threads.add("loop" if is_loop() else "thread")
        return text

    told, place, sizes = "", "another one's", list[int]()
    more = True
    while more:
        piece = await log.piece("web", Behind(places={"web": place}, tail=100), masked)
        told, place, more = told + piece.text, piece.place, piece.more
        sizes.append(len(piece.text))
        assert not piece.lost
    server.close()
    assert told == "".join(LINES)
    assert max(sizes) <= 256 << 10
    assert threads == {"thread"}


@dataclass
class Engine:
    """An engine that keeps the lines from one on, told in chunks as it comes to them; how much of it was taken."""

    socket: Path
    first: int = 0
    taken: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[EngineLog]:
        server = await asyncio.start_unix_server(self._answer, self.socket)
        try:
            yield EngineLog(api=DockerApi(unix_socket(str(self.socket))), path="/containers/a/logs", id="a" * 64)
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        since = asked.partition("since=")[2].partition(" ")[0]
        body = kept(f"0.{max(self.first, int(since.partition('.')[2] or 0)):09}")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(ConnectionError):
            for begin in range(0, len(body), 10_000):
                chunk = body[begin : begin + 10_000]
                writer.write(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
                await writer.drain()
                self.taken += len(chunk)
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        writer.close()


async def piece_behind(log: EngineLog, place: str, *, timed: bool = False) -> Piece:
    return await log.piece("web", Behind(places={"web": place}, tail=1, timed=timed), str)


async def test_no_more_is_read_than_a_piece_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "LINES", LINES * 10)
    engine = Engine(tmp_path / "engine.sock")
    async with engine.running() as log:
        piece = await piece_behind(log, "")
        assert (piece.more, piece.text.startswith("0 xxx"), len(piece.text) > 200_000) == (True, True, True)
        following = await piece_behind(log, piece.place)
    assert following.text.startswith(f"{piece.text.count(chr(10))} xxx")
    assert engine.taken < 4 << 20, "of 8 MiB that are kept, twice"


async def test_what_was_dropped_before_a_place_was_read_on_is_lost(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "engine.sock")
    async with engine.running() as log:
        place = (await piece_behind(log, "")).place
        assert not (await piece_behind(log, place)).lost
        engine.first = 2_500  # behind the place: as many lines are kept as were shown before, and others
        piece = await piece_behind(log, place)
    assert (piece.lost, piece.text.startswith("2500 ")) == (True, True)


async def test_an_engine_tells_when_each_line_came(tmp_path: Path) -> None:
    async with Engine(tmp_path / "engine.sock", first=3_998).running() as log:
        piece = await piece_behind(log, "", timed=True)
        untimed = await piece_behind(log, "")
    at = datetime(2026, 11, 28, 5, tzinfo=UTC)
    assert (piece.times, untimed.times) == ((LinesAt(lines=2, at=at),), ())


async def test_what_an_engine_broke_off_in_is_read_when_it_is_there(tmp_path: Path) -> None:
    body = kept("0.000003998")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:-50])
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "engine.sock")
    log = EngineLog(api=DockerApi(unix_socket(str(tmp_path / "engine.sock"))), path="/containers/a/logs", id="a" * 64)
    assert (await piece_behind(log, "")).text == LINES[3_998]
    server.close()


def is_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
