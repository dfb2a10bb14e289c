"""``environment.*``."""

from __future__ import annotations

from tests.integration.http.world import World


async def test_environments_of_a_project_come_default_first(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    await world.post("environment.create", projectId=project_id, name="alpha", description="Try", env="A=1")
    found = await world.get("environment.byProjectId", projectId=project_id)
    assert [each["name"] for each in found] == ["production", "alpha"]
    assert (found[1]["description"], found[1]["env"], found[1]["isDefault"]) == ("Try", "A=1", False)
    assert found[1]["project"]["projectId"] == project_id


async def test_one_shows_what_lies_in_it_and_no_more(world: World) -> None:
    await world.application("trivial")
    (project,) = await world.get("project.all")
    production = project["environments"][0]["environmentId"]
    staging = await world.post("environment.create", projectId=project["projectId"], name="staging")
    full = await world.get("environment.one", environmentId=production)
    empty = await world.get("environment.one", environmentId=staging["environmentId"])
    assert [each["name"] for each in full["applications"]] == ["trivial"]
    assert empty["applications"] == []
    assert full["project"]["name"] == project["name"]


async def test_update_renames_and_sets_variables(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    made = await world.post("environment.create", projectId=project_id, name="staging")
    updated = await world.post("environment.update", environmentId=made["environmentId"], name="beta", env="B=2")
    assert updated == {**made, "name": "beta", "env": "B=2"}


async def test_the_default_one_keeps_its_name_and_stays(world: World) -> None:
    environment_id = await world.environment()
    renamed = await world.owner.post("/environment.update", json={"environmentId": environment_id, "name": "x"})
    removed = await world.owner.post("/environment.remove", json={"environmentId": environment_id})
    assert (renamed.status_code, removed.status_code) == (400, 400)
    kept = await world.post("environment.update", environmentId=environment_id, name="production", env="C=3")
    assert kept["env"] == "C=3"


async def test_production_is_no_name_for_another(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    refused = await world.owner.post("/environment.create", json={"projectId": project_id, "name": "production"})
    assert refused.status_code == 400


async def test_one_that_holds_something_stays(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    made = await world.post("environment.create", projectId=project_id, name="staging")
    await world.post("application.create", name="kept", environmentId=made["environmentId"])
    refused = await world.owner.post("/environment.remove", json={"environmentId": made["environmentId"]})
    assert refused.status_code == 409
    assert "kept" in refused.json()["message"]


async def test_an_empty_one_goes(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    made = await world.post("environment.create", projectId=project_id, name="staging")
    assert await world.post("environment.remove", environmentId=made["environmentId"]) == made
    gone = await world.owner.get("/environment.one", params={"environmentId": made["environmentId"]})
    assert (gone.status_code, gone.json()["message"]) == (404, "Environment not found")


async def test_a_stranger_sees_none_of_it(world: World) -> None:
    environment_id = await world.environment()
    answer = await world.stranger.get("/environment.one", params={"environmentId": environment_id})
    assert (answer.status_code, answer.json()["message"]) == (404, "Environment not found")
