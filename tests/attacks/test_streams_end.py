"""Whoever listens is sent away when the key, its end date or the person's access is gone, whatever is listened to."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from headway.http.outlets import COME_BACK
from headway.http.server import Server
from tests.integration.http.serving import eventually, reader, served
from tests.integration.http.world import World, open_world

SECONDS = 2.0
Watch = Callable[[Server, str, Mapping[str, str]], Any]


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One in which nobody may follow more than three, and a container writes for ever."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "line\n"
            await asyncio.sleep(0.05)

    async def follow(*_: object, **__: object) -> AsyncIterator[str]:
        return endless()

    async with open_world(folder, HEADWAY_STREAMS_PER_PERSON="3", HEADWAY_KEYS_PER_PERSON="4") as opened:
        monkeypatch.setattr(type(opened.services.containers), "follow", follow)
        yield opened


async def heard(server: Server, key: str, row: Mapping[str, str], what: str) -> float:
    """Listens until it is sent away; for how long that was."""
    began = time.monotonic()
    if what in {"deployment.follow", "deployment.followLines", "deployment.wait"}:
        async with reader(server, key) as client:
            query = {"deploymentId": row["deploymentId"], "until": "ended", "seconds": "20"}
            async with client.stream("GET", f"/{what}", params=query) as answer:
                assert answer.status_code == 200, await answer.aread()
                try:
                    async for _ in answer.aiter_bytes():
                        pass
                except httpx.RemoteProtocolError:
                    pass
        return time.monotonic() - began
    asked = f"?logPath={row['logPath']}" if what == "listen-deployment" else "?containerId=abcdef123456"
    address = f"ws://127.0.0.1:{server.port}/{what}{asked}"
    async with connect(address, additional_headers={"x-api-key": key}, proxy=None) as connection:
        with suppress(ConnectionClosed):
            async for _ in connection:
                pass
    assert connection.close_code == COME_BACK
    return time.monotonic() - began


WHAT = ("deployment.follow", "deployment.followLines", "deployment.wait", "listen-deployment", "docker-container-logs")


async def running_row(world: World) -> Mapping[str, str]:
    """A deployment that goes on."""
    deployment_id = await world.deploy(await world.application())
    await world.claim()
    row: Mapping[str, str] = await world.get("deployment.one", deploymentId=deployment_id)
    return row


@pytest.mark.parametrize("what", WHAT)
async def test_a_key_that_ends_hears_no_more(world: World, what: str) -> None:
    row = await running_row(world)
    made = await world.post("user.createApiKey", name="short", expiresIn=2)
    async with served(world) as server, asyncio.timeout(10):
        assert await heard(server, made["key"], row, what) < 2 + SECONDS


@pytest.mark.parametrize("what", WHAT)
async def test_a_key_that_is_removed_hears_no_more(world: World, what: str) -> None:
    row = await running_row(world)
    made = await world.post("user.createApiKey", name="gone")
    async with served(world) as server, asyncio.timeout(10), asyncio.TaskGroup() as group:
        hearing = group.create_task(heard(server, made["key"], row, what))
        await asyncio.sleep(0.5)
        assert not hearing.done()
        began = time.monotonic()
        await world.post("user.deleteApiKey", apiKeyId=made["id"])
        await hearing
        assert time.monotonic() - began < SECONDS


async def test_nobody_listens_to_more_than_a_person_may(world: World) -> None:
    row = await running_row(world)
    owner = {"x-api-key": world.owner.headers["x-api-key"]}
    async with served(world) as server, AsyncExitStack() as stack:
        address = f"ws://127.0.0.1:{server.port}"
        query = f"/listen-deployment?logPath={row['logPath']}"
        for _ in range(3):
            await stack.enter_async_context(connect(f"{address}{query}", additional_headers=owner, proxy=None))
        await eventually(lambda: world.app.state.followed() == 3)
        for path in (query, "/docker-container-logs?containerId=abcdef123456"):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{address}{path}", additional_headers=owner, proxy=None)
            assert refused.value.response.status_code == 429
            assert "retry-after" in refused.value.response.headers
        answer = await world.owner.get("/deployment.follow", params={"deploymentId": row["deploymentId"]})
        assert (answer.status_code, "HEADWAY_STREAMS_PER_PERSON" in answer.text) == (429, True)


async def test_nobody_makes_more_keys_than_a_person_may(world: World) -> None:
    answers = [await world.owner.post("/user.createApiKey", json={"name": f"k{each}"}) for each in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 409, 409]
    assert "HEADWAY_KEYS_PER_PERSON" in answers[-1].text
