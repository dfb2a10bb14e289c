"""The ids of requests, and the lines that the panel's own log has about them."""

from __future__ import annotations

import logging

import pytest

from tests.integration.http.world import World

JOURNAL = "headway.features.metrics.journal"


async def test_every_answer_has_an_id_of_its_own(world: World) -> None:
    answers = [await world.owner.get(path) for path in ("/project.all", "/health", "/nope", "/project.one")]
    answers.append(await world.nobody.get("/project.all"))
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == len(answers)


async def test_an_id_that_the_client_has_given_is_kept_if_it_is_a_plain_one(world: World) -> None:
    async def given(request_id: str) -> str:
        answer = await world.owner.get("/project.all", headers={"x-request-id": request_id})
        return str(answer.headers["x-request-id"])

    assert await given("from-the-proxy.1") == "from-the-proxy.1"
    for odd in ("two words", "a" * 65, "<b>"):
        assert await given(odd) != odd


async def test_a_change_is_told_with_who_made_it_and_a_look_only_at_the_level_debug(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, JOURNAL):
        await world.owner.get("/project.all")
        answer = await world.owner.post("/project.create", json={"name": "shop"})
    (line,) = [record for record in caplog.records if record.name == JOURNAL]

    told = line.__dict__
    assert (line.getMessage(), told["method"], told["path"]) == ("request answered", "POST", "/api/project.create")
    assert (told["status"], told["request"]) == (200, answer.headers["x-request-id"])
    assert told["actor"] == (await world.get("user.get"))["userId"]
    assert told["key"]


async def test_an_end_is_told_with_the_deployments_id(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, JOURNAL):
        deployment_id = await world.ended(await world.application())
    told = {record.getMessage(): record.__dict__ for record in caplog.records if record.name == JOURNAL}

    assert told["deployment started"]["deployment"] == deployment_id
    assert (told["deployment ended"]["deployment"], told["deployment ended"]["status"]) == (deployment_id, "done")
    assert told["deployment ended"]["host"] == "local"
