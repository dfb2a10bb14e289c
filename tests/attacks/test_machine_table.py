"""Every setting that reaches the machine, by every kind of caller: saved, deployed, gone back to and restarted."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.core.access import store as access
from headway.core.access.machine import Power
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.core.deployments import store as deployments
from headway.core.deployments.run import RunFailed
from headway.domains.applications import store as applications
from headway.domains.applications.artifacts import dump_artifact
from headway.domains.applications.model import ReleaseState
from headway.domains.applications.snapshot import Snapshot
from headway.domains.composes import store as composes
from headway.domains.composes.model import Record
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Commit, Image
from headway.kernel.ids import new_id
from tests.integration.http.world import KEYS, World, add_person, client_with, open_world

Json = Any
MACHINE = "reaches the machine itself"
NOT_NOW = "is not allowed to this service now"
CALLERS = ("owner", "admin", "member", "key of the project", "key for CI", "owner of another", "admin of another")
ROUTING = "http: {routers: {NAME.x: {rule: 'Path(`/x`)', service: NAME, entryPoints: [web]}}}"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a setting is saved, taken out, deployed and restarted; ``made`` is the field of what its save has made."""

    save: tuple[str, Mapping[str, Json]]
    out: tuple[str, Mapping[str, Json]] | None
    deploy: tuple[str, Mapping[str, Json]]
    restart: tuple[str, Mapping[str, Json]] | None = None
    made: str = ""


def of_application(
    save: tuple[str, Mapping[str, Json]], out: tuple[str, Mapping[str, Json]], made: str = ""
) -> Setting:
    """A setting of an application."""
    return Setting(
        save=save, out=out, deploy=("application.deploy", APP), restart=("application.reload", APP), made=made
    )


APP, COMPOSE = {"applicationId": "{app}"}, {"composeId": "{compose}"}
SETTINGS: Mapping[Power, Setting] = {
    Power.BIND: of_application(
        save=("mounts.create", {"serviceId": "{app}", "type": "bind", "hostPath": "/", "mountPath": "/host"}),
        out=("mounts.remove", {"mountId": "{made}"}),
        made="mountId",
    ),
    Power.PORT: of_application(
        save=("port.create", {**APP, "publishedPort": 53, "targetPort": 53, "protocol": "udp"}),
        out=("port.delete", {"portId": "{port}"}),
    ),
    Power.FOLDER: of_application(
        save=("application.update", {**APP, "customGitUrl": "file:///var/lib/x"}),
        out=("application.update", {**APP, "customGitUrl": "https://git.example/x.git"}),
    ),
    Power.FETCH: of_application(
        save=("application.update", {**APP, "engineFetch": True}),
        out=("application.update", {**APP, "engineFetch": False}),
    ),
    Power.LOOPBACK: of_application(
        save=("application.update", {**APP, "loopback": [5432]}),
        out=("application.update", {**APP, "loopback": []}),
    ),
    Power.ROUTING: of_application(
        save=("application.updateTraefikConfig", {**APP, "traefikConfig": "{routing}"}),
        out=("application.updateTraefikConfig", {**APP, "traefikConfig": ""}),
    ),
    Power.HOST: Setting(
        save=("compose.update", {**COMPOSE, "allowHostAccess": True}),
        out=("compose.update", {**COMPOSE, "allowHostAccess": False}),
        deploy=("compose.deploy", COMPOSE),
        restart=("compose.start", COMPOSE),
    ),
    Power.SCHEDULE: Setting(
        save=(
            "schedule.create",
            {"name": "s", "cronExpression": "@daily", "command": "id", "scheduleType": "dokploy-server"},
        ),
        out=None,
        deploy=("schedule.runManually", {"scheduleId": "{made}"}),
        made="scheduleId",
    ),
    Power.DESTINATION: Setting(
        save=("destination.create", {"name": "d", "provider": "local"}),
        out=None,
        deploy=("backup.manualBackupCompose", {"backupId": "{backup}"}),
        made="destinationId",
    ),
}
# What starts: while it is allowed, once it is taken out of the settings, once the organisation's grant is taken back.
# None: there is no such thing.
STARTS: Mapping[Power, Mapping[str, tuple[bool | None, bool | None, bool | None]]] = {
    Power.BIND: {"deploy": (True, True, False), "rollback": (True, False, False), "restart": (True, True, False)},
    Power.PORT: {"deploy": (True, True, False), "rollback": (True, False, False), "restart": (True, True, False)},
    Power.FOLDER: {"deploy": (True, True, False), "rollback": (True, True, True), "restart": (True, True, True)},
    Power.FETCH: {"deploy": (True, True, False), "rollback": (True, True, True), "restart": (True, True, True)},
    Power.LOOPBACK: {"deploy": (True, True, False), "rollback": (True, True, False), "restart": (True, True, False)},
    Power.ROUTING: {"deploy": (True, True, False), "rollback": (True, True, False), "restart": (True, True, False)},
    Power.HOST: {"deploy": (True, True, False), "rollback": (True, False, False), "restart": (True, False, False)},
    Power.SCHEDULE: {"deploy": (True, None, False), "rollback": (None,) * 3, "restart": (None,) * 3},
    Power.DESTINATION: {"deploy": (True, None, False), "rollback": (None,) * 3, "restart": (None,) * 3},
}


class Stage:
    """A world with everybody who may call, and in either organisation an application and a compose service."""

    def __init__(self, world: World, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self.world = world
        self.clients = clients
        self.things: dict[bool, dict[str, str]] = {}

    async def post(self, caller: str, call: tuple[str, Mapping[str, Json]]) -> httpx.Response:
        """A call by somebody, about what their organisation has."""
        procedure, given = call
        things = self.things["another" in caller]
        filled = {name: things[value[1:-1]] if _is_name(value) else value for name, value in given.items()}
        return await self.clients[caller].post(f"/{procedure}", json=filled)

    async def ok(self, caller: str, call: tuple[str, Mapping[str, Json]]) -> Json:
        """A call that must succeed."""
        answer = await self.post(caller, call)
        assert answer.status_code == 200, (call, answer.text)
        return answer.json() if answer.content else None

    async def save(self, caller: str, setting: Setting) -> httpx.Response:
        """Saves a setting; what it is known by is noted."""
        answer = await self.post(caller, setting.save)
        if answer.status_code == 200:
            things = self.things["another" in caller]
            if setting.made:
                things["made"] = answer.json()[setting.made]
            found = (await self.clients[caller].get("/application.one", params={"applicationId": things["app"]})).json()
            things["port"] = found["ports"][0]["portId"] if found.get("ports") else ""
        return answer

    async def deploys(self, caller: str, call: tuple[str, Mapping[str, Json]]) -> bool:
        """Whether what somebody asks to be started is let in; it ends at once."""
        answer = await self.post(caller, call)
        assert answer.status_code == 200, (caller, call, answer.text)
        lease = await self.world.claim()
        parts = self.world.platform.engine._parts

        def freeze(tx: Tx) -> str | None:
            deployment = deployments.find(tx, lease.deployment_id)
            try:
                parts.kinds[deployment.kind].freeze(tx, deployment)
            except RunFailed as failed:
                return f"{failed.reason}: {failed.message}"
            return None

        said = await self.world.services.db.read(freeze)
        await self.world.end(lease)
        assert said is None or (said.startswith("refused: ") and NOT_NOW in said), said
        return said is None

    async def allows(self, caller: str, call: tuple[str, Mapping[str, Json]]) -> bool:
        """Whether a call is not refused for what it would use of the machine; no engine runs here."""
        answer = await self.post(caller, call)
        return NOT_NOW not in answer.text and MACHINE not in answer.text

    async def serve(self, *, other: bool) -> None:
        """What is set now serves, and the same once more as a release to go back to."""
        things, db, vault = self.things[other], self.world.services.db, self.world.platform.data_dir.vault
        application = await db.read(lambda tx: applications.find(tx, things["app"], vault))
        compose = await db.read(lambda tx: composes.find(tx, things["compose"], vault))
        image = dump_artifact(Image(reference="sha256:x", name="x"))
        commit = Commit(hash="c" * 40, subject="First", author="Ann", branch="main")
        snapshot = Snapshot(
            commit=commit, artifact=image, settings=application.settings, variables={}, mask=(), hosts=()
        )
        for state in (ReleaseState.RETIRED, ReleaseState.STARTING):
            given = {"state": state, "runtime": "container"}
            things[f"release {state}"] = await self.world.release(things["app"], snapshot, **given)
        asks = ("gives the service web privileged",) if compose.settings.host_access else ()
        record = Record(file={"services": {"web": {"image": "x"}}}, host=asks)

        def write(tx: Tx) -> None:
            serving = things[f"release {ReleaseState.STARTING}"]
            applications.make_serving(tx, things["app"], serving, timedelta(hours=1))
            for name in ("back", "now"):
                things[name] = new_id()
                made = {"release_id": things[name], "compose_id": things["compose"], "folder": "/x"}
                composes.write_release(tx, vault, record=record, commit_hash=None, **made)
                composes.make_serving(tx, things["compose"], things[name])

        await db.run(write)


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and value[:1] == "{" and value[-1:] == "}"


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        keys = await _admitted(world)
        clients = {name: await stack.enter_async_context(client_with(world.app, key)) for name, key in keys.items()}
        made = Stage(world, clients)
        for other, owner in ((False, "owner"), (True, "owner of another")):
            made.things[other] = await _things(made, owner)
        await _narrow(made)
        yield made


async def _things(stage: Stage, owner: str) -> dict[str, str]:
    client, url = stage.clients[owner], "https://git.example/x.git"
    place = (await client.post("/project.create", json={"name": "p"})).json()
    where = {"environmentId": place["environment"]["environmentId"]}
    app = (await client.post("/application.create", json={"name": "a", "customGitUrl": url, **where})).json()
    file = "services: {web: {image: x}}"
    compose = (await client.post("/compose.create", json={"name": "c", "composeFile": file, **where})).json()
    return {
        "project": place["project"]["projectId"],
        "app": app["applicationId"],
        "compose": compose["composeId"],
        "routing": ROUTING.replace("NAME", app["appName"]),
    }


async def _admitted(world: World) -> dict[str, str]:
    def add(tx: Tx) -> None:
        owner = access.first_owner(tx)
        assert owner is not None
        add_person(tx, "adm", owner[1], Role.ADMIN)
        other = tx.connection.exec_driver_sql(
            "SELECT organization_id FROM organizations WHERE name = 'Others'"
        ).scalar()
        add_person(tx, "adm-of-others", str(other), Role.ADMIN)

    await world.services.db.run(add)
    return {
        "owner": KEYS["owner"],
        "admin": "adm".ljust(64, "-"),
        "member": KEYS["member"],
        "key of the project": "of-project".ljust(64, "-"),
        "key for CI": "for-ci".ljust(64, "-"),
        "owner of another": KEYS["stranger"],
        "admin of another": "adm-of-others".ljust(64, "-"),
    }


async def _narrow(stage: Stage) -> None:
    """A member of the project, and keys of the owner's for it alone."""
    project = frozenset({stage.things[False]["project"]})

    def write(tx: Tx) -> None:
        owner = access.first_owner(tx)
        assert owner is not None
        member = tx.connection.exec_driver_sql(
            "SELECT member_id FROM members JOIN users USING (user_id) WHERE users.name = 'member'"
        ).scalar()
        access.give(tx, str(member), Grants(projects=project))
        whose = {"user_id": owner[0], "organization_id": owner[1]}
        access.add_key(tx, "of-project".ljust(64, "-"), name="p", terms=Terms(projects=project), **whose)
        for_ci = Terms(projects=project, scopes=frozenset({Scope.DEPLOY, Scope.READ}))
        access.add_key(tx, "for-ci".ljust(64, "-"), name="ci", terms=for_ci, **whose)

    await stage.world.services.db.run(write)
    stage.world.services.access.forget()


every_power = pytest.mark.parametrize("power", list(Power))


def test_no_power_is_missing() -> None:
    assert set(SETTINGS) == set(STARTS) == set(Power)


@every_power
async def test_only_who_may_use_the_machine_saves_it(stage: Stage, power: Power) -> None:
    setting = SETTINGS[power]
    for caller in CALLERS:
        if caller != "owner":
            answer = await stage.save(caller, setting)
            assert answer.status_code in {403, 404}, (caller, answer.text)
    for caller in ("admin", "owner of another", "admin of another"):
        assert MACHINE in (await stage.save(caller, setting)).text, caller
    assert (await stage.save("owner", setting)).status_code == 200
    await _give(stage, "owner")
    assert MACHINE in (await stage.save("admin of another", setting)).text
    assert (await stage.save("owner of another", setting)).status_code == 200


@every_power
async def test_it_starts_for_whoever_may_start_it_as_long_as_it_is_allowed(stage: Stage, power: Power) -> None:
    setting, starts = SETTINGS[power], STARTS[power]
    await _begun(stage, "owner", power)
    inside = ("owner", "admin", "member", "key of the project", "key for CI")
    outside = power in {Power.SCHEDULE, Power.DESTINATION}
    callers = ("owner", "admin") if outside else inside
    for column, change in enumerate((None, setting.out)):
        if column and change is None:
            continue
        if change is not None:
            await stage.ok("owner", change)
        for caller in callers:
            for action, expected in starts.items():
                if expected[column] is not None:
                    done = await _tried(stage, caller, power, action)
                    assert done is expected[column], (caller, action, "taken out" if column else "allowed")


@every_power
async def test_it_starts_no_more_once_the_machine_is_taken_back(stage: Stage, power: Power) -> None:
    await _give(stage, "owner")
    await _begun(stage, "owner of another", power)
    await stage.ok("owner", ("organization.withdrawMachine", {"organizationId": await _others(stage)}))
    for caller in ("owner of another", "admin of another"):
        for action, expected in STARTS[power].items():
            if expected[2] is not None:
                assert await _tried(stage, caller, power, action) is expected[2], (caller, action)


async def _begun(stage: Stage, owner: str, power: Power) -> None:
    """The setting is saved and serves."""
    other, setting = "another" in owner, SETTINGS[power]
    assert (await stage.save(owner, setting)).status_code == 200
    await stage.serve(other=other)
    if power is Power.DESTINATION:
        given = {"databaseType": "postgres", "database": "d", "serviceName": "web", "destinationId": "{made}"}
        made = await stage.ok(owner, ("backup.create", {**given, **COMPOSE}))
        stage.things[other]["backup"] = made["backupId"]


async def _tried(stage: Stage, caller: str, power: Power, action: str) -> bool:
    setting, things = SETTINGS[power], stage.things["another" in caller]
    if action == "deploy":
        return await stage.deploys(caller, setting.deploy)
    if action == "rollback":
        release = things["back"] if power is Power.HOST else things[f"release {ReleaseState.RETIRED}"]
        return await stage.allows(caller, ("rollback.rollback", {"rollbackId": release}))
    assert setting.restart is not None
    return await stage.allows(caller, setting.restart)


async def _give(stage: Stage, giver: str) -> None:
    await stage.ok(giver, ("organization.grantMachine", {"organizationId": await _others(stage)}))


async def _others(stage: Stage) -> str:
    rows = (await stage.clients["owner"].get("/organization.machine")).json()
    found: str = next(each["organizationId"] for each in rows if not each["owns"])
    return found
