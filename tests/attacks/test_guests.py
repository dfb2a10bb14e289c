"""What whoever has no key may send to operations that need none: little, few at a time, and read once."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from headway.http import slow_reader
from headway.http.bodies import MOST_GUEST_BYTES
from headway.http.trpc import MOST_CALLS
from tests.integration.http.serving import eventually, reader, served
from tests.integration.http.world import World, open_world
from tests.support.panel.bounds import P99_SECONDS, connected, heard, said, watched
from tests.support.panel.panel import Panel, panel

pytestmark = pytest.mark.slow

OPEN = "organization.acceptInvitation"
BATCH = f"/api/trpc/{','.join([OPEN] * MOST_CALLS)}?batch=1"
MANY = b'{"x":[' + b"[]," * 340_000 + b"[]]}"
JSON = {"content-type": "application/json"}
SLOW = (
    "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n"
    "Connection: close\r\nX-Forwarded-For: {}\r\n\r\n{{"
)
VISITOR, ANOTHER = "192.0.2.7", "192.0.2.8"
TOO_LARGE = 413


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("guests") / "data") as started:
        yield started


@pytest.mark.parametrize("path", [f"/api/{OPEN}", f"/api/trpc/{OPEN}", BATCH])
def test_a_large_body_is_not_read(running: Panel, path: str) -> None:
    with watched(running) as cost:
        answer = httpx.post(f"http://127.0.0.1:{running.port}{path}", content=MANY, headers=JSON, timeout=60)
    assert answer.status_code == TOO_LARGE
    assert f"larger than {MOST_GUEST_BYTES >> 10} KiB" in answer.text
    assert cost.p99 < P99_SECONDS
    assert max(cost.waits) < 1


def test_a_batch_of_a_key_is_parsed_once(running: Panel) -> None:
    """Each of its calls had read all of it anew."""
    path = f"/trpc/{','.join(['project.create'] * MOST_CALLS)}?batch=1"
    with watched(running) as cost:
        answer = running.client.post(path, content=MANY, headers=JSON)
    assert answer.status_code == 400
    assert len(answer.json()) == MOST_CALLS
    assert max(cost.waits) < 0.5


@pytest.mark.parametrize("path", [f"/api/{OPEN}", BATCH])
def test_bodies_that_do_not_come_take_seats_of_their_place_only(running: Panel, path: str) -> None:
    with contextlib.ExitStack() as stack, watched(running) as cost:
        slow = [stack.enter_context(connected(running.port)) for _ in range(60)]
        for each in slow:
            said(each, SLOW.format(path, VISITOR).encode())
        time.sleep(2)  # so long nobody of the place waits for a seat
        assert asked(running, VISITOR) == 503
        assert asked(running, ANOTHER) == 404
        refused = sum(b" 503 " in heard(each).partition(b"\r\n")[0] for each in slow[-5:])
    assert refused == 5
    assert cost.p99 < P99_SECONDS


def test_the_page_is_made_beside_what_others_ask(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as fresh, watched(fresh) as cost:
        time.sleep(0.5)
        answer = httpx.get(f"http://127.0.0.1:{fresh.port}/api/docs", timeout=60)
    assert answer.status_code == 200
    assert max(cost.waits) < 0.5
    assert cost.p99 < P99_SECONDS


def test_who_takes_nothing_of_the_page_holds_little(running: Panel) -> None:
    httpx.get(f"http://127.0.0.1:{running.port}/api/docs", timeout=60)  # it is there from now on
    with contextlib.ExitStack() as stack, watched(running) as cost:
        for _ in range(100):
            each = stack.enter_context(narrow())
            each.connect(("127.0.0.1", running.port))
            each.sendall(b"GET /api/docs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(3)
        held = cost.grown_mib + unsent_mib(running.port)
    assert held < 48, "of a hundred, 64 have a seat; what waits for each is half a MiB, here and in the kernel"
    assert cost.p99 < P99_SECONDS


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def test_who_takes_a_byte_now_and_then_is_sent_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_reader, "STUCK_SECONDS", 0.5)
    async with served(world) as server, reader(server) as client:
        await client.get("/docs")  # it is there from now on
        with narrow() as slow:
            slow.settimeout(20)
            slow.connect(("127.0.0.1", server.port))
            slow.sendall(b"GET /api/docs HTTP/1.1\r\nHost: localhost\r\n\r\n")
            taking = asyncio.create_task(asyncio.to_thread(taken_slowly, slow))
            connections = server._uvicorn.server_state.connections
            await eventually(lambda: len(connections) == 2)
            await eventually(lambda: len(connections) == 1, 8)
            await taking


def taken_slowly(connection: socket.socket) -> None:
    """Some 5 KB each second, for so long."""
    for _ in range(50):
        assert connection.recv(1_000)
        time.sleep(0.2)


def unsent_mib(port: int) -> float:
    """What the kernel holds of answers from a port that nobody takes."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(each[4].partition(":")[0], 16) for each in rows if each[1].endswith(f":{port:04X}")) / (1 << 20)


def narrow() -> socket.socket:
    """One that takes little before it is read from."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    return made


def asked(running: Panel, visitor: str) -> int:
    """With which status an invitation is answered that there is not."""
    headers = {"x-forwarded-for": visitor}
    body = {"token": "t" * 40}
    return httpx.post(f"http://127.0.0.1:{running.port}/api/{OPEN}", json=body, headers=headers).status_code
