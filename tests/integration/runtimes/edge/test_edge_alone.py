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
from headway.drivers.edge.edge import Edge
from headway.drivers.edge.entrances import EdgeBroken
from headway.drivers.edge.traefik import Https
from headway.infra.hosts.wheel_programs import beside_python
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
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> None:
    monkeypatch.setattr(edges, "_READING_SECONDS", 0.5)
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
    monkeypatch.setattr(edges, "_READING_SECONDS", 0.5)
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


async def test_where_traefik_came_back_and_follows_nothing_that_is_seen(folder: Path) -> None:
    edge = Edge(folder / "edge", host="127.0.0.1", port=free_port(), alone=True, accounts=EDGE_ACCOUNTS)
    gone = folder / "edge" / "routes" / "gone.yml"
    try:
        await edge.set_route(route("first"))
        await edge.taken_up(route("first"))
        gone.symlink_to("nowhere")
        killed = traefik_of(folder)
        kill(killed)
        await until(lambda: traefik_of(folder) not in {None, killed})
        await until(lambda: fetches(edge._port))
        gone.unlink()
        for _ in range(2):
            await edge.watch()
        await until(lambda: status(edge) == 502)
    finally:
        await edge.shut_down()


@pytest.mark.parametrize("alone", [True, False])
async def test_it_is_there_once_it_has_read_its_routes(folder: Path, *, alone: bool) -> None:
    """What is written sooner could be undone by that first reading, which its threads send on in any order."""
    reading = SlowReading(folder)
    edge = reading.edge(free_port(), alone=alone)
    starting = asyncio.create_task(edge.ensure())
    try:
        await reading.begun(edge)
        await until(lambda: fetches(edge._port))
        await asyncio.wait({starting}, timeout=0.5)
        assert not starting.done(), "it answers, and has read nothing"
        reading.hide()
        reading.end()
        await starting
        await edge.set_route(route("first"))
        await edge.taken_up(route("first"))
    finally:
        await edge.shut_down()


async def test_a_route_that_an_earlier_reading_undoes_is_read_again(folder: Path) -> None:
    """A Traefik begins and is slow to read its folder; meanwhile another process writes a route, of which it hears."""
    reading = SlowReading(folder)
    edge, other = (reading.edge(port, alone=True) for port in [free_port()] * 2)
    starting = asyncio.create_task(edge.ensure())
    try:
        await reading.begun(edge)
        await until(lambda: fetches(edge._port))
        reading.hide()
        await other.set_route(route("first"))
        await asyncio.sleep(1.0)
        reading.end()
        await starting
        await until(lambda: status(edge) == 404)
        await edge.watch()
        await until(lambda: status(edge) == 502)
    finally:
        await edge.shut_down()


class SlowReading:
    """The first reading of its folder by a Traefik: it ends when we say so, for one of the files is a pipe."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._pipe = folder, folder / "edge" / "routes" / "slow.toml"
        self._writer: int | None = None

    def edge(self, port: int, *, alone: bool) -> Edge:
        """One whose Traefik waits until the pipe is there: what is there before it starts is set aside."""
        program = self._folder / "traefik"
        wait = f"until [ -p {self._pipe} ]; do sleep 0.01; done"
        program.write_text(f'#!/bin/sh\n{wait}\nexec {beside_python("traefik")} "$@"\n')
        program.chmod(0o755)
        return Edge(
            self._folder / "edge", host="127.0.0.1", port=port, traefik=program, alone=alone, accounts=EDGE_ACCOUNTS
        )

    async def begun(self, edge: Edge) -> None:
        """Returns once Traefik reads the pipe."""
        await until(lambda: edge.pid() is not None)
        os.mkfifo(self._pipe)
        self._pipe.chmod(0o644)
        await until(self._is_read)

    def hide(self) -> None:
        """From whoever reads the folder later."""
        self._pipe.unlink()

    def end(self) -> None:
        assert self._writer is not None
        os.close(self._writer)

    def _is_read(self) -> bool:
        with contextlib.suppress(OSError):
            self._writer = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        return self._writer is not None


def route(application_id: str) -> Route:
    ways, upstreams = (Way(host=f"{application_id}.localhost"),), (Upstream(port=1),)
    return Route(application_id=application_id, app_name=application_id, release_id="r", ways=ways, upstreams=upstreams)


def status(edge: Edge) -> int:
    """What it answers for the first application; 0 where it does not, as between one Traefik and the next."""
    with contextlib.suppress(OSError):
        return fetch(edge._port, host="first.localhost")[0]
    return 0


def fetches(port: int) -> bool:
    with contextlib.suppress(OSError):
        return fetch(port, host=HOST)[0] > 0
    return False


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
