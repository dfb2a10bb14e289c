"""``deployment.search``: filters as they are sent, pages, counts, and what the caller may see."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments.status import Status
from headway.infra.db.tables.deployments import deployments
from tests.integration.http.schemas import misfits
from tests.integration.http.world import World

Json = Any


async def found(world: World, **query: Json) -> list[str]:
    """The ids of the first page of a search."""
    return [row["deploymentId"] for row in (await world.get("deployment.search", **query))["rows"]]


async def test_each_filter_lets_through_what_it_names(world: World) -> None:
    shop, blog = await world.application("shop"), await world.application("blog")
    failed = await world.ended(shop, Status.ERROR)
    done = await world.ended(blog)
    waits = await world.deploy(shop, title="Paint the button")
    place = (await world.get("application.one", applicationId=shop))["environment"]
    user_id = (await world.get("user.get"))["userId"]
    of_done = deployments.c.deployment_id == done
    await world.services.db.run(lambda tx: tx.execute(update(deployments).where(of_done).values(commit_branch="main")))
    assert await found(world) == [waits, done, failed]
    for query, wanted in (
        ({"type": "application", "id": shop}, [waits, failed]),
        ({"type": "backup"}, []),
        ({"status": "pending,error"}, [waits, failed]),
        ({"status": "done"}, [done]),
        ({"reason": "failed"}, [failed]),
        ({"reason": "killed,lost"}, []),
        ({"trigger": "api"}, [waits, done, failed]),
        ({"trigger": "webhook,manual"}, []),
        ({"kind": "application.deploy"}, [waits, done, failed]),
        ({"kind": "backup.run"}, []),
        ({"projectId": place["projectId"]}, [waits, failed]),
        ({"environmentId": place["environmentId"]}, [waits, failed]),
        ({"environmentId": "nope"}, []),
        ({"serverId": "nope"}, []),
        ({"branch": "main"}, [done]),
        ({"branch": "mai"}, []),
        ({"triggeredBy": "Owner"}, [waits, done, failed]),
        ({"triggeredBy": user_id, "status": "done"}, [done]),
        ({"triggeredBy": "nobody"}, []),
        ({"text": "BUTTON paint"}, [waits]),
        ({"text": "exit 7"}, [failed]),
        ({"text": "%"}, []),
        ({"from": "2000-01-01"}, [waits, done, failed]),
        ({"to": "2000-01-01T00:00:00+02:00"}, []),
        ({"status": "error", "type": "application", "id": blog}, []),
    ):
        assert await found(world, **query) == wanted, query


async def test_a_time_parts_what_came_before_from_what_came_after(world: World) -> None:
    application_id = await world.application()
    before = await world.deploy(application_id)
    await asyncio.sleep(0.002)  # times on the wire are whole milliseconds
    after = await world.deploy(application_id)
    at = (await world.get("deployment.one", deploymentId=after))["createdAt"]
    assert await found(world, **{"from": at}) == [after]
    assert await found(world, to=at) == [before]


async def test_pages_follow_each_other_and_the_counts_are_of_all(world: World) -> None:
    application_id = await world.application()
    ids = [await world.deploy(application_id) for _ in range(5)]
    page = await world.get("deployment.search", limit=2, counts="true")
    assert page["counts"] == {"pending": 5, "running": 0, "done": 0, "error": 0, "atLeast": False}
    shown = page["rows"]
    while page["nextCursor"] is not None:
        page = await world.get("deployment.search", limit=2, cursor=page["nextCursor"])
        assert page["counts"] is page["lookedBackTo"] is None
        shown = shown + page["rows"]
    assert [row["deploymentId"] for row in shown] == ids[::-1]
    assert shown == await world.get("deployment.allCentralized")


async def test_nobody_finds_what_others_have(world: World) -> None:
    await world.ended(await world.application(), Status.ERROR)
    for client in (world.member, world.stranger):
        for query in ({}, {"status": "error"}, {"text": "exit"}, {"type": "application"}):
            answer = await client.get("/deployment.search", params={**query, "counts": "true"})
            assert answer.status_code == 200
            assert answer.json()["rows"] == []
            assert answer.json()["counts"]["error"] == 0


async def test_an_answer_is_as_its_schema_says(world: World) -> None:
    await world.ended(await world.application(), Status.ERROR)
    document = await world.get("settings.getOpenApiDocument")
    page = await world.get("deployment.search", counts="true")
    assert misfits({"$ref": "#/components/schemas/SearchPage"}, page, document) == []
    assert len(page["rows"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "nope"},
        {"id": "without a type"},
        {"status": "ended"},
        {"status": "done,"},
        {"reason": "because"},
        {"trigger": "x"},
        {"kind": "no kind"},
        {"from": "yesterday"},
        {"to": "0001-01-01T00:00:00+23:00"},
        {"text": "x" * 201},
        {"text": "a b c d e f g h i"},
        {"branch": "x" * 201},
        {"triggeredBy": "x" * 201},
        {"limit": 0},
        {"limit": 1_001},
        {"cursor": "x"},
        {"counts": "perhaps"},
    ],
)
async def test_nonsense_is_refused(world: World, wrong: dict[str, str]) -> None:
    answer = await world.owner.get("/deployment.search", params=wrong)
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["path"] == list(wrong)[:1] or "id" in wrong
