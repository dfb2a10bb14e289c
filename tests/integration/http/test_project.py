"""``project.*`` and what lists of projects hold."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from headway.infra.db.tables.projects import projects
from headway.infra.db.tables.services import services
from tests.integration.http.backup_rows import backed_up
from tests.integration.http.world import World

KINDS = ("applications", "compose", "libsql", "mariadb", "mongo", "mysql", "postgres", "redis")


async def test_a_new_project_has_a_production_environment(world: World) -> None:
    made = await world.post("project.create", name="bench", description="Numbers", env="A=1")
    assert (made["project"]["name"], made["project"]["description"], made["project"]["env"]) == (
        "bench",
        "Numbers",
        "A=1",
    )
    assert (made["environment"]["name"], made["environment"]["isDefault"]) == ("production", True)
    assert made["environment"]["projectId"] == made["project"]["projectId"]


async def test_all_shows_the_newest_first_with_lists_of_every_kind(world: World) -> None:
    for name in ("old", "new"):
        await world.post("project.create", name=name)
    found = await world.get("project.all")
    assert [project["name"] for project in found] == ["new", "old"]
    for project in found:
        (environment,) = project["environments"]
        assert {kind: environment[kind] for kind in KINDS} == {kind: [] for kind in KINDS}


async def test_an_application_shows_in_its_environment(world: World) -> None:
    application_id = await world.application("trivial")
    (project,) = await world.get("project.all")
    (shown,) = project["environments"][0]["applications"]
    assert (shown["applicationId"], shown["name"], shown["applicationStatus"]) == (application_id, "trivial", "idle")
    one = await world.get("project.one", projectId=project["projectId"])
    assert one == project


async def test_update_changes_what_is_sent_and_nothing_else(world: World) -> None:
    project = (await world.post("project.create", name="bench", description="Numbers"))["project"]
    updated = await world.post("project.update", projectId=project["projectId"], env="SECRET=x")
    assert updated == {**project, "env": "SECRET=x"}
    assert (await world.post("project.update", projectId=project["projectId"], name="other"))["name"] == "other"


async def test_variables_are_sealed_at_rest(world: World) -> None:
    await world.post("project.create", name="bench", env="PASSWORD=hunter2hunter2")
    rows = await world.services.db.read(lambda tx: tx.execute(select(projects)).all())
    assert "hunter2" not in repr(rows)


async def test_an_empty_project_goes_with_its_environments(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    await world.post("environment.create", projectId=project_id, name="staging")
    assert (await world.post("project.remove", projectId=project_id))["projectId"] == project_id
    assert await world.get("project.all") == []
    assert (await world.owner.get("/project.one", params={"projectId": project_id})).status_code == 404


async def test_a_project_that_holds_something_stays_and_says_what(world: World) -> None:
    await world.application("trivial")
    (project,) = await world.get("project.all")
    refused = await world.owner.post("/project.remove", json={"projectId": project["projectId"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert "trivial" in refused.json()["message"]
    assert len(await world.get("project.all")) == 1


async def test_what_lies_in_it_counts_of_whatever_kind_it_is(world: World) -> None:
    of_a_new_kind = await world.application("new")
    environment = (await world.get("project.all"))[0]["environments"][0]
    for kind, name in (("mysql", "store"), ("compose", "shop")):
        fields = {"databasePassword": "p" * 16, "databaseUser": "u", "databaseName": "d"} if kind == "mysql" else {}
        await world.post(f"{kind}.create", environmentId=environment["environmentId"], name=name, **fields)
    await world.services.db.run(
        lambda tx: tx.execute(update(services).where(services.c.service_id == of_a_new_kind).values(kind="notice"))
    )
    refused = await world.owner.post("/project.remove", json={"projectId": environment["projectId"]})
    message = 'The project "bench" still holds: shop, store, new. Delete what lies in it first.'
    assert (refused.status_code, refused.json()["message"]) == (409, message)


async def test_backups_of_what_was_deleted_are_named(world: World) -> None:
    await world.application("shop")
    project = (await world.get("project.all"))[0]
    (environment,) = project["environments"]
    in_it = {"environmentId": environment["environmentId"]}
    compose_id = (await world.post("compose.create", **in_it, name="store"))["composeId"]
    made = await backed_up(world, compose_id, None)
    await world.post("compose.delete", composeId=compose_id, deleteVolumes=False)
    for row in environment["applications"]:
        await world.post("application.delete", applicationId=row["applicationId"])
    refused = await world.owner.post("/project.remove", json={"projectId": project["projectId"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert all(each in refused.json()["message"] for each in (made["backup"], made["volume_backup"]))
    await world.post("backup.remove", backupId=made["backup"])
    await world.post("volumeBackups.delete", volumeBackupId=made["volume_backup"])
    assert (await world.post("project.remove", projectId=project["projectId"]))["projectId"] == project["projectId"]


@pytest.mark.parametrize("name", [" ", "a\nb", "x" * 256])
async def test_a_name_that_is_none_is_refused(world: World, name: str) -> None:
    refused = await world.owner.post("/project.create", json={"name": name})
    assert refused.status_code == 400
    assert "name" in refused.json()["message"]


async def test_a_stranger_sees_none_of_it(world: World) -> None:
    project_id = (await world.post("project.create", name="bench"))["project"]["projectId"]
    assert (await world.stranger.get("/project.all")).json() == []
    answer = await world.stranger.get("/project.one", params={"projectId": project_id})
    unknown = await world.stranger.get("/project.one", params={"projectId": "unknown"})
    assert answer.status_code == unknown.status_code == 404
    assert answer.content == unknown.content
