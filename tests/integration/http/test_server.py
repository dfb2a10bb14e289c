"""Serving on a socket: inside a running event loop, stopped in time, and clear about an address that it cannot have."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time

import pytest

from headway.http.bodies import MOST_BODY_BYTES
from headway.http.server import CannotListen, Server
from tests.integration.http.serving import events, eventually, reader, served
from tests.integration.http.world import World


async def test_it_answers_and_says_nothing_of_what_it_is_made_of(world: World) -> None:
    async with served(world) as server, reader(server) as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert "server" not in answer.headers


async def test_it_stops_although_somebody_follows(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    kinds: list[str] = []
    async with served(world) as server, reader(server) as client:

        async def follow() -> None:
            kinds.extend([event.kind async for event in events(client, deployment_id)])

        async with asyncio.TaskGroup() as group:
            following = [group.create_task(follow()) for _ in range(20)]
            await eventually(lambda: world.app.state.followed() == len(following))
            began = time.monotonic()
            server.stop()
    assert time.monotonic() - began < 20, "who follows for ever is not waited for"
    assert "end" not in kinds  # they are to come back


async def test_stop_may_come_before_the_start_and_again(world: World) -> None:
    server = Server(world.app, "127.0.0.1", 0)
    server.stop()
    server.stop()
    async with asyncio.timeout(5):
        await server.run()


async def test_cancelled_it_stops_in_order(world: World) -> None:
    server = Server(world.app, "127.0.0.1", 0)
    await server.start()
    running = asyncio.create_task(server.run())
    async with reader(server) as client:
        assert (await client.get("/health")).status_code == 200
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


async def test_signals_are_left_to_whoever_runs_the_loop(world: World) -> None:
    came = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, came.set)
    try:
        async with served(world) as server, reader(server) as client:
            assert (await client.get("/health")).status_code == 200
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(5):
                await came.wait()
            assert (await client.get("/health")).status_code == 200
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_a_taken_port_is_named_with_the_way_out(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127\.0\.0\.1, port {port}: another program does.*HEADWAY_PORT"):
            await Server(world.app, "127.0.0.1", port).start()


async def test_an_address_of_another_machine_is_refused(world: World) -> None:
    with pytest.raises(CannotListen, match="no such address"):
        await Server(world.app, "192.0.2.1", 0).start()


async def test_whoever_sends_too_much_hears_why(world: World) -> None:
    async with served(world) as server, reader(server) as client:
        answer = await client.post(
            "/project.create", content=b"x" * (8 * MOST_BODY_BYTES), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
        assert (await client.get("/health")).status_code == 200
