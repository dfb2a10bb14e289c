"""``deployment.wait``: answered by a move and not by a clock, to all at once, and to nobody who may not see it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from headway.core.deployments.status import Status
from tests.integration.http.serving import eventually
from tests.integration.http.world import World

MANY = 500


async def wait(world: World, deployment_id: str, **query: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    """What who waits is answered."""
    given = {"deploymentId": deployment_id, "timeout": 20, **query}
    return await world.owner.get("/deployment.wait", params=given, timeout=30)


@asynccontextmanager
async def waiting(
    world: World,
    deployment_id: str,
    number: int = 1,
    **query: Any,  # noqa: ANN401 - JSON
) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
    """So many who wait; all are answered when the block is left."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(wait(world, deployment_id, **query)) for _ in range(number)]
        await eventually(lambda: world.services.awaiting.count() == number)
        yield asked


async def test_who_waits_is_answered_by_the_end(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with waiting(world, deployment_id) as (asked,):
        lease = await world.claim()
        assert not asked.done()
        await world.end(lease, Status.ERROR, "Step build: exit status 7")
    answer = asked.result().json()
    assert (answer["reached"], answer["ended"]) == (True, True)
    assert (answer["deployment"]["status"], answer["deployment"]["reason"]) == ("error", "failed")
    assert answer["deployment"] == await world.get("deployment.one", deploymentId=deployment_id)


async def test_one_may_wait_for_its_start_too(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with waiting(world, deployment_id, until="running") as (asked,):
        lease = await world.claim()
    answer = asked.result().json()
    assert (answer["reached"], answer["ended"], answer["deployment"]["status"]) == (True, False, "running")
    await world.end(lease)
    assert (await wait(world, deployment_id, until="running")).json()["ended"]


async def test_when_the_time_is_up_the_answer_says_how_it_stands(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    answer = (await wait(world, deployment_id, timeout=0.05)).json()
    assert (answer["reached"], answer["ended"], answer["deployment"]["status"]) == (False, False, "pending")
    assert world.services.awaiting.count() == 0


async def test_many_who_wait_cost_the_database_one_look(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    lease = await world.claim()
    statements: list[str] = []
    async with waiting(world, deployment_id, MANY) as asked:
        event.listen(world.services.db._reader, "before_cursor_execute", lambda *given: statements.append(given[2]))
        await world.end(lease)
    assert {each.result().json()["deployment"]["status"] for each in asked} == {"done"}
    assert len(statements) < 10


async def test_a_panel_that_stops_sends_everybody_away(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    began = time.monotonic()
    async with waiting(world, deployment_id) as (asked,):
        world.app.state.close()
    assert asked.result().json()["reached"] is False
    assert (await wait(world, deployment_id)).json()["reached"] is False
    assert time.monotonic() - began < 15


async def test_whose_access_changes_has_to_ask_again(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    (key,) = (await world.get("user.get"))["user"]["apiKeys"]
    async with waiting(world, deployment_id) as (asked,):
        await world.post("user.deleteApiKey", apiKeyId=key["id"])
    assert (asked.result().json()["reached"], asked.result().json()["deployment"]["status"]) == (False, "pending")
    assert (await wait(world, deployment_id)).status_code == 401


async def test_what_is_removed_meanwhile_is_not_found(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with waiting(world, deployment_id) as (asked,):
        await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert asked.result().status_code == 404


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"timeout": 301}, {"timeout": "x"}, {"until": "done"}])
async def test_nonsense_is_refused(world: World, wrong: dict[str, Any]) -> None:
    deployment_id = await world.deploy(await world.application())
    assert (await wait(world, deployment_id, **wrong)).status_code == 400
