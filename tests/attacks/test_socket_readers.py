"""Who listens over a WebSocket and reads nothing holds little, and not for long."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from headway.http import slow_reader
from headway.http.server import BoundedWebSocket, Server
from tests.attacks.test_guests import narrow
from tests.integration.http.serving import eventually, served
from tests.integration.http.test_follow import running
from tests.integration.http.test_listen import log_path
from tests.integration.http.world import KEYS, World, open_world

PING = b"\x89\xfd\0\0\0\0" + b"p" * 125  # masked by nothing
FLOOD = PING * 64_000  # some 8 MiB


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def test_pings_are_not_answered_while_nobody_takes_the_answers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, _ = await running(world)
    path = await log_path(world, lease.deployment_id)
    async with served(world) as server:
        with narrow() as deaf:
            await asyncio.to_thread(listen, deaf, server.port, path)
            await eventually(lambda: len(open_sockets(server)) == 1)
            (there,) = open_sockets(server)
            await asyncio.to_thread(deaf.sendall, FLOOD)
            assert there.transport.get_write_buffer_size() < 1 << 20
            monkeypatch.setattr(slow_reader, "STUCK_SECONDS", 0.3)
            there._cut.stop()  # so that it looks at the shorter times
            there._cut.begin()
            await eventually(lambda: not open_sockets(server))


async def test_who_is_sent_away_is_cut_off_although_nothing_was_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_reader, "STUCK_SECONDS", 0.3)
    lease, _ = await running(world)
    path = await log_path(world, lease.deployment_id)
    async with served(world) as server:
        with narrow() as deaf:
            await asyncio.to_thread(listen, deaf, server.port, path)
            await eventually(lambda: len(open_sockets(server)) == 1)
            (there,) = open_sockets(server)
            while there.writable.is_set():
                there.transport.write(b"x" * 65_536)
            there.keepalive_timeout()
            await eventually(lambda: not open_sockets(server))


def open_sockets(server: Server) -> list[BoundedWebSocket]:
    connections = server._uvicorn.server_state.connections
    return [each for each in connections if isinstance(each, BoundedWebSocket)]


def listen(connection: socket.socket, port: int, path: str) -> None:
    """Opens it, and reads no more than that it is open."""
    connection.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /listen-deployment?{urlencode({'logPath': path})} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"x-api-key: {KEYS['owner']}\r\n\r\n".encode()
    )
    assert connection.recv(12) == b"HTTP/1.1 101"
