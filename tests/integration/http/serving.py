"""The HTTP face on a real socket, and a reader of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from headway.cli.sse import Event, EventReader
from headway.http.server import Server
from tests.integration.http.world import KEYS, World
from tests.support.panel.panel import PATIENCE


@asynccontextmanager
async def served(world: World) -> AsyncIterator[Server]:
    """The world's application on a free port of the loopback."""
    server = Server(world.app, "127.0.0.1", 0)
    await server.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        try:
            yield server
        finally:
            server.stop()


@asynccontextmanager
async def reader(server: Server, key: str = KEYS["owner"]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a served world."""
    base_url = f"http://127.0.0.1:{server.port}/api"
    headers = {"x-api-key": key, "accept-encoding": "identity"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=20, trust_env=False) as client:
        yield client


async def events(
    client: httpx.AsyncClient, deployment_id: str, last_event_id: str | None = None, start: int | None = None
) -> AsyncGenerator[Event, None]:
    """The events of one connection, to its end."""
    params = {"deploymentId": deployment_id} | ({} if start is None else {"from": str(start)})
    headers = {} if last_event_id is None else {"last-event-id": last_event_id}
    async with client.stream("GET", "/deployment.follow", params=params, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        parse = EventReader()
        async for piece in answer.aiter_bytes():
            for event in parse.feed(piece):
                yield event


async def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits for a fact; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.005)
