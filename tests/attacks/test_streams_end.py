"""Whoever listens is sent away when the key, its end date or the person's access is gone, whatever is listened to; also
where what is listened to has moved out of their sight.
"""

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

from headway.http import container_logs
from headway.http.outlets import COME_BACK
from headway.http.server import Server
from tests.integration.http.serving import eventually, reader, served
from tests.integration.http.world import KEYS, World, open_world

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
        await asyncio.sleep(0.05)  # as an engine takes
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


@pytest.mark.slow
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


@pytest.mark.parametrize("what", [each for each in WHAT if each != "deployment.wait"])  # which looks when it is told
async def test_who_may_not_see_where_a_service_moves_hears_no_more(
    world: World, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await running_row(world)
    application_id = row["applicationId"]
    container: Callable[..., Any] = type(world.services.containers).follow

    async def follow(*given: object, require: Callable[[str], None], **named: object) -> AsyncIterator[str]:
        require(application_id)  # as the real one does, where there is an engine
        endless: AsyncIterator[str] = await container(*given, **named)
        return endless

    monkeypatch.setattr(type(world.services.containers), "follow", follow)
    member_id = next(each["userId"] for each in await world.get("user.all") if each["user"]["name"] == "member")
    project_ids = [each["projectId"] for each in await world.get("project.all")]
    await world.post("user.assignPermissions", id=member_id, accessedProjects=project_ids)
    elsewhere = (await world.post("project.create", name="elsewhere"))["environment"]["environmentId"]
    async with served(world) as server, asyncio.timeout(20), asyncio.TaskGroup() as group:
        hers = group.create_task(heard(server, KEYS["member"], row, what))
        owners = group.create_task(heard(server, KEYS["owner"], row, what))
        await asyncio.sleep(0.5)
        assert not hers.done()
        began = time.monotonic()
        await world.post("application.update", applicationId=application_id, environmentId=elsewhere)
        await hers
        assert time.monotonic() - began < SECONDS
        assert not owners.done()
        owners.cancel()


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


@pytest.mark.parametrize("what", ["listen-deployment", "docker-container-logs"])
async def test_nor_by_asking_for_many_at_once(world: World, what: str) -> None:
    row = await running_row(world)
    owner = {"x-api-key": world.owner.headers["x-api-key"]}
    query = f"logPath={row['logPath']}" if what == "listen-deployment" else "containerId=abcdef123456"
    async with served(world) as server:
        address = f"ws://127.0.0.1:{server.port}/{what}?{query}"
        asked = (asyncio.create_task(opened(address, owner)) for _ in range(20))
        came = await asyncio.gather(*asked)
        try:
            assert sorted(each for each in came if isinstance(each, int)) == [429] * 17
        finally:
            for connection in came:
                if not isinstance(connection, int):
                    await connection.close()
        await eventually(lambda: world.app.state.followed() == 0)
        again = await opened(address, owner)
        assert not isinstance(again, int), "who was refused holds no place"
        await again.close()


async def test_nor_over_plain_http(world: World) -> None:
    row = await running_row(world)
    async with served(world) as server, AsyncExitStack() as stack, asyncio.timeout(20):
        client = await stack.enter_async_context(reader(server, world.owner.headers["x-api-key"]))

        async def status() -> tuple[int, str]:
            request = client.build_request("GET", "/deployment.follow", params={"deploymentId": row["deploymentId"]})
            answer = await client.send(request, stream=True)
            stack.push_async_callback(answer.aclose)
            return answer.status_code, "" if answer.status_code == 200 else (await answer.aread()).decode()

        came = sorted(await asyncio.gather(*(status() for _ in range(20))))
    assert [code for code, _ in came] == [200] * 3 + [429] * 17
    assert all("HEADWAY_STREAMS_PER_PERSON" in said for _, said in came[3:])


async def test_who_takes_nothing_of_a_container_is_sent_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def much() -> AsyncIterator[str]:
        while True:
            yield "x" * (1 << 20)
            await asyncio.sleep(0)

    async def follow(*_: object, **__: object) -> AsyncIterator[str]:
        return much()

    monkeypatch.setattr(type(world.services.containers), "follow", follow)
    monkeypatch.setattr(container_logs, "STUCK_SECONDS", 0.5)
    owner = {"x-api-key": world.owner.headers["x-api-key"]}
    async with served(world) as server, AsyncExitStack() as stack:
        address = f"ws://127.0.0.1:{server.port}/docker-container-logs?containerId=abcdef123456"
        for _ in range(3):
            stuck = await opened(address, owner)
            stack.callback(stuck.transport.abort)
        async with asyncio.timeout(10):
            while isinstance(again := await opened(address, owner), int):  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.1)
        again.transport.abort()


async def opened(address: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - of another package
    """A connection, or the status with which it is refused."""
    try:
        return await connect(address, additional_headers=headers, proxy=None)
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_nobody_makes_more_keys_than_a_person_may(world: World) -> None:
    answers = [await world.owner.post("/user.createApiKey", json={"name": f"k{each}"}) for each in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 409, 409]
    assert "HEADWAY_KEYS_PER_PERSON" in answers[-1].text
