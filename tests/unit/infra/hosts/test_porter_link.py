"""Whoever writes to a socket of a server waits while that takes nothing, or while the way there is full."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from headway.infra.hosts import porter
from headway.infra.hosts.porter_link import Porter
from headway.infra.hosts.wire import frame

PIECE = bytes(64 << 10)
NEXT = 0.05  # in which nothing is to happen


class Way:
    """As much of a channel of SSH as a session asks of it."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data


@asynccontextmanager
async def written_to(link: Porter, way: Way) -> AsyncIterator[asyncio.StreamWriter]:
    """What writes to a socket of the server, which has answered that it is connected."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    connecting = asyncio.create_task(link.connect("/run", "socket", protocol, 5))
    async with asyncio.timeout(5):
        while not way.sent:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
    link.data_received(frame(["1", "ok", "7"]), None)
    writer = asyncio.StreamWriter(await connecting, protocol, reader, asyncio.get_running_loop())
    yield writer
    writer.close()


async def is_held_up(writer: asyncio.StreamWriter) -> bool:
    """Whether more is to be written only later."""
    with suppress(TimeoutError):
        async with asyncio.timeout(NEXT):
            await writer.drain()
            return False
    return True


async def test_who_writes_waits_while_the_way_or_the_socket_has_no_room() -> None:
    link, way = Porter(), Way()
    channel: Any = way
    link.connection_made(channel)
    async with written_to(link, way) as writer:
        assert not await is_held_up(writer)
        link.pause_writing()
        link.data_received(frame(["", "rest", "7"]), None)
        assert await is_held_up(writer)
        link.resume_writing()
        assert await is_held_up(writer), "the socket has no room yet"
        link.data_received(frame(["", "go_on", "7"]), None)
        assert not await is_held_up(writer)
        writer.write(b"more")
        assert way.sent.endswith(frame(["", "to", "7", b"more"]))


async def test_one_that_is_connected_while_the_way_is_full_waits_too() -> None:
    link, way = Porter(), Way()
    channel: Any = way
    link.connection_made(channel)
    link.pause_writing()
    async with written_to(link, way) as writer:
        assert await is_held_up(writer)
        link.resume_writing()
        assert not await is_held_up(writer)


async def test_a_porter_says_of_a_socket_that_it_takes_nothing_and_that_it_goes_on(tmp_path: Path) -> None:
    program, taking = tmp_path / "porter.pl", asyncio.Event()
    program.write_bytes(porter.program())

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await taking.wait()
        while await reader.read(len(PIECE)):
            pass
        writer.close()

    async with await asyncio.start_unix_server(take, tmp_path / "s"):
        pipe = asyncio.subprocess.PIPE
        perl = await asyncio.create_subprocess_exec(
            "perl", "-w", program, stdin=pipe, stdout=pipe, env={"PATH": os.defpath}
        )
        assert perl.stdin is not None
        assert perl.stdout is not None
        try:
            async with asyncio.timeout(20):
                perl.stdin.write(frame(["1", "link", str(tmp_path), "s"]))
                assert await perl.stdout.readexactly(len(connected := frame(["1", "ok", "1"]))) == connected
                for _ in range(40):
                    perl.stdin.write(frame(["", "to", "1", PIECE]))
                assert await perl.stdout.readexactly(len(rest := frame(["", "rest", "1"]))) == rest
                taking.set()
                assert await perl.stdout.readexactly(len(go_on := frame(["", "go_on", "1"]))) == go_on
                perl.stdin.close()
                await perl.wait()
        finally:
            with suppress(ProcessLookupError):
                perl.kill()
