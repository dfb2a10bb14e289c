"""A route file that is damaged while Traefik follows it: the others lead on, and can be moved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from headway.drivers.edge.edge import Edge
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.kernel.artifacts import Way
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
