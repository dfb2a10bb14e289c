"""What waits is bounded, and so is what it is called: nobody has everybody's lists grow."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.integration.http.world import World, open_world
from tests.unit.features.webhooks import deliveries as sent

MOST = 100
LONGEST = 1_024


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def test_a_service_has_a_hundred_waiting_and_no_more(world: World) -> None:
    application_id = await world.application(customGitBranch="main", newestWins=False)
    for _ in range(MOST):
        await world.deploy(application_id)
    token = (await world.get("application.one", applicationId=application_id))["refreshToken"]
    for procedure in ("application.deploy", "application.redeploy"):
        refused = await world.owner.post(f"/{procedure}", json={"applicationId": application_id})
        assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
        assert int(refused.headers["retry-after"]) > 0
        assert "HEADWAY_PENDING_DEPLOYMENTS" in refused.json()["message"]
    headers, body = sent.github()
    told = await world.nobody.post(f"/deploy/{token}", headers=headers, content=body)
    assert (told.status_code, "retry-after" in told.headers) == (429, True)
    assert len(await world.get("deployment.all", applicationId=application_id)) == MOST
    ends: list[str] = []

    def note(*given: object) -> None:
        statement = str(given[2])
        if statement.startswith("UPDATE deployments SET") and "finished_at" in statement:
            ends.append(statement)

    event.listen(world.services.db.writer, "before_cursor_execute", note)
    await world.post("application.cleanQueues", applicationId=application_id)
    event.remove(world.services.db.writer, "before_cursor_execute", note)
    assert len(ends) == 1
    rows = await world.get("deployment.all", applicationId=application_id)
    assert {(row["status"], row["reason"]) for row in rows} == {("error", "cancelled")}
    assert all(row["finishedAt"] >= row["createdAt"] for row in rows)
    assert (await world.owner.post("/application.deploy", json={"applicationId": application_id})).status_code == 200
    other = await world.post(
        "application.create",
        name="other",
        environmentId=await world.environment("more"),
        customGitUrl="https://x.example/y",
    )
    await world.deploy(other["applicationId"])


async def test_what_is_said_of_services_and_where_they_lie_is_short(world: World) -> None:
    environment = await world.environment()
    made = await world.post("project.create", name="short")
    project, application = made["project"]["projectId"], await world.application()
    server = (await world.post("server.create", name="s", ipAddress="10.0.0.1"))["serverId"]
    await world.post("sshKey.create", name="k")
    key = (await world.get("sshKey.all"))[0]["sshKeyId"]
    for procedure, given in {
        "project.create": {"name": "long"},
        "project.update": {"projectId": project},
        "environment.create": {"name": "long", "projectId": project},
        "environment.update": {"environmentId": environment},
        "application.create": {"name": "long", "environmentId": environment},
        "application.update": {"applicationId": application},
        "compose.create": {"name": "long", "environmentId": environment},
        "postgres.create": {"name": "long", "environmentId": environment, "databaseName": "d", "databaseUser": "u"},
        "server.create": {"name": "long", "ipAddress": "10.0.0.2"},
        "server.update": {"serverId": server},
        "sshKey.create": {"name": "long"},
        "sshKey.update": {"sshKeyId": key},
    }.items():
        answer = await world.owner.post(f"/{procedure}", json={**given, "description": "x" * (LONGEST + 1)})
        assert (answer.status_code, "description" in answer.text) == (400, True), (procedure, answer.text)
        answer = await world.owner.post(f"/{procedure}", json={**given, "description": "x" * LONGEST})
        assert answer.status_code == 200, (procedure, answer.text)


async def test_what_a_caller_calls_a_deployment_is_short(world: World) -> None:
    application_id = await world.application()
    for field in ("title", "description"):
        given = {"applicationId": application_id, field: "x" * (LONGEST + 1)}
        assert (await world.owner.post("/application.deploy", json=given)).status_code == 400
    await world.deploy(application_id, title="x" * LONGEST, description="y" * LONGEST)


async def test_what_a_sender_calls_it_is_cut(world: World) -> None:
    application_id = await world.application(customGitBranch="main")
    token = (await world.get("application.one", applicationId=application_id))["refreshToken"]
    body = {"ref": "refs/heads/main", "title": "t" * 900_000, "message": "m" * 900_000, "branch": "main"}
    headers = {"content-type": "application/json"}
    answer = await world.nobody.post(f"/deploy/{token}", headers=headers, content=json.dumps(body))
    assert answer.status_code == 200, answer.text
    (row,) = await world.get("deployment.all", applicationId=application_id)
    assert set(row["title"]) == {"m"}
    assert len(row["title"]) <= LONGEST
    assert len(json.dumps(row)) < 50_000


async def test_a_form_of_nothing_but_names_is_not_kept(world: World) -> None:
    application_id = await world.application()
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n\r\n' % each for each in range(5_000))
    long = b"--x\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for body in (parts, long):
        answer = await world.owner.post(
            "/application.dropDeployment",
            params={"applicationId": application_id},
            content=body + b"--x--\r\n",
            headers=headers,
        )
        assert answer.status_code == 400, answer.text
