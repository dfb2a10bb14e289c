"""An address of a private network is reached as long as its organisation may, and copied by who may save it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from headway.core.access import machine_store, store
from headway.core.access.model import Actor, Credential, Role
from headway.core.deployments import store as deployments
from headway.features.services.application import store as applications
from headway.features.services.compose import store as composes
from headway.features.services.database import store as databases
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from tests.integration.http.world import World, add_person, client_with, open_world
from tests.support.notifications.receivers import Receiver, receiver

Json = Any
REFUSED = "private network"
NEAR = "10.1.1.1"
A_FILE = "services: {web: {image: '10.1.1.1:5000/x'}}"
A_REGISTRY = {"registryName": "r", "registryUrl": "127.0.0.1:1", "username": "u", "password": "p"}
A_CONNECTION = {"host": NEAR, "port": 5432, "username": "u", "password": "p"}
A_DATABASE = {"databaseName": "d", "databaseUser": "u", "databasePassword": "p", "connection": {"host": NEAR}}
# What each names that is near, by what makes it.
SERVICES: Mapping[str, Mapping[str, Json]] = {
    "repository": {"customGitUrl": f"http://{NEAR}/x.git"},
    "image": {"sourceType": "docker", "dockerImage": f"{NEAR}:5000/x"},
    "compose": {"customGitUrl": f"http://{NEAR}/x.git", "sourceType": "git"},
    "file": {"composeFile": A_FILE, "sourceType": "raw"},
    "postgres": A_DATABASE,
}


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


async def test_what_was_taken_back_is_written_down_until_it_is_given_again(database: SqlDatabase) -> None:
    """On both databases: nobody has it, nobody is shown to have it, and nothing that was saved leads near."""

    def write(tx: Tx) -> None:
        first, other = store.add_organization(tx, "First"), store.add_organization(tx, "Others")
        machine_store.mark(tx, first)
        giver = Actor(user_id="u", organization_id=first, role=Role.OWNER, credential=Credential.of_key("k"), name="o")
        assert not machine_store.is_guarded(tx, other, flag=False), "what was saved before goes on"
        machine_store.grant(tx, giver, other, Role.ADMIN)
        for _ in range(2):
            machine_store.withdraw(tx, giver, other)
            (shown,) = machine_store.given(tx, other)
            assert (shown.least, shown.granted_by_name, machine_store.has_machine(tx, other)) == (None, None, False)
            assert machine_store.is_guarded(tx, other, flag=False)
        machine_store.grant(tx, giver, other, Role.OWNER)
        assert not machine_store.is_guarded(tx, other, flag=False)
        assert machine_store.is_guarded(tx, other, flag=True)
        machine_store.grant(tx, giver, first, Role.ADMIN)
        machine_store.withdraw(tx, giver, first)
        assert machine_store.least_role(tx, first) is Role.OWNER
        assert not machine_store.is_guarded(tx, first, flag=False)

    await database.run(write)


async def test_no_address_leads_near_any_more_once_the_machine_is_taken_back(world: World, listening: Receiver) -> None:
    rows = await world.get("organization.machine")
    others = {"organizationId": next(each["organizationId"] for each in rows if not each["owns"])}
    await world.post("organization.grantMachine", **others)
    made = await _everything(world, listening)
    assert set((await _guarded(world, made)).values()) == {False}
    assert (await _told(world, made, "notification.test")).status_code == 200
    for asked, telling in ((0, "withdrawMachine"), (1, "grantMachine")):
        await world.post(f"organization.{telling}", **others)
        came = len(listening.posted)
        guarded = await _guarded(world, made)
        assert set(guarded.values()) == {asked == 0}, (telling, guarded)
        for procedure in ("notification.test", "gitea.testConnection", "registry.testRegistryById"):
            answer = await _told(world, made, procedure)
            assert (REFUSED in answer.text) is (asked == 0), (procedure, telling, answer.text)
            assert asked or "first organisation" in answer.text, "and how it is granted"
        assert len(listening.posted) == came + asked
        if not asked:
            where = {"destinationId": made["destination"], "search": ""}
            listed = await world.stranger.get("/backup.listBackupFiles", params=where)
            assert (listed.status_code, REFUSED in listed.text) == (400, True), listed.text


async def _everything(world: World, listening: Receiver) -> dict[str, str]:
    """All that can name an address, saved by an owner who was given the machine; by what it is, its id."""
    client, url = world.stranger, f"http://127.0.0.1:{listening.port}"

    async def post(procedure: str, **given: Json) -> Json:
        answer = await client.post(f"/{procedure}", json=given)
        assert answer.status_code == 200, (procedure, answer.text)
        return answer.json()

    place = {"environmentId": (await post("project.create", name="theirs"))["environment"]["environmentId"]}
    destination = await post("destination.create", name="d", type="webdav", options={"url": url})
    where = {"destinationId": destination["destinationId"], **place}
    backup = await post("backup.create", databaseType="postgres", database="d", connection=A_CONNECTION, **where)
    forge = await post("gitea.create", name="g", giteaUrl=url, accessToken="t")
    made = {
        "destination": destination["destinationId"],
        "backup": backup["backupId"],
        "channel": (await post("notification.create", name="n", endpoint=f"{url}/x"))["notificationId"],
        "gitea": forge["giteaId"],
        "registry": (await post("registry.create", **A_REGISTRY))["registryId"],
    }
    for name, given in SERVICES.items():
        what, field = _kind(name)
        made[name] = (await post(f"{what}.create", name=name, **place, **given))[field]
    return made


def _kind(name: str) -> tuple[str, str]:
    if name == "postgres":
        return "postgres", "postgresId"
    return ("compose", "composeId") if name in {"compose", "file"} else ("application", "applicationId")


async def _told(world: World, made: Mapping[str, str], procedure: str) -> Json:
    ids = {"notificationId": made["channel"], "giteaId": made["gitea"], "registryId": made["registry"]}
    named = {"notification": "notificationId", "gitea": "giteaId", "registry": "registryId"}
    field = named[procedure.partition(".")[0]]
    return await world.stranger.post(f"/{procedure}", json={field: ids[field]})


async def _guarded(world: World, made: Mapping[str, str]) -> dict[str, bool]:
    """What each run that is asked for now would work from."""
    found = {}
    for name in SERVICES:
        what, field = _kind(name)
        settings = (await _frozen(world, f"{what}.deploy", {field: made[name]}))["settings"]
        mark = "file_guarded" if name == "file" else "guarded"
        within = {"postgres": "elsewhere", "image": "docker", "file": None}.get(name, "git")
        found[name] = (settings if within is None else settings[within])[mark]
    backup = await _frozen(world, "backup.manualBackupPostgres", {"backupId": made["backup"]})
    return {**found, "server": backup["connection"]["guarded"], "storage": backup["place"]["storage"]["guarded"]}


async def _frozen(world: World, procedure: str, given: Mapping[str, Json]) -> Mapping[str, Json]:
    answer = await world.stranger.post(f"/{procedure}", json=given)
    assert answer.status_code == 200, (procedure, answer.text)
    lease, kinds = await world.claim(), world.platform.engine._parts.registered.kinds

    def freeze(tx: Tx) -> Mapping[str, Json]:
        deployment = deployments.find(tx, lease.deployment_id)
        return kinds[deployment.kind].freeze(tx, deployment).plan

    plan = await world.services.db.read(freeze)
    await world.end(lease)
    return plan


@pytest.mark.parametrize("name", SERVICES)
async def test_a_copy_leads_where_whoever_makes_it_may(world: World, name: str) -> None:
    what, _ = _kind(name)
    place = (await world.post("project.create", name="p"))["environment"]["environmentId"]
    given = {"name": "s", "environmentId": place, **SERVICES[name]}
    await world.post(f"{what}.create", **given)
    asked = {"sourceEnvironmentId": place, "name": "copied"}
    async with client_with(world.app, await _admin(world)) as admin:
        for beside in () if name == "file" else (True, False):  # a file's images are judged when they are fetched
            answer = await admin.post("/project.duplicate", json={**asked, "duplicateInSameProject": beside})
            assert (answer.status_code, REFUSED in answer.text) == (403, True), answer.text
            assert "first organisation" in answer.json()["message"], "and how it is granted"
        far = {**given, **_far(name), "environmentId": (await _place(world))}
        await world.post(f"{what}.create", **far)
        copied = await admin.post(
            "/project.duplicate", json={"sourceEnvironmentId": far["environmentId"], "name": "of an admin"}
        )
        assert copied.status_code == 200, copied.text
    theirs = copied.json()["environmentId"]
    assert await _marks(world, name, far["environmentId"]) == {False}
    assert await _marks(world, name, theirs) == {True}, "whose word it is"
    again = await world.post("project.duplicate", sourceEnvironmentId=theirs, name="of the owner")
    assert await _marks(world, name, again["environmentId"]) == {True}, "and no further than before"
    own = await world.post("project.duplicate", **{**asked, "name": "own"})
    assert await _marks(world, name, own["environmentId"]) == {False}


def _far(name: str) -> dict[str, Json]:
    found = {key: value.replace(NEAR, "far.example") for key, value in SERVICES[name].items() if isinstance(value, str)}
    return found | ({"connection": {"host": "far.example"}} if name == "postgres" else {})


async def _place(world: World) -> str:
    made: str = (await world.post("project.create", name="far"))["environment"]["environmentId"]
    return made


async def _marks(world: World, name: str, environment_id: str) -> set[bool]:
    """Of all such services in an environment, whether they lead to the internet only."""
    vault = world.platform.data_dir.vault
    mark = attrgetter({"image": "docker.guarded", "file": "file_guarded"}.get(name, "git.guarded"))

    def read(tx: Tx) -> set[bool]:
        if name == "postgres":
            found = databases.of_environment(tx, environment_id, None, vault)
            return {each.settings.elsewhere.guarded for each in found if each.settings.elsewhere is not None}
        if name in {"compose", "file"}:
            return {mark(each.settings) for each in composes.of_environment(tx, environment_id, vault)}
        return {mark(each.settings) for each in applications.of_environment(tx, environment_id, vault)}

    return await world.services.db.read(read)


async def _admin(world: World) -> str:
    """The key of an admin of the first organisation, who was not given the machine."""

    def add(tx: Tx) -> None:
        owner = store.first_owner(tx)
        assert owner is not None
        add_person(tx, "adm", owner[1], Role.ADMIN)

    await world.services.db.run(add)
    return "adm".ljust(64, "-")
