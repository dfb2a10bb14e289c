"""A password that is kept goes to the address that it was given for: at another one it has to be given again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.http.world import World

Json = Any
ELSEWHERE = "203.0.113.9"
FOLDER = {"name": "d", "provider": "local"}
SFTP = {"name": "d", "type": "sftp", "bucket": "b", "options": {"host": "one.example", "user": "u", "pass": "p"}}
S3 = {
    "name": "d",
    "provider": "Other",
    "accessKey": "a",
    "secretAccessKey": "s",
    "bucket": "b",
    "endpoint": "one.example",
}
REGISTRY = {
    "registryName": "r",
    "username": "u",
    "password": "p",
    "registryUrl": "one.example",
    "registryType": "cloud",
}
MAIL = {"smtpServer": "one.example", "smtpPort": 587, "username": "u", "password": "p", "fromAddress": "a@one.example"}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How something is made, what changes its address, and that with its secret."""

    make: str
    given: Json
    id_name: str
    update: str
    moved: Json
    again: Json
    same: Json


RESOURCES = {
    "S3": Kept(
        make="destination.create",
        given=S3,
        id_name="destinationId",
        update="destination.update",
        moved=S3 | {"secretAccessKey": "", "endpoint": ELSEWHERE},
        again=S3 | {"endpoint": ELSEWHERE},
        same=S3 | {"secretAccessKey": "", "bucket": "c", "accessKey": "b"},
    ),
    "S3 by an option": Kept(
        make="destination.create",
        given=S3,
        id_name="destinationId",
        update="destination.update",
        moved=S3 | {"secretAccessKey": "", "options": {"ENDPOINT": ELSEWHERE}},
        again=S3 | {"options": {"endpoint": ELSEWHERE}},
        same=S3 | {"secretAccessKey": "", "region": "r"},
    ),
    "S3 of another provider": Kept(
        make="destination.create",
        given=S3 | {"provider": "AWS", "endpoint": ""},
        id_name="destinationId",
        update="destination.update",
        moved=S3 | {"secretAccessKey": "", "provider": "Wasabi", "endpoint": ""},
        again=S3 | {"provider": "Wasabi", "endpoint": ""},
        same=S3 | {"secretAccessKey": "", "provider": "AWS", "endpoint": "", "region": "eu-west-1"},
    ),
    "SFTP of another kind": Kept(
        make="destination.create",
        given=SFTP,
        id_name="destinationId",
        update="destination.update",
        moved=SFTP | {"type": "ftp", "options": {}},
        again=SFTP | {"type": "ftp"},
        same=SFTP | {"options": {}, "bucket": "c"},
    ),
    "registry": Kept(
        make="registry.create",
        given=REGISTRY,
        id_name="registryId",
        update="registry.update",
        moved={"registryUrl": ELSEWHERE},
        again={"registryUrl": ELSEWHERE, "password": "p"},
        same={"registryUrl": "https://one.example/", "username": "v"},
    ),
    "mail": Kept(
        make="notification.createEmail",
        given={"name": "n", "toAddresses": ["b@one.example"], **MAIL},
        id_name="notificationId",
        update="notification.updateEmail",
        moved={"smtpServer": ELSEWHERE},
        again={"smtpServer": ELSEWHERE, "password": "p"},
        same={"username": "v", "smtpServer": "one.example"},
    ),
    "Gotify": Kept(
        make="notification.createGotify",
        given={"name": "n", "serverUrl": "https://one.example", "appToken": "t"},
        id_name="notificationId",
        update="notification.updateGotify",
        moved={"serverUrl": f"https://{ELSEWHERE}"},
        again={"serverUrl": f"https://{ELSEWHERE}", "appToken": "t"},
        same={"priority": 3},
    ),
    "ntfy": Kept(
        make="notification.createNtfy",
        given={"name": "n", "serverUrl": "https://one.example", "topic": "x", "accessToken": "t"},
        id_name="notificationId",
        update="notification.updateNtfy",
        moved={"serverUrl": f"https://{ELSEWHERE}", "accessToken": ""},
        again={"serverUrl": f"https://{ELSEWHERE}", "accessToken": "t"},
        same={"topic": "y"},
    ),
    "webhook": Kept(
        make="notification.createCustom",
        given={"name": "n", "endpoint": "https://one.example/a", "headers": {"authorization": "t"}},
        id_name="notificationId",
        update="notification.updateCustom",
        moved={"endpoint": f"https://{ELSEWHERE}"},
        again={"endpoint": f"https://{ELSEWHERE}", "headers": {"authorization": "t"}},
        same={"name": "m"},
    ),
    "channel": Kept(
        make="notification.create",
        given={"name": "n", "endpoint": "https://one.example/a", "headers": {"authorization": "t"}},
        id_name="notificationId",
        update="notification.update",
        moved={"endpoint": f"https://{ELSEWHERE}"},
        again={"endpoint": f"https://{ELSEWHERE}", "headers": {}},
        same={"endpoint": "https://one.example/a"},
    ),
}


@pytest.mark.parametrize("name", sorted(RESOURCES))
async def test_at_another_address_it_has_to_be_given_again(world: World, name: str) -> None:
    kept = RESOURCES[name]
    made = await world.post(kept.make, **kept.given)
    await _proves(world, kept.update, {kept.id_name: made[kept.id_name]}, (kept.moved, kept.again, kept.same))


async def test_an_applications_registry(world: World) -> None:
    own = {"dockerImage": "one.example/a", "registryUrl": "one.example", "username": "u", "password": "p"}
    mine = {"applicationId": await world.application()}
    for procedure in ("application.saveDockerProvider", "application.update"):
        await world.post("application.saveDockerProvider", **mine, **own)
        moved = own | {"registryUrl": ELSEWHERE}
        del moved["password"]
        same = {name: value for name, value in own.items() if name != "password"}
        await _proves(world, procedure, mine, (moved, moved | {"password": "p"}, same))


async def test_a_server_that_is_backed_up(world: World) -> None:
    environment_id = await world.environment()
    connection = {"host": "one.example", "port": 5432, "username": "u", "password": "p"}
    given = {"databaseType": "postgres", "database": "d", "name": "d", "environmentId": environment_id}
    made = await world.post("backup.create", **given, connection=connection)
    mine = {"backupId": made["backupId"]}
    for moved in ({"host": ELSEWHERE}, {"port": 6543}, {"host": ELSEWHERE, "password": ""}):
        await _refused(world, "backup.update", mine | {"connection": moved})
    await world.post("backup.update", **mine, connection={"username": "v"})
    await world.post("backup.update", **mine, connection={"host": ELSEWHERE, "password": "p"})


async def test_a_database_elsewhere(world: World) -> None:
    place = {"name": "d", "appName": "d", "databaseName": "d", "databaseUser": "u", "databasePassword": "p"}
    place |= {"environmentId": await world.environment(), "dockerImage": ""}
    made = await world.post("postgres.create", **place, connection={"host": "one.example", "port": 5432})
    mine = {"postgresId": made["postgresId"]}
    await _refused(world, "postgres.update", mine | {"connection": {"host": ELSEWHERE, "port": 5432}})
    await world.post("postgres.update", **mine, connection={"host": "one.example", "port": 5432}, databaseUser="v")
    moved = {"connection": {"host": ELSEWHERE, "port": 5432}, "databasePassword": "p"}
    await world.post("postgres.update", **mine, **moved)


async def test_a_trial_with_what_is_kept_goes_nowhere_else(world: World) -> None:
    made = await world.post("destination.create", **S3)
    moved = S3 | {"secretAccessKey": "", "endpoint": ELSEWHERE, "destinationId": made["destinationId"]}
    await _refused(world, "destination.testConnection", moved)


async def test_a_folder_of_the_machine_is_for_who_may_use_the_machine(world: World) -> None:
    made = await world.post("destination.create", **FOLDER)
    for procedure, given in (
        ("destination.create", FOLDER),
        ("destination.create", FOLDER | {"provider": "LOCAL"}),
        ("destination.create", {"name": "d", "type": "local"}),
        ("destination.testConnection", FOLDER),
    ):
        answer = await world.stranger.post(f"/{procedure}", json=given)
        assert (answer.status_code, "reaches the machine itself" in answer.text) == (403, True), answer.text
    changed = await world.post("destination.update", **made | {"name": "renamed"})
    assert changed["name"] == "renamed"


async def _proves(world: World, update: str, mine: Json, changes: tuple[Json, Json, Json]) -> None:
    moved, again, same = changes
    await world.post(update, **mine, **same)
    await _refused(world, update, mine | moved)
    await world.post(update, **mine, **again)


async def _refused(world: World, procedure: str, sent: Json) -> None:
    answer = await world.owner.post(f"/{procedure}", json=sent)
    assert (answer.status_code, "was given for another address" in answer.text) == (400, True), answer.text
