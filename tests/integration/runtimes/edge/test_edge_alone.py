"""The edge where nobody keeps it up but a process of its own, as on a server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge, EdgeBroken
from headway.kernel.artifacts import Route, Upstream, Way
from tests.integration.runtimes.bench import EDGE_ACCOUNTS, fetch, free_port, traefik_of, until

HOST = "shop.localhost"


async def test_where_it_is_alone_it_comes_back_by_itself_and_says_how_it_ended(folder: Path) -> None:
    edge = Edge(folder / "edge", host="127.0.0.1", port=free_port(), alone=True, accounts=EDGE_ACCOUNTS)
    assert (await edge.watch(), edge.pid()) == ([], None), "it has no route"
    way, upstream = Way(host=HOST), Upstream(port=1)
    await edge.set_route(Route(application_id="a", app_name="a", release_id="r", ways=(way,), upstreams=(upstream,)))
    try:
        minder = edge.pid()
        following = Edge(folder / "edge", host="127.0.0.1", port=edge._port, alone=True, accounts=EDGE_ACCOUNTS)
        assert (await following.watch(), following.pid()) == ([], minder), "another panel, or version, takes it over"
        for _ in range(2):
            killed = traefik_of(folder)
            kill(killed)
            await until(lambda gone=killed: traefik_of(folder) not in {None, gone})  # type: ignore[misc]
            await until(lambda: fetches(edge._port))
        assert (edge.pid(), await edge.watch(), await edge.watch()) == (minder, ["SIGKILL", "SIGKILL"], [])

        kill(minder)
        await until(lambda: traefik_of(folder) is None)
        assert await edge.watch() == ["it was not there"]
        assert fetches(edge._port)
    finally:
        await edge.shut_down()
    assert traefik_of(folder) is None


async def test_where_it_is_alone_and_cannot_start_that_is_said_at_once(folder: Path) -> None:
    program = folder / "traefik"
    program.write_text("#!/bin/sh\necho error: no\nexit 3\n")
    program.chmod(0o755)
    edge = Edge(
        folder / "edge", host="127.0.0.1", port=free_port(), traefik=program, alone=True, accounts=EDGE_ACCOUNTS
    )
    async with asyncio.timeout(10):
        with pytest.raises(EdgeBroken, match="error: no"):
            await edge.ensure()
    assert edge.pid() is None


def fetches(port: int) -> bool:
    with contextlib.suppress(OSError):
        return fetch(port, host=HOST)[0] > 0
    return False


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
