"""Keys at the door: made in the words of known clients, counted on every wire, shown as they were last used."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.http.world import World, client_with

Json = Any


async def made(world: World, **given: Json) -> httpx.AsyncClient:
    """A client with a new key."""
    return client_with(world.app, (await world.post("user.createApiKey", name="n", **given))["key"])


async def test_a_key_is_made_as_known_clients_ask_for_it(world: World) -> None:
    organization_id = (await world.get("user.get"))["organizationId"]
    given = {"expiresIn": 3_600, "rateLimitMax": 9, "rateLimitTimeWindow": 60_000, "prefix": "ci_"}
    row = await world.post("user.createApiKey", name="ci", metadata={"organizationId": organization_id}, **given)
    assert (len(row["key"]), row["start"]) == (64, row["key"][:9])
    assert (row["rateLimitEnabled"], row["rateLimitMax"], row["rateLimitTimeWindow"]) == (True, 9, 60_000)
    listed = next(each for each in await world.get("user.apiKeys") if each["id"] == row["id"])
    assert listed == {name: value for name, value in row.items() if name != "key"}


@pytest.mark.parametrize("metadata", ['{"organizationId": "another"}', {"organizationId": "another"}])
async def test_a_key_to_another_organisation_is_not_made(world: World, metadata: Json) -> None:
    answer = await world.owner.post("/user.createApiKey", json={"name": "n", "metadata": metadata})
    assert (answer.status_code, answer.json()["message"]) == (404, "Organization not found")


async def test_a_bound_that_could_not_be_kept_is_refused(world: World) -> None:
    answer = await world.owner.post("/user.createApiKey", json={"name": "n", "remaining": 5})
    assert (answer.status_code, "rateLimitMax" in answer.json()["message"]) == (400, True)


async def test_lists_may_come_as_texts_as_the_official_command_line_sends_them(world: World) -> None:
    project_id = (await world.post("project.create", name="p"))["project"]["projectId"]
    for projects in ([project_id], f'["{project_id}"]', project_id):
        assert (await world.post("user.createApiKey", name="n", projects=projects))["projects"] == [project_id]


async def test_a_key_that_has_made_its_calls_is_told_when_to_come_again(world: World) -> None:
    async with await made(world, rateLimitMax=2, rateLimitTimeWindow=3_600_000) as client:
        assert [(await client.get("/project.all")).status_code for _ in range(2)] == [200, 200]
        refused = await client.get("/project.all")
        assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
        assert 3_590 <= int(refused.headers["retry-after"]) <= 3_600
        over_trpc = await client.get("/trpc/project.all")
        assert (over_trpc.status_code, over_trpc.headers["retry-after"].isdigit()) == (429, True)
        assert over_trpc.json()["error"]["json"]["code"] == -32029
        assert (await client.get("/deployment.follow", params={"deploymentId": "x"})).status_code == 429
    assert (await world.owner.get("/project.all")).status_code == 200


async def test_each_call_of_a_batch_counts(world: World) -> None:
    async with await made(world, rateLimitMax=3, rateLimitTimeWindow=3_600_000) as client:
        batch = "/trpc/project.all,project.all?batch=1"
        assert [(await client.get(batch)).status_code for _ in range(2)] == [200, 429]
        assert (await client.get("/project.all")).status_code == 200


async def test_reading_writes_nothing_and_yet_the_last_use_is_shown(world: World) -> None:
    async with await made(world) as client:
        before = await world.services.db.version.now()
        await client.get("/project.all")
        assert await world.services.db.version.now() == before
        me = (await client.get("/user.get")).json()
    used = {each["name"]: each["lastRequest"] for each in me["user"]["apiKeys"]}
    assert used["n"] is not None
