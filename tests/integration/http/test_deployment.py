"""``deployment.*`` on an open platform: lists, the queue, logs, ends and removal."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from headway.core.deployments import store
from headway.core.deployments.status import Status
from tests.integration.http.world import World


async def test_lists_hold_an_applications_deployments_newest_first(world: World) -> None:
    mine, other = await world.application("mine"), await world.application("other")
    ids = [await world.deploy(mine) for _ in range(3)]
    await world.deploy(other)
    for procedure, query in (("deployment.all", {"applicationId": mine}), ("deployment.allByType", {"id": mine})):
        kind = {"type": "application"} if procedure.endswith("Type") else {}
        rows = await world.get(procedure, **query, **kind)
        assert [row["deploymentId"] for row in rows] == ids[::-1]
        assert {row["applicationId"] for row in rows} == {mine}


async def test_rows_do_not_run_back_in_time(world: World) -> None:
    application_id = await world.application()
    for _ in range(5):
        await world.deploy(application_id)
    times = [row["createdAt"] for row in await world.get("deployment.all", applicationId=application_id)]
    assert times == sorted(times, reverse=True)


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    missing: Sequence[tuple[str, dict[str, str], str]] = (
        ("deployment.all", {"applicationId": "nope"}, "Application"),
        ("deployment.allByCompose", {"composeId": "nope"}, "Compose"),
        ("deployment.allByServer", {"serverId": "nope"}, "Server"),
        ("deployment.allByType", {"id": "nope", "type": "schedule"}, "Schedule"),
        ("deployment.allByType", {"id": "nope", "type": "previewDeployment"}, "Preview deployment"),
        ("deployment.allByType", {"id": "nope", "type": "backup"}, "Backup"),
        ("deployment.allByType", {"id": "nope", "type": "volumeBackup"}, "Volume backup"),
        ("deployment.one", {"deploymentId": "nope"}, "Deployment"),
        ("deployment.readLogs", {"deploymentId": "nope"}, "Deployment"),
        ("deployment.follow", {"deploymentId": "nope"}, "Deployment"),
    )
    for procedure, query, noun in missing:
        answer = await world.owner.get(f"/{procedure}", params=query)
        assert (answer.status_code, answer.json()["message"]) == (404, f"{noun} not found"), procedure


async def test_all_of_the_organisation_come_with_what_they_belong_to(world: World) -> None:
    application_id = await world.application("trivial")
    deployment_id = await world.deploy(application_id)
    (row,) = await world.get("deployment.allCentralized")
    assert row["deploymentId"] == deployment_id
    assert (row["application"]["applicationId"], row["application"]["name"]) == (application_id, "trivial")
    assert row["application"]["environment"]["name"] == "production"
    assert row["application"]["environment"]["project"]["name"] == "bench"
    assert (await world.stranger.get("/deployment.allCentralized")).json() == []
    assert (await world.member.get("/deployment.allCentralized")).json() == []


async def test_the_queue_holds_what_waits_and_runs_and_nobody_elses(world: World) -> None:
    application_id = await world.application()
    await world.ended(application_id)
    active = await world.deploy(application_id, title="slow one", description="sample")
    await world.claim()
    waiting = await world.deploy(application_id, "application.redeploy")
    jobs = await world.get("deployment.queueList")
    assert [(job["id"], job["state"], job["data"]["type"]) for job in jobs] == [
        (waiting, "waiting", "redeploy"),
        (active, "active", "deploy"),
    ]
    assert (jobs[1]["data"]["titleLog"], jobs[1]["data"]["descriptionLog"]) == ("slow one", "sample")
    assert jobs[0]["servicePath"]["href"].endswith(f"/services/application/{application_id}")
    assert (await world.stranger.get("/deployment.queueList")).json() == []
    assert (await world.member.get("/deployment.queueList")).json() == []


async def test_a_log_is_read_from_its_end(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    assert await world.get("deployment.readLogs", deploymentId=deployment_id) == ""
    world.write_log(deployment_id, "".join(f"line {number}\n" for number in range(200)))
    assert await world.get("deployment.readLogs", deploymentId=deployment_id, tail=2) == "line 198\nline 199\n"
    assert (await world.get("deployment.readLogs", deploymentId=deployment_id)).startswith("line 100\n")


@pytest.mark.parametrize("text", ["a\x00b\n", "ünïcode ✅\n", "a\rb\n", '"quoted" \\ \n'])
async def test_a_log_is_a_json_string_whatever_it_holds(world: World, text: str) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, text)
    assert await world.get("deployment.readLogs", deploymentId=deployment_id) == text


@pytest.mark.parametrize("status", [Status.DONE, Status.ERROR])
async def test_what_has_ended_cannot_be_killed(world: World, status: Status) -> None:
    deployment_id = await world.ended(await world.application(), status)
    refused = await world.owner.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    assert (refused.status_code, refused.json()["message"]) == (400, "Deployment is not running")


async def test_what_waits_is_cancelled(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    answer = await world.owner.post("/deployment.cancel", json={"deploymentId": deployment_id})
    assert (answer.status_code, answer.content) == (200, b"")
    row = await world.get("deployment.one", deploymentId=deployment_id)
    assert (row["status"], row["reason"]) == ("error", "cancelled")


async def test_a_failed_one_says_why(world: World) -> None:
    row = await world.get("deployment.one", deploymentId=await world.ended(await world.application(), Status.ERROR))
    assert (row["status"], row["reason"], row["errorMessage"]) == ("error", "failed", "Step build: exit status 7")


async def test_remove_gives_the_row_and_takes_record_and_log(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    world.write_log(deployment_id, "text\n")
    (row,) = await world.get("deployment.all", applicationId=application_id)
    assert await world.post("deployment.removeDeployment", deploymentId=deployment_id) == row
    assert not (world.platform.data_dir.logs / f"{deployment_id}.log").exists()
    again = await world.owner.post("/deployment.removeDeployment", json={"deploymentId": deployment_id})
    assert (again.status_code, again.json()["message"]) == (404, "Deployment not found")


async def test_one_that_waits_is_cancelled_and_removed(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    row = await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert (row["status"], row["reason"]) == ("error", "cancelled")
    assert await world.get("deployment.all", applicationId=application_id) == []


async def test_one_that_runs_is_not_removed_under_its_own_feet(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    await world.claim()
    refused = await world.owner.post("/deployment.removeDeployment", json={"deploymentId": deployment_id})
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert refused.json()["message"] == "Deployment is running; kill it first"
    assert len(await world.get("deployment.all", applicationId=application_id)) == 1


async def test_a_row_says_who_asked_and_whether_by_hand(world: World) -> None:
    application_id = await world.application()
    for headers, trigger in (
        ({}, "api"),
        ({"x-headway-trigger": "manual"}, "manual"),
        ({"x-headway-trigger": "x"}, "api"),
    ):
        body = {"applicationId": application_id}
        answer = await world.owner.post("/application.deploy", json=body, headers=headers)
        row = await world.get("deployment.one", deploymentId=answer.headers["x-deployment-id"])
        assert row["trigger"] == trigger
        assert (row["triggeredBy"]["name"], row["triggeredBy"]["apiKeyName"]) == ("Owner", "owner")
        assert row in await world.get("deployment.all", applicationId=application_id)


async def test_every_row_holds_the_steps_of_its_run(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    lease = await world.claim()
    await world.services.db.run(lambda tx: store.begin_step(tx, deployment_id, "build", 1, 7))
    (row,) = await world.get("deployment.all", applicationId=application_id)
    assert [(step["name"], step["logOffset"], step["durationMs"]) for step in row["steps"]] == [("build", 7, None)]
    await world.end(lease)
    for _ in range(2):  # made, and kept
        (row,) = await world.get("deployment.allCentralized")
        assert row["steps"][0]["durationMs"] >= 0
        assert row == (await world.get("deployment.search"))["rows"][0]
    await world.services.db.run(lambda tx: store.set_fields(tx, deployment_id, unstable=True))
    assert (await world.get("deployment.allCentralized"))[0]["unstable"]
    assert (await world.post("deployment.removeDeployment", deploymentId=deployment_id))["steps"] == row["steps"]
