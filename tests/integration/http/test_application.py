"""``application.*`` on an open platform: made, set up, queued, cleared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select, text

from headway.core.deployments.status import Status
from headway.features.services.application.api.rows import PASSIVE, ApplicationDetails, ApplicationRow
from headway.infra.db.tables.services import services
from tests.integration.http.world import REPOSITORY, World

SAVED: Sequence[tuple[str, object]] = (
    ("customGitUrl", "https://git.example/other.git"),
    ("customGitBranch", "main"),
    ("customGitBuildPath", "/web"),
    ("enableSubmodules", True),
    ("tag", "v1"),
    ("commit", "df647f0f6c03365e31d3bf0bd5ff17e35c334311"),
    ("buildType", "static"),
    ("builder", "native"),
    ("publishDirectory", "dist"),
    ("buildCommand", "make 'all the' things"),
    ("startCommand", "./run --port $PORT"),
    ("healthCheckPath", "/health"),
    ("healthDeadlineSeconds", 12.5),
    ("settleSeconds", 0.5),
    ("drainSeconds", 0),
    ("stepSeconds", 60),
    ("inactivitySeconds", 30),
    ("totalSeconds", 600),
    ("memoryLimit", "268435456"),
    ("keepDeployments", 7),
    ("keepDays", 0.5),
    ("keepReleases", 2),
    ("keepReleasesDays", 7),
    ("keepReleasesBytes", 1_000_000),
    ("env", "A=1\nB='two\nlines'"),
    ("name", "other name"),
    ("description", "words"),
    ("replicas", 3),
    ("runtime", "swarm"),
    ("placementSwarm", {"Constraints": ["node.role==worker"], "MaxReplicas": 2}),
    ("placementSwarm", {"Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}]}),
    ("cpuReservation", "0.25"),
    ("memoryReservation", "268435456"),
    ("buildArgs", "X=1"),
    ("buildSecrets", "S=${{X}}"),
    ("openVariables", ["A", "project.X"]),
    ("secretVariables", []),
    ("watchPaths", ["src/**"]),
    ("healthCheckSwarm", {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 2}),
    ("updateConfigSwarm", {"Parallelism": 2}),
    ("autoDeploy", False),
)

REFUSED: Sequence[dict[str, Any]] = (
    {"buildType": "magic"},
    {"builder": "magic"},
    {"commit": "not a hash"},
    {"commit": "--upload-pack=x"},
    {"healthCheckPath": "no-slash"},
    {"healthCheckPath": "/a b\r\nx: y"},
    {"totalSeconds": -1},
    {"memoryLimit": "much"},
    {"memoryReservation": "much"},
    {"cpuReservation": "-1"},
    {"replicas": 0},
    {"runtime": "magic"},
    {"runtime": "container", "replicas": 2},
    {"placementSwarm": {"Constraints": ["zone=east"]}},
    {"placementSwarm": {"Constraints": "node.role==worker"}},
    {"placementSwarm": {"Preferences": ["node.labels.zone"]}},
    {"placementSwarm": {"MaxReplicas": -1}},
    {"keepDeployments": 0},
    {"keepReleases": 0},
    {"healthCheckSwarm": {"Test": "true"}},
    {"healthCheckSwarm": {"Test": ["true"]}},
    {"healthCheckSwarm": {"Test": ["CMD-SHELL", "a", "b"]}},
    {"healthCheckSwarm": {"Test": ["CMD"]}},
    {"healthCheckSwarm": {"Interval": 5}},
    {"healthCheckSwarm": {"Timeout": "5s"}},
    {"healthCheckSwarm": {"Retries": -1}},
    {"keepReleasesDays": 0},
    {"keepDays": 36_501},
    {"customGitUrl": "ext::sh -c id"},
    {"customGitUrl": 5},
    {"env": "no equals sign here: 'open"},
    {"env": "A=${{B}}\nB=${{A}}"},
    {"env": "A=${{NONE}}"},
    {"env": "A=${{team.NAME}}"},
    {"buildArgs": "A=${{NONE}}"},
    {"openVariables": "A"},
    {"openVariables": ["not a name"]},
)


async def test_a_new_application_shows_every_field_that_clients_know(world: World) -> None:
    created = await world.post("application.create", name="My App!", environmentId=await world.environment())
    TypeAdapter(ApplicationRow).validate_python(created)
    assert re.fullmatch("my-app-[a-z0-9]{6}", created["appName"]), "as clients look for its containers"
    assert (created["address"], created["applicationStatus"]) == (f"http://my-app.localhost:{_port(world)}", "idle")
    assert (created["buildType"], created["sourceType"]) == ("nixpacks", "git")
    assert created.keys() > PASSIVE.keys()
    assert "code" not in created


async def test_one_shows_it_with_all_around_it(world: World) -> None:
    application_id = await world.application("trivial")
    deployment_id = await world.deploy(application_id, title="first")
    one = await world.get("application.one", applicationId=application_id)
    TypeAdapter(ApplicationDetails).validate_python(one)
    assert [row["deploymentId"] for row in one["deployments"]] == [deployment_id]
    assert one["environment"]["project"]["name"] == "bench"
    assert one["address"] == f"http://trivial.localhost:{world.platform.base.settings.edge_port}"
    assert one["domains"][0]["host"] == "trivial.localhost"
    assert one["applicationStatus"] == "running"


async def test_what_is_saved_is_given_back_and_nothing_else_changes(world: World) -> None:
    application_id = await world.application()
    for field, value in SAVED:
        before = await world.get("application.one", applicationId=application_id)
        assert await world.post("application.update", applicationId=application_id, **{field: value}) is True
        after = await world.get("application.one", applicationId=application_id)
        # What is said about a build is a part of its record too.
        assert {**after, "build": None} == {**before, field: value, "build": None}, field


async def test_null_puts_a_setting_back_to_its_default(world: World) -> None:
    application_id = await world.application(customGitBranch="main", customGitBuildPath="/x", enableSubmodules=True)
    nulls = dict.fromkeys(("customGitBranch", "customGitBuildPath", "enableSubmodules"))
    await world.post("application.update", applicationId=application_id, **nulls)
    one = await world.get("application.one", applicationId=application_id)
    assert (one["customGitBranch"], one["customGitBuildPath"], one["enableSubmodules"]) == (None, "/", False)


async def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(world: World) -> None:
    application_id = await world.application()
    before = await world.get("application.one", applicationId=application_id)
    for body in REFUSED:
        refused = await world.owner.post("/application.update", json={"applicationId": application_id, **body})
        assert refused.status_code == 400, (body, refused.text)
    assert await world.get("application.one", applicationId=application_id) == before


async def test_unknown_keys_are_neither_refused_nor_kept(world: World) -> None:
    application_id = await world.application()
    before = await world.get("application.one", applicationId=application_id)
    await world.post("application.update", applicationId=application_id, unheard={"of": 1}, code="X", appName="other")
    assert await world.get("application.one", applicationId=application_id) == before


async def test_the_git_provider_is_saved_by_its_own_procedure(world: World) -> None:
    application_id = await world.application(sourceType="github")
    saved = await world.post(
        "application.saveGitProvider",
        applicationId=application_id,
        customGitUrl="https://git.example/new.git",
        customGitBranch="next",
        customGitBuildPath="/app",
        watchPaths=["a"],
    )
    one = await world.get("application.one", applicationId=application_id)
    assert saved is True
    assert (one["sourceType"], one["customGitUrl"], one["customGitBranch"]) == (
        "git",
        "https://git.example/new.git",
        "next",
    )
    assert (one["customGitBuildPath"], one["watchPaths"]) == ("/app", ["a"])


async def test_the_build_type_and_the_variables_have_procedures_of_their_own(world: World) -> None:
    application_id = await world.application()
    assert await world.post(
        "application.saveBuildType", applicationId=application_id, buildType="dockerfile", dockerfile="Other"
    )
    assert await world.post(
        "application.saveEnvironment", applicationId=application_id, env="A=1", buildArgs="B=2", createEnvFile=False
    )
    one = await world.get("application.one", applicationId=application_id)
    assert (one["buildType"], one["dockerfile"]) == ("dockerfile", "Other")
    assert (one["env"], one["buildArgs"], one["createEnvFile"]) == ("A=1", "B=2", False)
    await world.post("application.saveEnvironment", applicationId=application_id, env=None)
    assert (await world.get("application.one", applicationId=application_id))["env"] == ""


async def test_secrets_are_sealed_at_rest(world: World) -> None:
    application_id = await world.application(
        customGitUrl="https://user:hunter2aaaa@git.example/r.git", buildSecrets="S=hunter2bbbb", password="hunter2cccc"
    )
    await world.post("application.saveEnvironment", applicationId=application_id, env="P=hunter2dddd")
    rows = await world.services.db.read(lambda tx: tx.execute(select(services)).all())
    assert application_id in repr(rows)
    assert "hunter2" not in repr(rows)
    database: Path = world.platform.data_dir.path
    assert [file.name for file in database.iterdir() if file.is_file() and b"hunter2" in file.read_bytes()] == []


async def test_deploy_answers_nothing_but_where_to_look(world: World) -> None:
    application_id = await world.application()
    answer = await world.owner.post("/application.deploy", json={"applicationId": application_id, "title": "mine"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"] == f"/api/deployment.one?deploymentId={answer.headers['x-deployment-id']}"
    row = (await world.owner.get(f"http://headway.test{answer.headers['location']}")).json()
    assert (row["title"], row["status"], row["steps"]) == ("mine", "pending", [])


async def test_without_a_title_a_deployment_is_called_manual(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.deploy(application_id, title="")
    assert (await world.get("deployment.one", deploymentId=deployment_id))["title"] == "Manual deployment"


async def test_clean_queues_ends_what_waits_and_nothing_else(world: World) -> None:
    application_id = await world.application()
    running = await world.deploy(application_id)
    await world.claim()
    waiting = await world.deploy(application_id)
    assert await world.post("application.cleanQueues", applicationId=application_id) is None
    rows = {row["deploymentId"]: row for row in await world.get("deployment.all", applicationId=application_id)}
    assert rows[running]["status"] == "running"
    assert (rows[waiting]["status"], rows[waiting]["reason"]) == ("error", "cancelled")


async def test_kill_build_with_nothing_running_is_no_error(world: World) -> None:
    application_id = await world.application()
    assert await world.post("application.killBuild", applicationId=application_id) is None


async def test_clear_deployments_removes_those_that_ended(world: World) -> None:
    application_id = await world.application()
    ended = [await world.ended(application_id), await world.ended(application_id, Status.ERROR)]
    world.write_log(ended[0], "text\n")
    waiting = await world.deploy(application_id)
    assert await world.post("application.clearDeployments", applicationId=application_id) is True
    rows = await world.get("deployment.all", applicationId=application_id)
    assert [row["deploymentId"] for row in rows] == [waiting]
    assert not (world.platform.data_dir.logs / f"{ended[0]}.log").exists()


async def test_cancel_deployment_ends_what_waits(world: World) -> None:
    application_id = await world.application()
    waiting = await world.deploy(application_id)
    answer = await world.post("application.cancelDeployment", applicationId=application_id)
    assert answer["success"] is True
    assert (await world.get("deployment.one", deploymentId=waiting))["reason"] == "cancelled"


async def test_an_application_of_a_server_that_is_not_there_is_refused(world: World) -> None:
    body = {"name": "x", "environmentId": await world.environment(), "serverId": "nowhere"}
    refused = await world.owner.post("/application.create", json=body)
    assert (refused.status_code, refused.json()["message"]) == (404, "Server not found")


async def test_the_second_application_of_a_name_is_reached_by_what_it_is_called_on_its_machine(world: World) -> None:
    environment_id = await world.environment()
    first, second = [
        await world.post("application.create", name="same", environmentId=environment_id) for _ in range(2)
    ]
    assert [each["address"] for each in (first, second)] == [
        f"http://{name}.localhost:{_port(world)}" for name in ("same", second["appName"])
    ]
    host = (await world.get("domain.one", domainId=second["applicationId"]))["host"]
    assert host == f"{second['appName']}.localhost"
    taken = await world.owner.post("/domain.create", json={"applicationId": first["applicationId"], "host": host})
    assert taken.status_code == 409
    await world.post("application.delete", applicationId=first["applicationId"])
    third = await world.post("application.create", name="same", environmentId=environment_id)
    assert third["address"] == first["address"], "the name is free again"


async def test_what_there_was_before_keeps_its_name(world: World) -> None:
    application_id = await world.application("old")
    before = text("UPDATE services SET app_name = 'old', host_name = NULL")
    await world.services.db.run(lambda tx: tx.execute(before))
    one = await world.get("application.one", applicationId=application_id)
    assert (one["appName"], one["address"]) == ("old", f"http://old.localhost:{_port(world)}")
    newer = await world.get("application.one", applicationId=await world.application("old"))
    assert newer["address"] == f"http://{newer['appName']}.localhost:{_port(world)}"


def _port(world: World) -> int:
    return world.platform.base.settings.edge_port


async def test_start_needs_something_that_was_deployed(world: World) -> None:
    application_id = await world.application()
    refused = await world.owner.post("/application.start", json={"applicationId": application_id})
    assert (refused.status_code, "deploy" in refused.json()["message"]) == (409, True)


async def test_created_with_everything_it_is_ready_to_deploy(world: World) -> None:
    application_id = await world.application(customGitBranch="main", startCommand="run", replicas=2)
    one = await world.get("application.one", applicationId=application_id)
    assert (one["customGitUrl"], one["startCommand"], one["replicas"]) == (REPOSITORY, "run", 2)


async def test_a_disconnected_application_has_no_repository(world: World) -> None:
    application_id = await world.application(customGitBranch="next", customGitBuildPath="/web", buildCommand="make")
    assert await world.post("application.disconnectGitProvider", applicationId=application_id) is True
    found = await world.get("application.one", applicationId=application_id)
    assert (found["customGitUrl"], found["customGitBranch"], found["customGitBuildPath"]) == (None, None, "/")
    assert found["buildCommand"] == "make"


async def test_nothing_is_reloaded_where_nothing_was_deployed(world: World) -> None:
    given = {"applicationId": await world.application(), "appName": "x"}
    assert (await world.owner.post("/application.reload", json=given)).status_code == 409
