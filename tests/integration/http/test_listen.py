"""``/listen-deployment`` over a real WebSocket: the log and nothing but the log, for who may read it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from headway.http import streams
from headway.http.server import Server
from tests.integration.http.serving import eventually, served
from tests.integration.http.test_follow import running
from tests.integration.http.world import KEYS, World

OWNER: Mapping[str, str] = {"x-api-key": KEYS["owner"]}


@asynccontextmanager
async def listening(
    server: Server, headers: Mapping[str, str] = OWNER, **query: str
) -> AsyncIterator[ClientConnection]:
    address = f"ws://127.0.0.1:{server.port}/listen-deployment?{urlencode(query)}"
    async with connect(address, additional_headers=headers, proxy=None) as connection:
        yield connection


async def log_path(world: World, deployment_id: str) -> str:
    path: str = (await world.get("deployment.one", deploymentId=deployment_id))["logPath"]
    return path


async def all_of(connection: ClientConnection) -> tuple[str, int]:
    """Everything that came, and the code of the end."""
    text = ""
    async with asyncio.timeout(10):
        async for message in connection:  # which ends with the connection, and raises for a bad end
            assert isinstance(message, str)
            text += message
    assert connection.close_code is not None
    return text, connection.close_code


async def refused(server: Server, headers: Mapping[str, str] = OWNER, **query: str) -> tuple[int, object]:
    with pytest.raises(InvalidStatus) as refusal:
        async with listening(server, headers, **query):
            pass
    assert refusal.value.response.body is not None
    return refusal.value.response.status_code, json.loads(refusal.value.response.body)


async def test_an_ended_log_comes_whole_and_ends(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "one\ntwo ✅\n")
    async with served(world) as server:
        for headers in (OWNER, {"authorization": f"Bearer {KEYS['owner']}"}):
            for server_id in ({}, {"serverId": ""}, {"serverId": "null"}, {"serverId": "undefined"}):
                query = {"logPath": await log_path(world, deployment_id), **server_id}
                async with listening(server, headers, **query) as connection:
                    assert await all_of(connection) == ("one\ntwo ✅\n", 1000)


async def test_a_growing_log_comes_as_it_grows(world: World) -> None:
    lease, log = await running(world)
    async with (
        served(world) as server,
        listening(server, logPath=await log_path(world, lease.deployment_id)) as connection,
    ):
        log.write("first\n")
        assert await asyncio.wait_for(connection.recv(), 5) == "first\n"
        log.write("second\n")
        assert await asyncio.wait_for(connection.recv(), 5) == "second\n"
        await log.end(lease)
        assert await all_of(connection) == ("", 1000)


async def test_one_that_waits_is_listened_to_from_before_its_start(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with served(world) as server, listening(server, logPath=await log_path(world, deployment_id)) as connection:
        await world.post("deployment.cancel", deploymentId=deployment_id)
        assert (await all_of(connection))[1] == 1000


async def test_the_path_is_only_a_key(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "secret\n")
    path = await log_path(world, deployment_id)
    secret = world.platform.data_dir.logs / "foreign.log"
    secret.write_text("of nobody\n")
    async with served(world) as server:
        for wrong in (
            "",
            "/etc/passwd",
            str(secret),
            str(world.platform.data_dir.path / "owner.key"),
            f"/elsewhere/{deployment_id}.log",
            f"{path}.steps",
            path.replace("/logs/", "/logs/../logs/"),
            f"{path}\x00",
            deployment_id,
        ):
            status, body = await refused(server, logPath=wrong)
            assert (status, body["message"]) == (404, "Deployment not found"), wrong  # type: ignore[index]
        assert (await refused(server, logPath=path, serverId="another"))[0] == 404
        assert (await refused(server))[0] == 404


async def test_nobody_listens_to_what_is_not_his(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    path = await log_path(world, deployment_id)
    async with served(world) as server:
        assert await refused(server, {}, logPath=path) == (401, {"message": "Unauthorized"})
        assert await refused(server, {"x-api-key": "nope"}, logPath=path) == (401, {"message": "Unauthorized"})
        for name in ("member", "stranger"):
            assert (await refused(server, {"x-api-key": KEYS[name]}, logPath=path))[0] == 404


async def test_a_listener_who_leaves_is_forgotten(world: World) -> None:
    lease, _ = await running(world)
    async with served(world) as server:
        async with listening(server, logPath=await log_path(world, lease.deployment_id)):
            await eventually(lambda: world.app.state.followed() == 1)
        await eventually(lambda: world.app.state.followed() == 0)


async def test_a_panel_that_stops_sends_listeners_away_to_come_back(world: World) -> None:
    lease, log = await running(world)
    path = await log_path(world, lease.deployment_id)
    async with served(world) as server, listening(server, logPath=path) as connection:
        log.write("begun\n")
        assert await connection.recv() == "begun\n"
        server.stop()
        with pytest.raises(ConnectionClosedError):
            await all_of(connection)
        assert connection.close_code in {1012, 1013}


@pytest.mark.slow
async def test_who_takes_nothing_is_dropped_and_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(streams, "STUCK_SECONDS", 0.5)
    lease, log = await running(world)
    path = urlencode({"logPath": await log_path(world, lease.deployment_id)})
    async with served(world) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as lazy:
            lazy.sendall(
                f"GET /listen-deployment?{path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEYS['owner']}\r\n"
                "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
                "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            await eventually(lambda: world.app.state.followed() == 1)
            async with listening(server, logPath=await log_path(world, lease.deployment_id)) as busy:
                received = 0
                for _ in range(300):
                    log.write("x" * 65_535 + "\n")
                    while received < log._path.stat().st_size:
                        received += len(await asyncio.wait_for(busy.recv(), 5))
                await eventually(lambda: world.app.state.followed() == 1)


async def test_what_a_container_writes_comes_whole_in_few_messages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"line {number}\n" for number in range(60)]

    async def written() -> AsyncIterator[str]:
        for line in lines:
            yield line
            await asyncio.sleep(0.005)

    async def follow(*_: object, **__: object) -> AsyncIterator[str]:
        return written()

    monkeypatch.setattr(type(world.services.containers), "follow", follow)
    address = "/docker-container-logs?containerId=abcdef123456"
    async with served(world) as server:
        url = f"ws://127.0.0.1:{server.port}{address}"
        async with connect(url, additional_headers=OWNER, proxy=None) as connection:
            messages = [message async for message in connection]
    assert connection.close_code == 1000
    assert messages[0] == lines[0]
    assert "".join(map(str, messages)) == "".join(lines)
    assert len(messages) < len(lines) / 2
