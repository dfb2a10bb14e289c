"""``auditLog.all``: newest first, by page, and by who, what, which and when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http.world import World

Json = Any


async def procedures(world: World, **search: Json) -> list[str]:
    answer = await world.owner.get("/auditLog.all", params=search)
    assert answer.status_code == 200, answer.text
    return [row["procedure"] for row in answer.json()["logs"]]


@pytest.fixture
async def busy(world: World) -> World:
    """A world in which the owner has made and renamed a project, and the member was refused."""
    made = await world.post("project.create", name="Shop")
    await world.post("project.update", projectId=made["project"]["projectId"], name="Store")
    await world.post("sshKey.create", name="k", privateKey=None)
    assert (await world.member.post("/project.create", json={"name": "never"})).status_code == 403
    return world


async def test_it_tells_what_was_changed_newest_first(busy: World) -> None:
    page = await busy.get("auditLog.all")
    assert page["total"] == 3
    assert await procedures(busy) == ["sshKey.create", "project.update", "project.create"]
    row = page["logs"][1]
    assert (row["action"], row["resourceType"], row["resourceName"]) == ("update", "project", "Store")
    assert (row["userRole"], row["apiKeyName"], row["metadata"]["given"]) == ("owner", "owner", ["name", "projectId"])


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"action": "create"}, ["sshKey.create", "project.create"]),
        ({"resourceType": "project"}, ["project.update", "project.create"]),
        ({"resourceName": "sHo"}, ["project.create"]),
        ({"resourceName": "%"}, []),
        ({"procedure": "project.update"}, ["project.update"]),
        ({"userId": "nobody"}, []),
        ({"from": "2100-01-01"}, []),
        ({"to": "2100-01-01T00:00:00Z", "limit": 1}, ["sshKey.create"]),
        ({"offset": 1, "limit": 1}, ["project.update"]),
    ],
)
async def test_it_is_searched(busy: World, search: Json, found: list[str]) -> None:
    assert await procedures(busy, **search) == found


async def test_it_comes_in_pages(busy: World) -> None:
    first = await busy.owner.get("/auditLog.all", params={"limit": 2})
    cursor = first.headers["x-next-cursor"]
    last = await busy.owner.get("/auditLog.all", params={"limit": 2, "cursor": cursor})
    assert [row["procedure"] for row in last.json()["logs"]] == ["project.create"]
    assert "x-next-cursor" not in last.headers


async def test_a_time_that_is_none_is_told(busy: World) -> None:
    answer = await busy.owner.get("/auditLog.all", params={"from": "yesterday"})
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, ["from"])


async def test_others_see_nothing_of_it(busy: World) -> None:
    assert (await busy.stranger.get("/auditLog.all")).json() == {"logs": [], "total": 0, "nextCursor": None}
