"""Procedures that Headway itself has no use for, and that clients of the wire call all the same."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.integration.http.backup_rows import A_REMOTE_ONE
from tests.integration.http.world import World

Json = Any
A_COMPOSE = "services: {web: {image: debian}}\n"
INVITE = "/auth/organization/invite-member"


def template(config: str, compose: str = A_COMPOSE) -> str:
    """What a catalogue hands out."""
    return base64.b64encode(json.dumps({"compose": compose, "config": config}).encode()).decode()


async def compose_service(world: World, name: str = "c", environment_id: str | None = None) -> Json:
    """A new one."""
    environment_id = environment_id or await world.environment()
    return await world.post("compose.create", name=name, environmentId=environment_id)


async def test_a_newer_version_is_never_known_of(world: World) -> None:
    assert await world.post("settings.getUpdateData") == {"latestVersion": None, "updateAvailable": False}


async def test_the_machines_address_is_told_by_both_names(world: World) -> None:
    address = await world.get("settings.getIp")
    assert address == await world.get("server.publicIp")
    metrics = await world.get("user.getMetricsToken")
    assert metrics == {"serverIp": address, "enabledFeatures": False, "metricsConfig": None}


@pytest.mark.parametrize("procedure", ["application.readAppMonitoring", "server.getServerMetrics"])
async def test_figures_that_nobody_keeps_are_refused_rather_than_made_up(world: World, procedure: str) -> None:
    answer = await world.owner.get(f"/{procedure}", params={"appName": "a", "url": "u", "token": "t"})
    assert (answer.status_code, "keeps no figures" in answer.json()["message"]) == (400, True), answer.text


async def test_the_backups_of_the_panel_itself_are_told_and_no_others(world: World) -> None:
    destination = await world.post("destination.create", name="d", provider="local")
    made = await compose_service(world)
    common = {"destinationId": destination["destinationId"], "schedule": "0 3 * * *", "prefix": "p", "enabled": False}
    of_panel = await world.post("backup.create", databaseType="web-server", database="headway", **common)
    of_service = {"databaseType": "postgres", "database": "shop", "serviceName": "db", "composeId": made["composeId"]}
    await world.post("backup.create", **of_service, **common)
    told = await world.get("user.getBackups")
    assert [each["backupId"] for each in told["backups"]] == [of_panel["backupId"]]
    assert told["id"] == (await world.get("user.get"))["userId"]
    assert (await world.member.get("/user.getBackups")).status_code == 403
    assert (await world.stranger.get("/user.getBackups")).json()["backups"] == []


async def test_compose_services_are_found_by_their_words_and_by_nobody_elses(world: World) -> None:
    first, second = await compose_service(world, "shop"), await compose_service(world, "bank")
    every = await world.get("compose.search")
    assert ({each["composeId"] for each in every["items"]}, every["total"]) == (
        {first["composeId"], second["composeId"]},
        2,
    )
    for words in ({"q": "sho"}, {"name": "SHOP"}, {"appName": first["appName"]}):
        assert [each["name"] for each in (await world.get("compose.search", **words))["items"]] == ["shop"], words
    assert (await world.stranger.get("/compose.search")).json() == {"items": [], "total": 0}


async def test_a_compose_service_is_put_into_another_project(world: World) -> None:
    made = await compose_service(world)
    target = await world.environment("elsewhere")
    moved = await world.post("compose.move", composeId=made["composeId"], targetEnvironmentId=target)
    assert moved["environmentId"] == target
    shown = await world.get("compose.one", composeId=made["composeId"])
    assert shown["environment"]["project"]["name"] == "elsewhere"


async def test_a_template_becomes_the_file_and_the_variables(world: World) -> None:
    made = await compose_service(world)
    config = 'variables = {word = "hello"}\n[config.env]\nA = "${word}"\nB = true'
    answer = await world.post("compose.import", composeId=made["composeId"], base64=template(config))
    assert answer == {"success": True, "message": "Template imported successfully"}
    shown = await world.get("compose.one", composeId=made["composeId"])
    assert (shown["sourceType"], shown["composeFile"], shown["env"]) == ("raw", A_COMPOSE, "A=hello\nB=true")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("not base64", "A template is base64"),
        (template("[config"), "A template is base64"),
        (template("", compose=""), "A template is base64"),
        (template("config = 1"), "A template is base64"),
        (template('[config]\nenv = ["A=${password:32}"]'), "to be made up"),
        (template('[[config.mounts]]\nfilePath = "a"'), "has mounts"),
        (template('[[config.domains]]\nserviceName = "web"'), "has domains"),
    ],
    ids=["no base64", "no TOML", "no file", "no table", "a helper", "mounts", "domains"],
)
async def test_what_cannot_be_taken_of_a_template_is_refused_whole(world: World, given: str, said: str) -> None:
    made = await compose_service(world)
    body = {"composeId": made["composeId"], "base64": given}
    answer = await world.owner.post("/compose.import", json=body)
    assert (answer.status_code, said in answer.json()["message"]) == (400, True), answer.text
    assert (await world.get("compose.one", composeId=made["composeId"]))["composeFile"] == made["composeFile"]


async def test_people_are_invited_by_the_path_of_the_logins(world: World) -> None:
    body = {"email": "new@example.org", "role": "member"}
    mine = (await world.get("user.get"))["organizationId"]
    answer = await world.owner.post(INVITE, json=body | {"organizationId": mine})
    assert (answer.status_code, answer.json()["status"]) == (200, "pending"), answer.text
    assert (await world.member.post(INVITE, json=body)).status_code == 403
    assert (await world.nobody.post(INVITE, json=body)).status_code == 401
    answer = await world.owner.post(INVITE, json=body | {"email": "b@example.org", "organizationId": "of-others"})
    assert (answer.status_code, answer.json()["message"]) == (404, "Organization not found")


async def test_a_database_that_was_never_deployed_is_reloaded_to_no_effect(world: World) -> None:
    made = await world.post(
        "postgres.create",
        name="db",
        environmentId=await world.environment(),
        databaseName="shop",
        databaseUser="shop",
        databasePassword="secret",
    )
    assert await world.post("postgres.reload", postgresId=made["postgresId"], appName=made["appName"]) is True
    assert (await world.get("postgres.one", postgresId=made["postgresId"]))["applicationStatus"] == "idle"


async def test_a_destination_is_renamed_by_its_name_alone(world: World) -> None:
    made = await world.post("destination.create", **A_REMOTE_ONE)
    renamed = await world.post("destination.update", destinationId=made["destinationId"], name="renamed")
    assert renamed == {**made, "name": "renamed"}
