"""What a user has in a text keeps nobody's route from being followed, whatever letters it is of."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

from headway.drivers.edge.edge import Edge
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.features.edge.middlewares_model import new_login
from headway.kernel.artifacts import Way
from headway.kernel.secret import Secret
from tests.integration.runtimes.bench import Work
from tests.integration.runtimes.edge.test_edge import HOST, _raw, _route, _served_by, _up

NAME, PASSWORD = "me\U0001f600", "pass"


async def test_a_login_with_an_emoji_and_a_long_path_hold_up_nobody(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    old, new = await _up(runtime, work, folder), await _up(runtime, work, folder)
    other = dataclasses.replace(
        _route(old), application_id="app-2", app_name="other", ways=(Way(host="other.localhost"),)
    )
    far = dataclasses.replace(
        other, application_id="app-3", app_name="far", ways=(Way(host="far.localhost", path=f"/{'a' * 1023}"),)
    )
    locked = dataclasses.replace(_route(new), logins=(new_login(NAME, Secret(PASSWORD)),))
    for route in (locked, far, other):
        await edge.set_route(route)
        await edge.proven(route)
    assert _served_by(edge, "other.localhost") == old.release_id
    assert _served_by(edge, "far.localhost", f"/{'a' * 1023}") == old.release_id
    said = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    assert "401" in (await _raw(edge._port, {"Host": HOST}))[0].partition("\r\n")[0]
    assert new.release_id in (await _raw(edge._port, {"Host": HOST, "Authorization": f"Basic {said}"}))[1]
    await edge.shut_down()
    await edge.ensure()
    await edge.proven(other)
