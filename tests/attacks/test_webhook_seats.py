"""Deliveries to nobody hold nothing: whose address it is is asked before anything is read or anybody takes a seat."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.http.world import World, open_world
from tests.support.panel.bounds import P99_SECONDS, connected, heard, said, watched
from tests.support.panel.panel import Panel, panel

pytestmark = pytest.mark.slow

CHUNKED = "POST /api/deploy/{} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n{}\r\n"
ANNOUNCED = "POST /api/deploy/{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2097152\r\n{}\r\n"
SIGNED = "X-Hub-Signature-256: sha256=00\r\n"
LARGE = json.dumps({"ref": "refs/heads/other", "pad": "x" * (3 << 20)})
PROXY = "127.0.0.1"
NOBODY = ("nobody", "compose/nobody", "github", "%67ithub", "compose/github")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("seats") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def tokens(running: Panel) -> list[str]:
    """Where some applications are told."""
    ids = [running.application("https://git.example/x.git", name=f"app{each}") for each in range(4)]
    return [running.get("application.one", applicationId=each)["refreshToken"] for each in ids]


def delivered(running: Panel, token: str) -> float:
    """How long a genuine delivery takes that is large."""
    began = time.monotonic()
    headers = {"content-type": "application/json", "x-github-event": "push"}
    answer = running.client.post(f"/deploy/{token}", content=LARGE, headers=headers)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began


def test_slow_deliveries_to_nobody_keep_no_other_waiting(running: Panel, tokens: list[str]) -> None:
    with contextlib.ExitStack() as stack:
        for form in (CHUNKED, ANNOUNCED):
            for name in NOBODY * 4:
                each = stack.enter_context(connected(running.port))
                each.sendall((form.format(name, SIGNED) + "1\r\na\r\n").encode())
        with watched(running) as cost:
            took = delivered(running, tokens[0])
    assert took < 30
    assert cost.p99 < P99_SECONDS


def test_nobody_is_told_before_anything_was_read(running: Panel) -> None:
    for name in NOBODY:
        with connected(running.port) as connection:
            connection.sendall(CHUNKED.format(name, SIGNED).encode())
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 404 "), name


def test_who_has_sent_little_of_much_has_no_seat(running: Panel, tokens: list[str]) -> None:
    with contextlib.ExitStack() as stack:
        for token in tokens[1:] * 3:
            each = stack.enter_context(connected(running.port))
            each.sendall(ANNOUNCED.format(token, "").encode() + b"x" * 1_000)
        assert delivered(running, tokens[0]) < 10


def test_who_has_a_seat_and_falls_silent_loses_it(running: Panel, tokens: list[str]) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(running.port)) for _ in tokens[1:]]
        for each, token in zip(slow, tokens[1:], strict=True):
            assert said(each, ANNOUNCED.format(token, "").encode() + b"x" * (1_200 << 10))
        time.sleep(0.3)
        assert delivered(running, tokens[0]) < 30
        assert all(heard(each).startswith(b"HTTP/1.1 408 ") for each in slow)


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def sent(
    world: World, address: str, token: str, body: str | AsyncIterator[bytes], behind: str | None = None
) -> int:
    """What a delivery from an address of the internet is answered, which a test on one machine has to say itself; it
    may come by way of a proxy.
    """
    headers = {"content-type": "application/json", "x-github-event": "push"}
    headers |= {} if behind is None else {"x-forwarded-for": behind}
    way = httpx.ASGITransport(world.app, client=(address, 4_000))
    async with httpx.AsyncClient(transport=way, base_url="http://localhost/api") as client:
        return (await client.post(f"/deploy/{token}", content=body, headers=headers)).status_code


async def tokens_of_both(world: World) -> tuple[list[str], str]:
    """Where services of one organisation are told, and where one of another's is."""
    ids = [await world.application(f"app{each}") for each in range(4)]
    mine = [(await world.get("application.one", applicationId=each))["refreshToken"] for each in ids]
    project = (await world.stranger.post("/project.create", json={"name": "theirs"})).json()
    given = {"name": "a", "environmentId": project["environment"]["environmentId"]}
    made = (await world.stranger.post("/application.create", json=given)).json()
    theirs = await world.stranger.get("/application.one", params={"applicationId": made["applicationId"]})
    return mine, theirs.json()["refreshToken"]


async def test_who_comes_from_one_address_does_not_take_every_seat(world: World) -> None:
    """With the tokens of services of its own, and as slowly as it is let."""
    tokens, theirs = await tokens_of_both(world)
    over, seated = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"[" + b" " * (1_200 << 10)
        seated.release()
        while not over.is_set():
            yield b" "
            await asyncio.sleep(0.1)
        yield b"]"

    slow = [asyncio.create_task(sent(world, "203.0.113.7", each, slowly())) for each in tokens[:2]]
    async with asyncio.timeout(20):
        for _ in slow:
            await seated.acquire()
    third = asyncio.create_task(sent(world, "203.0.113.7", tokens[2], LARGE))
    await asyncio.sleep(0.2)
    async with asyncio.timeout(10):
        assert await sent(world, "203.0.113.8", theirs, LARGE) == 200
    assert not third.done(), "its address has two seats"
    over.set()
    async with asyncio.timeout(20):
        assert await third == 200
        await asyncio.gather(*slow)


@pytest.mark.parametrize("size", [1_200 << 10, 10])
async def test_one_organisation_does_not_take_every_seat(world: World, size: int) -> None:
    """With as many services and from as many addresses as it likes; whoever of it comes too late waits."""
    tokens, theirs = await tokens_of_both(world)
    over, seated = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"[" + b" " * size
        seated.release()
        while not over.is_set():
            yield b" "
            await asyncio.sleep(0.1)
        yield b"]"

    is_large = size > 1 << 20
    places = [(f"203.0.113.{each}", tokens[each % len(tokens)]) for each in range(3 if is_large else 256)]
    slow = [asyncio.create_task(sent(world, *place, slowly())) for place in places]
    async with asyncio.timeout(20):
        for _ in range(2 if is_large else 128):
            await seated.acquire()
    await asyncio.sleep(0.5)
    assert seated.locked(), "nobody else of it is read"
    async with asyncio.timeout(10):
        assert await sent(world, "198.51.100.7", theirs, LARGE) == 200
    over.set()
    async with asyncio.timeout(20):
        assert {200} == set(await asyncio.gather(*slow))


async def test_who_comes_by_a_proxy_is_counted_by_their_own_address(world: World) -> None:
    tokens, theirs = await tokens_of_both(world)
    over, seated = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"[" + b" " * (1_200 << 10)
        seated.release()
        while not over.is_set():
            yield b" "
            await asyncio.sleep(0.1)
        yield b"]"

    slow = [asyncio.create_task(sent(world, PROXY, each, slowly(), "203.0.113.7")) for each in tokens[:2]]
    async with asyncio.timeout(20):
        for _ in slow:
            await seated.acquire()
    third = asyncio.create_task(sent(world, PROXY, theirs, LARGE, "203.0.113.7"))
    await asyncio.sleep(0.3)
    assert not third.done(), "its address has two seats"
    async with asyncio.timeout(10):
        assert await sent(world, PROXY, theirs, LARGE, "203.0.113.8") == 200
    over.set()
    async with asyncio.timeout(20):
        assert await third == 200
        await asyncio.gather(*slow)
