"""``schedule.*`` over the wire: what is taken, what is refused and why, and what is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.http.world import World

NIGHTLY = {"name": "nightly", "cronExpression": "30 4 * * *", "command": "echo $HOME"}


async def test_a_schedule_is_made_changed_listed_and_deleted(world: World) -> None:
    application_id = await world.application()
    made = await world.post("schedule.create", applicationId=application_id, timezone="Europe/Berlin", **NIGHTLY)
    assert (made["scheduleType"], made["shellType"], made["overlap"], made["enabled"]) == (
        *("application", "bash", "skip", True),
    )
    assert made["nextRunAt"].endswith((":30:00.000Z",))
    assert (made["lastRunAt"], made["missedRuns"], made["applicationId"]) == (None, 0, application_id)
    schedule_id = made["scheduleId"]
    changed = await world.post(
        "schedule.update", scheduleId=schedule_id, script="print(1)", shellType="python", enabled=False, catchUp="once"
    )
    assert (changed["command"], changed["script"], changed["nextRunAt"]) == ("echo $HOME", "print(1)", None)
    assert [
        each["scheduleId"] for each in await world.get("schedule.list", id=application_id, scheduleType="application")
    ] == [schedule_id]
    assert (await world.get("schedule.one", scheduleId=schedule_id))["dueTimes"] == []
    assert await world.get("deployment.allByType", id=schedule_id, type="schedule") == []
    await world.post("schedule.delete", scheduleId=schedule_id)
    answer = await world.owner.get("/schedule.one", params={"scheduleId": schedule_id})
    assert (answer.status_code, answer.json()["message"]) == (404, "Schedule not found")
    answer = await world.owner.get("/deployment.allByType", params={"id": schedule_id, "type": "schedule"})
    assert (answer.status_code, answer.json()["message"]) == (404, "Schedule not found")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"cronExpression": "0 0 30 2 *"}, "never due"),
        ({"cronExpression": "every day"}, "cannot be read"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"command": "  "}, "no script yet"),
        ({"command": "x" * (300 << 10)}, "at most 256 KiB"),
        ({"name": "  "}, "needs a name"),
        ({"timeoutSeconds": 0.5}, "timeoutSeconds is between"),
        ({"timeoutSeconds": 1e9}, "timeoutSeconds is between"),
        ({"catchUpLimit": 0}, "catchUpLimit is between"),
        ({"jitterSeconds": 100_000}, "jitterSeconds is between"),
        ({"jitterSeconds": (1 << 53) - 1}, "too long"),
        ({"retries": 100}, "retries is between"),
        ({"retryDelaySeconds": 0}, "retryDelaySeconds is between"),
        ({"scheduleType": "compose"}, "needs composeId"),
        ({"scheduleType": "server"}, "needs serverId"),
    ],
)
async def test_what_is_wrong_is_said(world: World, given: dict[str, Any], sentence: str) -> None:
    body = {"applicationId": await world.application(), **NIGHTLY, **given}
    answer = await world.owner.post("/schedule.create", json=body)
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]


async def test_a_server_that_is_not_there_is_said(world: World) -> None:
    body = {"scheduleType": "server", "serverId": "nope", **NIGHTLY}
    answer = await world.owner.post("/schedule.create", json=body)
    assert (answer.status_code, answer.json()["message"]) == (404, "Server not found")


async def test_a_compose_schedule_names_its_service(world: World) -> None:
    environment_id = await world.environment()
    made = await world.post(
        "compose.create", name="stack", environmentId=environment_id, composeFile="services: {a: {image: b}}"
    )
    body = {"scheduleType": "compose", "composeId": made["composeId"], **NIGHTLY}
    answer = await world.owner.post("/schedule.create", json=body)
    assert "serviceName" in answer.json()["message"]
    schedule = await world.post("schedule.create", serviceName="a", **body)
    assert (schedule["composeId"], schedule["serviceName"]) == (made["composeId"], "a")


async def test_schedules_of_the_machine_are_for_owners_and_admins(world: World) -> None:
    made = await world.post("schedule.create", scheduleType="dokploy-server", **NIGHTLY)
    mine = {"scheduleId": made["scheduleId"]}
    assert len(await world.get("schedule.list", id="", scheduleType="dokploy-server")) == 1
    for client, status in ((world.member, 404), (world.stranger, 404)):
        assert (await client.get("/schedule.one", params=mine)).status_code == status
        assert (await client.post("/schedule.runManually", json=mine)).status_code == status
        listed = await client.get("/deployment.allByType", params={"id": mine["scheduleId"], "type": "schedule"})
        assert (listed.status_code, listed.json()["message"]) == (404, "Schedule not found")
    answer = await world.member.get("/schedule.list", params={"id": "", "scheduleType": "dokploy-server"})
    assert answer.status_code == 403
    answer = await world.stranger.get("/schedule.list", params={"id": "", "scheduleType": "dokploy-server"})
    assert answer.json() == []


async def test_a_run_by_hand_is_a_deployment_and_starts_once_for_a_key(world: World) -> None:
    application_id = await world.application()
    made = await world.post("schedule.create", applicationId=application_id, **NIGHTLY)
    mine = {"scheduleId": made["scheduleId"]}
    answers = [
        await world.owner.post("/schedule.runManually", json=mine, headers={"idempotency-key": "one"}) for _ in range(2)
    ]
    started = [each.json() for each in answers]
    assert started[0] == started[1]
    assert answers[0].headers["x-deployment-id"] == started[0]["deploymentId"]
    (row,) = await world.get("deployment.allByType", id=made["scheduleId"], type="schedule")
    assert (row["title"], row["description"], row["kind"], row["scheduleId"], row["logPath"]) == (
        *("Schedule", "Run by hand", "schedule", made["scheduleId"], started[0]["logPath"]),
    )
    assert await world.get("deployment.all", applicationId=application_id) == []


async def test_moved_with_its_application_and_gone_with_it(world: World) -> None:
    application_id = await world.application()
    made = await world.post("schedule.create", applicationId=application_id, **NIGHTLY)
    await world.post("schedule.runManually", scheduleId=made["scheduleId"])
    environment_id = await world.environment("another")
    await world.post("application.move", applicationId=application_id, targetEnvironmentId=environment_id)
    (row,) = await world.get("deployment.allByType", id=made["scheduleId"], type="schedule")
    project_id = (await world.get("application.one", applicationId=application_id))["projectId"]
    found = await world.get("deployment.search", projectId=project_id)
    assert [each["deploymentId"] for each in found["rows"]] == [row["deploymentId"]]
    await world.post("application.delete", applicationId=application_id)
    answer = await world.owner.get("/schedule.one", params={"scheduleId": made["scheduleId"]})
    assert answer.status_code == 404


async def test_its_runs_are_listed_over_both_wires_and_unknown_to_others(world: World) -> None:
    made = await world.post("schedule.create", applicationId=await world.application(), **NIGHTLY)
    started = await world.post("schedule.runManually", scheduleId=made["scheduleId"])
    given = {"id": made["scheduleId"], "type": "schedule"}
    over_trpc = {"input": json.dumps({"json": given})}
    rest = await world.owner.get("/deployment.allByType", params=given)
    trpc = await world.owner.get("/trpc/deployment.allByType", params=over_trpc)
    assert [row["deploymentId"] for row in rest.json()] == [started["deploymentId"]]
    assert trpc.json()["result"]["data"]["json"] == rest.json()
    for client in (world.stranger, world.member):
        assert (await client.get("/deployment.allByType", params=given)).status_code == 404
        refused = await client.get("/trpc/deployment.allByType", params=over_trpc)
        assert (refused.status_code, refused.json()["error"]["json"]["message"]) == (404, "Schedule not found")
        kill = {"deploymentId": started["deploymentId"]}
        assert (await client.post("/deployment.killProcess", json=kill)).status_code == 404
        assert (await client.post("/deployment.removeDeployment", json=kill)).status_code == 404
