"""What was let in before its access ended does nothing after it: bodies that come late, files, batches, forms."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from headway.core.access import sessions_store
from headway.core.deployments.service import DeploymentService
from tests.integration.http.serving import reader, served
from tests.integration.http.test_members import joined
from tests.integration.http.world import World, client_with, open_world
from tests.integration.sources.archives import FILES, zipped
from tests.integration.web.browsers import OWN, fields_of, signed_in

JSON = {"content-type": "application/json"}


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def late(body: bytes, meanwhile: Callable[[], Awaitable[object]]) -> AsyncIterator[bytes]:
    """A body whose last byte comes once something has happened."""
    yield body[:-1]
    await meanwhile()
    yield body[-1:]


async def test_a_key_that_is_removed_makes_no_other(world: World) -> None:
    stolen = await world.post("user.createApiKey", name="stolen")
    body = json.dumps({"name": "lasting"}).encode()
    async with client_with(world.app, stolen["key"]) as client:
        sent = late(body, lambda: world.post("user.deleteApiKey", apiKeyId=stolen["id"]))
        answer = await client.post("/user.createApiKey", content=sent, headers=JSON)
    assert answer.status_code == 401, answer.text
    assert "lasting" not in [each["name"] for each in await world.get("user.apiKeys")]


async def test_an_owner_who_is_made_a_member_stays_one(world: World) -> None:
    second = await joined(world, "owner")
    member = next(each for each in await world.get("user.all") if each["user"]["email"] == "mia@example.org")
    given = {"memberId": member["id"]}
    body = json.dumps({**given, "role": "owner"}).encode()
    async with client_with(world.app, second["key"]) as client:
        sent = late(body, lambda: world.post("organization.updateMemberRole", **given, role="member"))
        answer = await client.post("/organization.updateMemberRole", content=sent, headers=JSON)
    assert answer.status_code == 403, answer.text
    roles = {each["id"]: each["role"] for each in await world.get("user.all")}
    assert roles[member["id"]] == "member"


async def test_the_calls_of_a_batch_end_with_its_key(world: World) -> None:
    made = await world.post("user.createApiKey", name="own")
    given = {"0": {"json": {"apiKeyId": made["id"]}}, "1": {"json": {"name": "lasting"}}}
    async with client_with(world.app, made["key"]) as client:
        answer = await client.post("/trpc/user.deleteApiKey,user.createApiKey?batch=1", json=given)
    assert answer.status_code == 207
    assert answer.json()[1]["error"]["json"]["data"]["code"] == "UNAUTHORIZED"


async def test_a_file_of_who_was_removed_is_not_deployed(world: World, tmp_path: Path) -> None:
    application_id = await world.application()
    someone = await joined(world, accessedServices=[application_id])
    file = zipped(tmp_path / "shop.zip", FILES).read_bytes()
    user_id = next(each["userId"] for each in await world.get("user.all") if each["user"]["email"])
    async with client_with(world.app, someone["key"]) as client:
        sent = late(file, lambda: world.post("user.remove", userId=user_id))
        answer = await client.post(
            "/application.dropDeployment",
            params={"applicationId": application_id, "fileName": "x.zip"},
            content=sent,
            headers={"content-type": "application/zip"},
        )
    assert answer.status_code == 401, answer.text
    assert await world.get("deployment.all", applicationId=application_id) == []


async def test_a_form_of_a_session_that_has_ended_changes_nothing(world: World) -> None:
    application_id = await world.application()
    path = f"/services/{application_id}/variables/text-application"
    user_id = (await world.get("user.get"))["userId"]

    async def end() -> None:
        await world.services.db.run(lambda tx: sessions_store.end_all(tx, user_id))
        world.services.access.changed(user_id)

    async with signed_in(world) as client:
        typed = {**await fields_of(client, path), "env": "LATE=1"}
        headers = {**OWN, "content-type": "application/x-www-form-urlencoded"}
        answer = await client.post(path, content=late(urlencode(typed).encode(), end), headers=headers)
    assert answer.status_code == 401, answer.text
    assert not (await world.get("application.one", applicationId=application_id))["env"]


@pytest.mark.parametrize("what", ["follow", "followLines"])
async def test_who_loses_access_while_a_stream_is_opened_hears_nothing(
    world: World, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = await world.deploy(await world.application())
    await world.claim()
    world.write_log(deployment_id, "secret\n")
    made = await world.post("user.createApiKey", name="gone")
    looked = DeploymentService.line_place if what == "followLines" else DeploymentService.one

    async def look(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as what it stands before
        found = await looked(*given, **named)
        monkeypatch.undo()
        await world.post("user.deleteApiKey", apiKeyId=made["id"])
        return found

    monkeypatch.setattr(DeploymentService, looked.__name__, look)
    async with served(world) as server, reader(server, made["key"]) as client:
        answer = await client.get(f"/deployment.{what}", params={"deploymentId": deployment_id})
    assert "secret" not in answer.text
