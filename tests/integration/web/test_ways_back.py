"""The way back to an earlier release: where there is one it is one click away, and nowhere else."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from headway.features.services.model import ReleaseState
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import downtimes, releases, services
from headway.infra.db.transaction import Tx
from tests.integration.http.test_service_pages import runs as every_process_runs
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in

runs = every_process_runs


async def _later(world: World) -> tuple[str, str, str, str]:
    """An application whose second release serves: it, its first release, the deployment of the second, that."""
    application, _, first = await serving(world)
    deployment = await world.ended(application)
    second = await world.kept(application, deployment_id=deployment)

    def take_over(tx: Tx) -> None:
        for release_id, state in ((first, ReleaseState.RETIRED), (second, ReleaseState.SERVING)):
            tx.execute(update(releases).where(releases.c.release_id == release_id).values(state=state))
        of_it = services.c.service_id == application
        tx.execute(update(services).where(of_it).values(serving_release_id=second))

    await world.services.db.run(take_over)
    return application, first, deployment, second


def _way(service_id: str, release_id: str) -> str:
    return f'href="/services/{service_id}/rollback/{release_id}"'


async def _say(world: World, deployment_id: str, **values: object) -> None:
    of_it = deployments.c.deployment_id == deployment_id
    await world.services.db.run(lambda tx: tx.execute(update(deployments).where(of_it).values(**values)))


@pytest.mark.usefixtures("runs")
async def test_a_service_leads_to_the_release_before_and_to_what_going_back_would_change(world: World) -> None:
    service_id, first, _, _ = await _later(world)
    async with signed_in(world) as client:
        for path in (f"/services/{service_id}", f"/services/{service_id}/-/standing"):
            page = (await client.get(path)).text
            assert _way(service_id, first) in page, path
            assert page.count("<span>Roll back</span>") == 1
        asked = await client.get(f"/services/{service_id}/rollback/{first}")
    assert (asked.status_code, "Roll back to version 1" in asked.text) == (200, True)


@pytest.mark.usefixtures("runs")
async def test_where_nothing_came_before_there_is_no_way_back(world: World) -> None:
    service_id, deployment, _ = await serving(world)
    await _say(world, deployment, unstable=True)
    async with signed_in(world) as client:
        for path in (f"/services/{service_id}", f"/deployments/{deployment}"):
            assert "Roll back" not in (await client.get(path)).text, path


@pytest.mark.usefixtures("runs")
async def test_what_one_went_back_from_is_no_way_back(world: World) -> None:
    service_id, first, _, second = await _later(world)

    def go_back(tx: Tx) -> None:
        gone = update(releases).where(releases.c.release_id == second)
        tx.execute(gone.values(state="retired", rolled_back_at=tx.now, rolled_back_by="it"))
        tx.execute(update(services).where(services.c.service_id == service_id).values(serving_release_id=first))

    await world.services.db.run(go_back)
    async with signed_in(world) as client:
        page = (await client.get(f"/services/{service_id}")).text
    assert _way(service_id, second) not in page


@pytest.mark.usefixtures("runs")
async def test_a_deployment_leads_back_once_its_release_was_found_to_be_broken(world: World) -> None:
    service_id, first, deployment, second = await _later(world)
    way = _way(service_id, first)
    async with signed_in(world) as client:
        well = (await client.get(f"/deployments/{deployment}")).text
        await _say(world, deployment, unstable=True)
        unstable = (await client.get(f"/deployments/{deployment}/-/state")).text
        await _say(world, deployment, unstable=False)
        await world.services.db.run(lambda tx: tx.execute(insert(downtimes).values(release_id=second, since=tx.now)))
        down = (await client.get(f"/deployments/{deployment}")).text
    assert [way in page for page in (well, unstable, down)] == [False, True, True]


@pytest.mark.usefixtures("runs")
async def test_who_may_not_go_back_is_not_led_there(world: World) -> None:
    service_id, first, _, _ = await _later(world)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[service_id])
    async with signed_in(world, "member") as client:
        page = await client.get(f"/services/{service_id}")
        leads = _way(service_id, first) in page.text
        asked = (await client.get(f"/services/{service_id}/rollback/{first}")).status_code
    assert page.status_code == 200
    assert leads == (asked == 200), "it is led to what it may do"
