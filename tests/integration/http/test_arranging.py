"""``application.move``, ``project.duplicate``, ``environment.duplicate``: where applications lie."""

from __future__ import annotations

import pytest

from headway.core.access import store
from headway.core.access.model import Role, Terms
from headway.infra.db.transaction import Tx
from tests.integration.http.callers import CALLERS, admit_callers, key_of
from tests.integration.http.world import Json, World, client_with

NARROW = "n" * 64


@pytest.fixture
async def target(world: World) -> Json:
    """A new project and its environment."""
    return await world.post("project.create", name="target", env="SHARED=1")


async def test_a_moved_application_lies_in_the_other_project_with_its_deployments(world: World, target: Json) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    place = target["environment"]["environmentId"]
    moved = await world.post("application.move", applicationId=application_id, targetEnvironmentId=place)
    assert (moved["environmentId"], moved["projectId"]) == (place, target["project"]["projectId"])
    (shown,) = (await world.get("environment.one", environmentId=place))["applications"]
    assert shown["applicationId"] == application_id
    (row,) = await world.get("deployment.allCentralized")
    assert row["deploymentId"] == deployment_id
    assert row["application"]["environment"]["project"]["name"] == "target"


async def test_its_old_project_can_be_removed_and_nothing_of_it_is_lost(world: World, target: Json) -> None:
    application_id = await world.application()
    old = (await world.get("application.one", applicationId=application_id))["environment"]["projectId"]
    place = target["environment"]["environmentId"]
    await world.post("application.move", applicationId=application_id, targetEnvironmentId=place)
    await world.post("project.remove", projectId=old)
    await world.get("application.one", applicationId=application_id)


async def test_a_move_to_what_is_not_there_or_anothers_is_not_found(world: World) -> None:
    application_id = await world.application()
    made = await world.stranger.post("/project.create", json={"name": "theirs"})
    for place in ("nope", made.json()["environment"]["environmentId"]):
        given = {"applicationId": application_id, "targetEnvironmentId": place}
        answer = await world.owner.post("/application.move", json=given)
        assert (answer.status_code, answer.json()["message"]) == (404, "Environment not found")


async def test_two_of_one_name_may_lie_in_one_environment(world: World, target: Json) -> None:
    place = target["environment"]["environmentId"]
    first = await world.post("application.create", name="same", environmentId=place)
    given = {"applicationId": await world.application("same"), "targetEnvironmentId": place}
    moved = await world.post("application.move", **given)
    assert (moved["name"], moved["appName"] == first["appName"]) == (first["name"], False)


async def test_an_environment_is_made_again_as_a_project_with_its_applications_and_variables(world: World) -> None:
    application_id = await world.application("web", customGitBranch="next")
    await world.post("application.saveEnvironment", applicationId=application_id, env="OWN=1")
    source = (await world.get("application.one", applicationId=application_id))["environment"]
    await world.post("project.update", projectId=source["projectId"], env="SHARED=1")
    await world.post("environment.update", environmentId=source["environmentId"], env="INSIDE=1")

    made = await world.post("project.duplicate", sourceEnvironmentId=source["environmentId"], name="again")
    found = await world.get("environment.one", environmentId=made["environmentId"])
    assert (found["project"]["name"], found["project"]["env"], found["env"]) == ("again", "SHARED=1", "INSIDE=1")
    (copied,) = found["applications"]
    copy = await world.get("application.one", applicationId=copied["applicationId"])
    assert (copy["name"], copy["env"], copy["customGitBranch"]) == ("web", "OWN=1", "next")
    assert copy["appName"] != "web"
    assert (copy["applicationStatus"], copy["deployments"]) == ("idle", [])


async def test_an_application_is_made_again_beside_itself(world: World) -> None:
    application_id = await world.application("web")
    place = (await world.get("application.one", applicationId=application_id))["environmentId"]
    await world.post("application.create", name="other", environmentId=place)
    given = {"sourceEnvironmentId": place, "name": "unused", "duplicateInSameProject": True}
    chosen = [{"id": application_id, "type": "application"}]
    assert (await world.post("project.duplicate", **given, selectedServices=chosen))["environmentId"] == place
    found = (await world.get("environment.one", environmentId=place))["applications"]
    assert [each["name"] for each in found] == ["web", "other", "web (copy)"]


async def test_compose_services_are_made_again_too_and_use_the_host_only_where_an_owner_copies(world: World) -> None:
    place = await world.environment()
    file = "services: {web: {image: debian}}"
    made = await world.post("compose.create", name="stack", environmentId=place, composeFile=file)
    compose_id = made["composeId"]
    await world.post("compose.update", composeId=compose_id, env="A=1", allowHostAccess=True)
    application_id = (await world.post("application.create", name="web", environmentId=place))["applicationId"]

    again = await world.post("project.duplicate", sourceEnvironmentId=place, name="again")
    found = await world.get("environment.one", environmentId=again["environmentId"])
    assert ([each["name"] for each in found["applications"]], len(found["compose"])) == (["web"], 1)
    copy = await world.get("compose.one", composeId=found["compose"][0]["composeId"])
    assert (copy["name"], copy["env"], copy["composeFile"], copy["allowHostAccess"]) == ("stack", "A=1", file, True)
    assert (copy["appName"] != made["appName"], copy["composeStatus"]) == (True, "idle")

    await admit_callers(world)
    admin = next(caller for caller in CALLERS.values() if caller.role is Role.ADMIN)
    chosen = [{"id": compose_id, "type": "compose"}]
    given = {"sourceEnvironmentId": place, "name": "x", "duplicateInSameProject": True, "selectedServices": chosen}
    async with client_with(world.app, key_of(admin)) as client:
        assert (await client.post("/project.duplicate", json=given)).status_code == 200
    found = await world.get("environment.one", environmentId=place)
    assert [each["applicationId"] for each in found["applications"]] == [application_id]
    assert [each["name"] for each in found["compose"]] == ["stack", "stack (copy)"]
    copy = await world.get("compose.one", composeId=found["compose"][1]["composeId"])
    assert copy["allowHostAccess"] is False


async def test_what_is_on_a_server_is_made_again_on_the_same_one_and_built_by_the_same(world: World) -> None:
    place = await world.environment()
    there, builds = [
        (await world.post("server.create", name=kind, ipAddress="192.0.2.7", serverType=kind))["serverId"]
        for kind in ("deploy", "build")
    ]
    given = {"environmentId": place, "serverId": there}
    await world.post("application.create", name="web", **given, buildServerId=builds)
    await world.post("compose.create", name="stack", **given)
    await world.post("redis.create", name="cache", appName="cache", databasePassword="p" * 20, **given)

    for beside in (False, True):
        asked = {"sourceEnvironmentId": place, "name": "again", "duplicateInSameProject": beside}
        made = await world.post("project.duplicate", **asked)
        found = await world.get("environment.one", environmentId=made["environmentId"])
        copied = [found[kind][-1] for kind in ("applications", "compose", "redis")]
        assert [each["serverId"] for each in copied] == [there] * 3
        application = await world.get("application.one", applicationId=copied[0]["applicationId"])
        assert (application["serverId"], application["buildServerId"]) == (there, builds)


@pytest.mark.parametrize(
    ("chosen", "status"),
    [([{"id": "nope", "type": "application"}], 404), ([{"id": "x", "type": "preview"}], 400), ([{}], 400)],
)
async def test_what_is_no_application_of_it_is_not_made_again(world: World, chosen: Json, status: int) -> None:
    given = {"sourceEnvironmentId": await world.environment(), "name": "again", "selectedServices": chosen}
    assert (await world.owner.post("/project.duplicate", json=given)).status_code == status
    assert [each["name"] for each in await world.get("project.all")] == ["bench"]


async def test_a_key_for_one_project_makes_no_other(world: World) -> None:
    place = await world.environment()
    (project,) = await world.get("project.all")
    await world.services.db.run(lambda tx: _narrow_key(tx, project["projectId"]))
    async with client_with(world.app, NARROW) as client:
        answer = await client.post("/project.duplicate", json={"sourceEnvironmentId": place, "name": "again"})
    assert answer.status_code == 403


async def test_an_environment_is_made_again_with_its_variables_and_nothing_in_it(world: World) -> None:
    application_id = await world.application()
    source = (await world.get("application.one", applicationId=application_id))["environment"]
    await world.post("environment.update", environmentId=source["environmentId"], env="A=1", description="d")
    made = await world.post("environment.duplicate", environmentId=source["environmentId"], name="staging")
    assert (made["name"], made["env"], made["description"], made["isDefault"]) == ("staging", "A=1", "d", False)
    assert (await world.get("environment.one", environmentId=made["environmentId"]))["applications"] == []


def _narrow_key(tx: Tx, project_id: str) -> None:
    owner = store.first_owner(tx)
    assert owner is not None
    terms = Terms(projects=frozenset({project_id}))
    store.add_key(tx, NARROW, name="narrow", user_id=owner[0], organization_id=owner[1], terms=terms)
