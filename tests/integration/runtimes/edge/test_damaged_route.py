"""A route file that is damaged while Traefik follows it: the others lead on, and can be moved."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.route_file import render_route
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.kernel.artifacts import Route, Way
from headway.kernel.errors import InvalidInput
from tests.integration.runtimes.bench import Work, fetch
from tests.integration.runtimes.edge.test_edge import _route, _served_by, _up


async def test_a_file_that_is_torn_while_it_leads_keeps_no_other_route_from_being_moved(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    old, new = await _up(runtime, work, folder), await _up(runtime, work, folder)
    torn = dataclasses.replace(_route(old), application_id="app-2", app_name="torn", ways=(Way(host="torn.localhost"),))
    for route in (_route(old), torn):
        await edge.set_route(route)
        await edge.proven(route)
    file = folder / "edge/routes/app-2.yml"
    file.write_text(file.read_text()[:100])
    await edge.set_route(_route(new))
    await edge.proven(_route(new))
    assert _served_by(edge) == new.release_id
    assert await edge.route("app-2") is None
    assert fetch(edge._port, host="torn.localhost")[0] == 404, "nothing leads there until it is written again"
    await edge.set_route(torn)
    await edge.proven(torn)
    assert _served_by(edge, "torn.localhost") == old.release_id


def _refused(route: Route, edge: Edge) -> str:
    """A file as an earlier version wrote it, which we can read and Traefik cannot."""
    own = {"middlewares": {f"{route.app_name}.m": {"headers": {"customResponseHeaders": {"X-A": "LETTER"}}}}}
    text = render_route(dataclasses.replace(route, own=own), secret=edge._prober.secret, https=None)
    return text.replace("LETTER", "\\ud83d")


async def test_a_file_that_only_traefik_cannot_read_is_set_aside_and_the_others_move(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = await _up(runtime, work, folder), await _up(runtime, work, folder)
    bad = dataclasses.replace(_route(old), application_id="app-2", app_name="bad", ways=(Way(host="bad.localhost"),))
    for route in (_route(old), bad):
        await edge.set_route(route)
        await edge.proven(route)
    file = folder / "edge/routes/app-2.yml"
    text = _refused(bad, edge)
    file.write_text(text)
    await asyncio.sleep(1.5)
    await edge.set_route(_route(new))
    begun = time.monotonic()
    await edge.proven(_route(new))
    print(f"the route was seen after {time.monotonic() - begun:.3f} s")
    assert _served_by(edge) == new.release_id
    assert not file.exists()
    assert (folder / "edge/app-2.yml.bad").exists()
    assert "set aside" in caplog.text
    with pytest.raises(InvalidInput, match="Traefik cannot read"):
        edge._files.write("app-2", text)
    await edge.set_route(bad)
    await edge.proven(bad)


async def test_the_looks_alone_set_aside_what_traefik_cannot_read(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    old, new = await _up(runtime, work, folder), await _up(runtime, work, folder)
    bad = dataclasses.replace(_route(old), application_id="app-2", app_name="bad", ways=(Way(host="bad.localhost"),))
    await edge.set_route(_route(old))
    await edge.proven(_route(old))
    (folder / "edge/routes/app-2.yml").write_text(_refused(bad, edge))
    await edge.set_route(_route(new))
    for _ in range(4):
        await asyncio.sleep(1.2)
        await edge.look()
    assert await edge.routes() == {"app-1": _route(new)}
    assert _served_by(edge) == new.release_id


async def test_one_that_begins_sets_aside_what_it_cannot_read(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    old = await _up(runtime, work, folder)
    await edge.set_route(_route(old))
    await edge.proven(_route(old))
    await edge.shut_down()
    for name in ("app-2", "app-3"):
        bad = dataclasses.replace(
            _route(old), application_id=name, app_name=name, ways=(Way(host=f"{name}.localhost"),)
        )
        (folder / f"edge/routes/{name}.yml").write_text(_refused(bad, edge))
    begun = time.monotonic()
    await edge.ensure()
    assert time.monotonic() - begun < 8
    assert _served_by(edge) == old.release_id
    assert await edge.routes() == {"app-1": _route(old)}
