"""The edge where nobody keeps it up but a process of its own, as on a server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from headway.drivers.edge import edge as edges
from headway.drivers.edge.edge import Edge, EdgeBroken
from headway.drivers.edge.traefik import Https
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


@pytest.mark.parametrize("alone", [True, False])
async def test_a_route_of_which_traefik_does_not_hear_is_read_all_the_same(folder: Path, *, alone: bool) -> None:
    edge = Edge(folder / "edge", host="127.0.0.1", port=free_port(), alone=alone, accounts=EDGE_ACCOUNTS)
    try:
        await edge.set_route(route("first"))
        await edge.taken_up(route("first"))
        started = traefik_of(folder)
        routes = folder / "edge" / "routes"  # it follows the folder that it began with, and no other of that name
        routes.rename(folder / "edge" / "before")
        subprocess.run(["cp", "-a", str(folder / "edge" / "before"), str(routes)], check=True)
        await edge.set_route(route("second"))
        await edge.taken_up(route("second"))
        assert traefik_of(folder) == started
    finally:
        await edge.shut_down()


@pytest.mark.parametrize("alone", [True, False])
async def test_where_traefik_could_not_begin_to_follow_its_routes_it_is_started_anew(
    folder: Path, *, alone: bool
) -> None:
    edge = Edge(folder / "edge", host="127.0.0.1", port=free_port(), alone=alone, accounts=EDGE_ACCOUNTS)
    gone = folder / "edge" / "routes" / "gone.yml"  # what it cannot follow, as what goes while it begins
    gone.parent.mkdir(parents=True)
    gone.symlink_to("nowhere")
    try:
        await edge.ensure()
        await asyncio.sleep(0.5)
        gone.unlink()
        await edge.set_route(route("first"))
        await edge.taken_up(route("first"))
    finally:
        await edge.shut_down()


async def test_what_takes_the_place_of_another_and_cannot_begin_to_follow_is_waited_for_no_longer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "_START_SECONDS", 6.0)
    port, gone = free_port(), folder / "edge" / "routes" / "gone.yml"
    edge = Edge(folder / "edge", host="127.0.0.1", port=port, accounts=EDGE_ACCOUNTS)
    try:
        await edge.set_route(route("first"))
        await edge.taken_up(route("first"))
        gone.symlink_to("nowhere")
        following = Edge(
            folder / "edge", host="127.0.0.1", port=port, https=Https(port=free_port()), accounts=EDGE_ACCOUNTS
        )
        async with asyncio.timeout(30):
            await following.ensure()
        gone.unlink()
        await following.taken_up(route("first"))
    finally:
        await edge.shut_down()


def route(application_id: str) -> Route:
    ways, upstreams = (Way(host=f"{application_id}.localhost"),), (Upstream(port=1),)
    return Route(application_id=application_id, app_name=application_id, release_id="r", ways=ways, upstreams=upstreams)


def fetches(port: int) -> bool:
    with contextlib.suppress(OSError):
        return fetch(port, host=HOST)[0] > 0
    return False


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
