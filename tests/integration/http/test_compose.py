"""``compose.*`` over HTTP, as far as no engine is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headway.core.access.model import Role
from headway.drivers.runtimes.compose.observation import Container
from headway.features.services.compose.model import Record
from headway.features.services.compose.routing import ComposeRouting
from tests.integration.http.callers import CALLERS, admit_callers, key_of
from tests.integration.http.world import World, client_with

FILE = "services:\n  web: {image: debian}\n  db: {image: postgres}\n"


async def compose(world: World, **fields: object) -> str:
    given = {"name": "stack", "composeFile": FILE, **fields}
    created = await world.post("compose.create", environmentId=await world.environment(), **given)
    compose_id: str = created["composeId"]
    return compose_id


async def test_a_new_compose_service_has_every_field_that_clients_know(world: World) -> None:
    one = await world.get("compose.one", composeId=await compose(world))
    assert (one["name"], one["composeStatus"]) == ("stack", "idle")
    assert re.fullmatch("stack-[a-z0-9]{6}", one["appName"])
    assert (one["sourceType"], one["composeType"], one["composePath"]) == (
        "raw",
        "docker-compose",
        "./docker-compose.yml",
    )
    assert (one["composeFile"], one["env"], one["allowHostAccess"]) == (FILE, "", False)
    assert one["environment"]["project"]["name"] == "bench"
    assert one["deployments"] == []


async def test_a_deploy_says_that_it_is_queued_and_is_a_row_at_once(world: World) -> None:
    compose_id = await compose(world)
    answer = await world.owner.post("/compose.deploy", json={"composeId": compose_id, "title": "First"})
    assert answer.json() == {"success": True, "message": "Deployment queued", "composeId": compose_id}
    (row,) = await world.get("deployment.allByCompose", composeId=compose_id)
    assert (row["deploymentId"], row["status"], row["title"]) == (answer.headers["x-deployment-id"], "pending", "First")
    assert (row["composeId"], row["applicationId"]) == (compose_id, None)
    assert await world.get("deployment.allByType", id=compose_id, type="compose") == [row]
    assert (await world.get("compose.one", composeId=compose_id))["composeStatus"] == "running"


async def test_lists_of_all_nest_the_compose_service(world: World) -> None:
    compose_id = await compose(world)
    await world.post("compose.redeploy", composeId=compose_id)
    (row,) = await world.get("deployment.allCentralized")
    assert (row["application"], row["compose"]["composeId"], row["compose"]["name"]) == (None, compose_id, "stack")
    assert row["compose"]["environment"]["project"]["name"] == "bench"
    (job,) = await world.get("deployment.queueList")
    assert (job["data"]["composeId"], job["data"]["applicationType"]) == (compose_id, "compose")
    assert job["data"]["type"] == "redeploy"
    assert job["servicePath"]["href"].endswith(f"/services/compose/{compose_id}")
    (listed,) = (await world.get("project.all"))[0]["environments"][0]["compose"]
    assert (listed["composeId"], listed["composeStatus"]) == (compose_id, "running")


async def test_what_waits_is_ended_by_its_own_compose_service_only(world: World) -> None:
    first, second = await compose(world), await compose(world)
    for compose_id in (first, second):
        await world.post("compose.deploy", composeId=compose_id)
    assert (await world.post("compose.cleanQueues", composeId=first))["success"] is True
    assert [row["reason"] for row in await world.get("deployment.allByCompose", composeId=first)] == ["cancelled"]
    assert [row["status"] for row in await world.get("deployment.allByCompose", composeId=second)] == ["pending"]
    assert await world.post("compose.clearDeployments", composeId=first) is True
    assert await world.get("deployment.allByCompose", composeId=first) == []


async def test_settings_are_changed_and_what_nothing_acts_on_is_given_back(world: World) -> None:
    compose_id = await compose(world)
    row = await world.post("compose.update", composeId=compose_id, name="other", randomize=True, composePath="./a.yml")
    assert (row["name"], row["randomize"], row["composePath"]) == ("other", True, "./a.yml")
    assert await world.post("compose.saveEnvironment", composeId=compose_id, env="A=1", createEnvFile=False) is True
    one = await world.get("compose.one", composeId=compose_id)
    assert (one["env"], one["createEnvFile"]) == ("A=1", False)
    assert await world.get("compose.loadServices", composeId=compose_id) == ["web", "db"]


@pytest.mark.parametrize(
    ("procedure", "given", "said"),
    [
        ("compose.update", {"composeFile": "services: ["}, "no YAML: line"),
        ("compose.update", {"composeFile": "version: '3'\nservices: x\n"}, "no services"),
        ("compose.update", {"customGitUrl": "ext::sh -c id"}, ""),
        ("compose.saveEnvironment", {"env": "not a variable"}, "Line 1"),
        ("compose.deploy", {"freshVolumes": True}, "never empties volumes"),
    ],
)
async def test_what_can_never_work_is_refused_at_once(
    world: World, procedure: str, given: dict[str, object], said: str
) -> None:
    answer = await world.owner.post(f"/{procedure}", json={"composeId": await compose(world), **given})
    assert answer.status_code == 400
    assert said in answer.json()["message"]


async def test_only_an_owner_lets_a_file_use_the_host(world: World) -> None:
    compose_id = await compose(world)
    await admit_callers(world)
    admin = next(caller for caller in CALLERS.values() if caller.role is Role.ADMIN)
    async with client_with(world.app, key_of(admin)) as client:
        refused = await client.post("/compose.update", json={"composeId": compose_id, "allowHostAccess": True})
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
        await world.post("compose.update", composeId=compose_id, allowHostAccess=True)
        kept = await client.post("/compose.update", json={"composeId": compose_id, "description": "by an admin"})
        assert kept.json()["allowHostAccess"] is True


async def test_a_project_with_a_compose_service_is_not_removed(world: World) -> None:
    one = await world.get("compose.one", composeId=await compose(world))
    answer = await world.owner.post("/project.remove", json={"projectId": one["projectId"]})
    assert (answer.status_code, "stack" in answer.json()["message"]) == (409, True)


async def test_what_was_never_deployed_is_deleted_without_an_engine(world: World) -> None:
    compose_id = await compose(world)
    assert (await world.post("compose.delete", composeId=compose_id, deleteVolumes=False))["composeId"] == compose_id
    assert (await world.owner.get("/compose.one", params={"composeId": compose_id})).status_code == 404


async def test_containers_are_looked_at_by_whoever_has_the_turn_to_lead_to_them(world: World) -> None:
    compose_id, held = await compose(world), list[bool]()

    async def containers(of: str) -> Sequence[Container]:
        held.append(routing.turns[of].locked())
        return []

    routing: ComposeRouting = replace(world.platform.features.composes.routing, containers=containers)
    nothing: Any = SimpleNamespace(release_id="r", record=Record(file={"services": {}}))
    await routing.lead(compose_id, nothing)
    assert held == [True]
