"""The searches of projects, environments and applications, and the counts: what holds the words and is seen."""

from __future__ import annotations

import pytest

from tests.integration.http.world import Json, World


@pytest.fixture
async def shop(world: World) -> str:
    """Two projects; one with an application each in two environments. The id of that project."""
    await world.post("project.create", name="Blog", description="of the shop")
    made = await world.post("project.create", name="Shop")
    project_id: str = made["project"]["projectId"]
    staging = await world.post("environment.create", projectId=project_id, name="staging", description="for the shop")
    for name, environment in (("Web shop", made["environment"]), ("worker", staging)):
        given = {"environmentId": environment["environmentId"], "customGitUrl": f"https://git.example/{name[:3]}.git"}
        await world.post("application.create", name=name, description="of the shop", **given)
    return project_id


async def names(world: World, procedure: str, **query: Json) -> list[str]:
    return [each["name"] for each in (await world.get(procedure, **query))["items"]]


async def test_projects_are_found_by_name_and_description_newest_first(world: World, shop: str) -> None:
    assert await names(world, "project.search", q="shop") == ["Shop", "Blog"]
    assert await names(world, "project.search", name="SHOP") == ["Shop"]
    assert await names(world, "project.search", q="100%") == []


async def test_environments_are_found_in_all_projects_or_in_one(world: World, shop: str) -> None:
    assert await names(world, "environment.search") == ["staging", "production", "production"]
    assert await names(world, "environment.search", projectId=shop) == ["staging", "production"]
    assert await names(world, "environment.search", description="shop") == ["staging"]


async def test_applications_are_found_by_their_words_and_their_place(world: World, shop: str) -> None:
    assert await names(world, "application.search", q="shop") == ["worker", "Web shop"]
    assert await names(world, "application.search", repository="/wor") == ["worker"]
    assert await names(world, "application.search", appName="web-shop", projectId=shop) == ["Web shop"]
    assert await names(world, "application.search", environmentId="nope") == []


async def test_a_field_that_is_only_given_back_may_hold_anything(world: World, shop: str) -> None:
    (found, _) = (await world.get("application.search"))["items"]
    await world.post("application.update", applicationId=found["applicationId"], owner=[1], dockerImage=None)
    assert await names(world, "application.search", owner="x") == []


async def test_a_part_is_given_with_the_count_of_all(world: World, shop: str) -> None:
    part = await world.get("application.search", limit=1, offset=1)
    assert ([each["name"] for each in part["items"]], part["total"]) == (["Web shop"], 2)


async def test_nobody_finds_what_it_may_not_see(world: World, shop: str) -> None:
    for caller in ("member", "stranger"):
        for procedure in ("project.search", "environment.search", "application.search"):
            answer = await world.client(caller).get(f"/{procedure}", params={"q": "shop"})
            assert answer.json() == {"items": [], "total": 0}, (caller, procedure)


async def test_what_there_is_is_counted(world: World, shop: str) -> None:
    found = await world.get("project.homeStats")
    assert (found["projects"], found["environments"], found["applications"], found["services"]) == (2, 3, 2, 2)
    assert found["status"] == {"running": 0, "error": 0, "idle": 2}


async def test_what_can_be_given_is_told_without_variables(world: World, shop: str) -> None:
    await world.post("project.update", projectId=shop, env="SECRET=1")
    answer = await world.owner.get("/project.allForPermissions")
    assert [each["name"] for each in answer.json()] == ["Shop", "Blog"]
    assert "SECRET" not in answer.text
