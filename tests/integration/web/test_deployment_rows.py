"""Rows of deployments on the pages of what they are of: ended from there, beside their usual time, as in the list."""

from __future__ import annotations

import re

import pytest

from tests.integration.http.test_deployment_history import done
from tests.integration.http.test_service_pages import runs as every_process_runs
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in
from tests.integration.web.test_pages import _ids

runs = every_process_runs


def _row(page: str, deployment_id: str) -> str:
    _, found, rest = page.partition(f'id="row-{deployment_id}"')
    assert found, "its row is there"
    return rest.partition("</tr>")[0]


def _offers(row: str, deployment_id: str) -> list[str]:
    return re.findall(rf'href="/deployments/{deployment_id}/(\w+)"', row)


@pytest.mark.usefixtures("runs")
async def test_a_service_ends_what_is_under_way_from_its_row_and_shows_bars(world: World) -> None:
    service_id, *_ = await serving(world)
    await done(world, service_id, [60] * 5)
    deployment_id = await world.deploy(service_id)
    await world.claim()
    async with signed_in(world) as client:
        listed = (await client.get(f"/deployments?type=application&id={service_id}")).text
        for path in (f"/services/{service_id}", f"/services/{service_id}/-/deployments"):
            row = _row((await client.get(path)).text, deployment_id)
            assert _offers(row, deployment_id) == ["cancel", "kill"], path
            assert 'class="usual"' in row, path
            assert _offers(_row(listed, deployment_id), deployment_id) == ["cancel", "kill"]
        page = (await client.get(f"/services/{service_id}")).text
        strip = (await client.get(f"/services/{service_id}/-/strip")).text
    assert f'data-pull="/services/{service_id}/-/strip?' in page
    assert f'data-topic="service:{service_id}"' in strip
    assert '<figure class="strip">' in strip


async def test_a_service_that_was_never_deployed_has_no_bars(world: World) -> None:
    service_id = await world.application("new")
    async with signed_in(world) as client:
        assert 'id="part-strip"' not in (await client.get(f"/services/{service_id}")).text


async def test_schedules_backups_previews_and_servers_end_their_runs_from_the_row(world: World) -> None:
    ids = await _ids(world)
    of = {name: ids[f"{{{name}}}"] for name in ("scheduleId", "serverId", "backupId", "previewDeploymentId")}
    things = {
        f"/schedules/{of['scheduleId']}": ("schedule.runManually", {"scheduleId": of["scheduleId"]}),
        f"/servers/{of['serverId']}": ("server.setup", {"serverId": of["serverId"]}),
        f"/backups/{of['backupId']}": ("volumeBackups.runManually", {"volumeBackupId": of["backupId"]}),
        f"/previews/{of['previewDeploymentId']}": (
            "previewDeployment.redeploy",
            {"previewDeploymentId": of["previewDeploymentId"]},
        ),
    }
    async with signed_in(world) as client:
        for path, (operation, given) in things.items():
            answer = await world.owner.post(f"/{operation}", json=given)
            assert answer.status_code == 200, answer.text
            deployment_id = answer.headers["x-deployment-id"]
            assert "cancel" in _offers(_row((await client.get(path)).text, deployment_id), deployment_id), path
