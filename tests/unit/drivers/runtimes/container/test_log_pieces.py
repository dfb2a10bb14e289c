"""What is read on of an engine's log: in pieces, and beside others who are answered meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway.drivers.runtimes.container.log_pieces import EngineLog
from headway.drivers.runtimes.contract.runtime import Behind
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


def is_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
