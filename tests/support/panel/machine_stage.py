"""A world with everybody who may call, for tests of what reaches the machine: how a setting is saved and started."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from headway.core.access import store as access
from headway.core.access.machine import Power
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.core.deployments import store as deployments
from headway.core.deployments.leases import Lease
from headway.core.deployments.run import RunFailed
from headway.features.services import releases_store
from headway.features.services.application import store as applications
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.compose import deploy as compose_deploy
from headway.features.services.compose import powers
from headway.features.services.compose import store as composes
from headway.features.services.compose.model import Compose, Record
from headway.features.services.model import ReleaseState
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Commit, Image
from headway.kernel.errors import Forbidden
from headway.kernel.ids import new_id
from tests.integration.http.world import KEYS, World, add_person, client_with

Json = Any
Call = tuple[str, Mapping[str, Json]]
MACHINE = "reaches the machine itself"
SERVER = "reaches a server itself"
NOT_NOW = "is not allowed to this service now"
CALLERS = ("owner", "admin", "member", "key of the project", "key for CI", "owner of another", "admin of another")
ROUTING = "http: {routers: {NAME.x: {rule: 'Path(`/x`)', service: NAME, entryPoints: [web]}}}"
PLAIN_FILE, LOW_FILE = "services: {web: {image: x}}", "services: {web: {image: x, ports: ['53:53/udp']}}"
LOW_PORTS = [{"published": "53", "target": 53, "protocol": "udp"}]
# What starts: while it is allowed, once it is taken out of the settings, once the organisation's grant is taken back.
# None: there is no such thing.
Starts = Mapping[str, tuple[bool | None, bool | None, bool | None]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a setting is saved, taken out, deployed and restarted, and what starts; ``made`` is the field of what its
    save has made, ``at_deploy``: it is judged when it is deployed, ``there``: it is that of a service on a server.
    """

    power: Power
    save: Call
    out: Call | None
    deploy: Call
    starts: Starts
    restart: Call | None = None
    made: str = ""
    at_deploy: bool = False
    there: bool = False

    @property
    def is_of_compose(self) -> bool:
        return "composeId" in self.deploy[1]


class Stage:
    """A world with everybody who may call, and in either organisation an application and a compose service, which are
    on a server where it is ``there``.
    """

    def __init__(self, world: World, clients: Mapping[str, httpx.AsyncClient], *, there: bool) -> None:
        self.world = world
        self.clients = clients
        self.there = there
        self.things: dict[bool, dict[str, str]] = {}

    async def post(self, caller: str, call: Call) -> httpx.Response:
        """A call by somebody, about what their organisation has."""
        procedure, given = call
        things = self.things["another" in caller]
        filled = {name: things[value[1:-1]] if _is_name(value) else value for name, value in given.items()}
        return await self.clients[caller].post(f"/{procedure}", json=filled)

    async def ok(self, caller: str, call: Call) -> Json:
        """A call that must succeed."""
        answer = await self.post(caller, call)
        assert is_kept(answer), (call, answer.text)
        return answer.json() if answer.content else None

    async def save(self, caller: str, setting: Setting) -> httpx.Response:
        """Saves a setting; what it is known by is noted."""
        answer = await self.post(caller, setting.save)
        if is_kept(answer):
            things = self.things["another" in caller]
            if setting.made:
                things["made"] = answer.json()[setting.made]
            found = (await self.clients[caller].get("/application.one", params={"applicationId": things["app"]})).json()
            things["port"] = found["ports"][0]["portId"] if found.get("ports") else ""
        return answer

    async def deploys(self, caller: str, call: Call) -> bool:
        """Whether what somebody asks to be started is let in; it ends at once."""
        answer = await self.post(caller, call)
        assert answer.status_code == 200, (caller, call, answer.text)
        lease = await self._claim(self.things["another" in caller]["server"] if self.there else "local")
        said = await self.world.services.db.run(lambda tx: self._refusal(tx, lease))
        await self.world.end(lease)
        assert said is None or (said.startswith("refused: ") and NOT_NOW in said), said
        return said is None

    async def planned(self, caller: str, call: Call) -> Json:
        """The settings that a run works from which somebody asks for; it ends at once."""
        await self.ok(caller, call)
        lease = await self._claim("local")

        def freeze(tx: Tx) -> Json:
            deployment = deployments.find(tx, lease.deployment_id)
            return (
                self.world.platform.engine._parts.registered.kinds[deployment.kind]
                .freeze(tx, deployment)
                .plan["settings"]
            )

        settings = await self.world.services.db.read(freeze)
        await self.world.end(lease)
        return settings

    async def _claim(self, host_id: str) -> Lease:
        ledger = self.world.services.deployments._ledger
        waiting = await self.world.services.db.run(lambda tx: ledger.claim(tx, host_id, "a worker"))
        waiting = waiting or await self.world.services.db.run(lambda tx: ledger.claim(tx, "local", "a worker"))
        assert waiting is not None
        return waiting[1]

    def _refusal(self, tx: Tx, lease: Lease) -> str | None:
        """What keeps a deployment from being started, and where it has read a compose file, from going on."""
        deployment = deployments.find(tx, lease.deployment_id)
        try:
            self.world.platform.engine._parts.registered.kinds[deployment.kind].freeze(tx, deployment)
            if deployment.kind == compose_deploy.KIND:
                compose = composes.find(tx, deployment.subject_id, self.world.platform.data_dir.vault)
                powers.require_record(tx, deployment, compose, _read(compose))
                powers.deployed(tx, compose.service_id, _read(compose), compose.host_id)
        except RunFailed as failed:
            return f"{failed.reason}: {failed.message}"
        except Forbidden as refused:
            return f"refused: {refused.message}"
        return None

    async def allows(self, caller: str, call: Call) -> bool:
        """Whether a call is not refused for what it would use of a machine; no engine runs here."""
        answer = await self.post(caller, call)
        return not any(each in answer.text for each in (NOT_NOW, MACHINE, SERVER))

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
            given = {"state": state, "runtime": "container", "host_id": application.host_id}
            things[f"release {state}"] = await self.world.release(things["app"], snapshot, **given)

        def write(tx: Tx) -> None:
            serving = things[f"release {ReleaseState.STARTING}"]
            releases_store.make_serving(tx, things["app"], serving, drain=timedelta(hours=1))
            for name in ("back", "now"):
                things[name] = new_id()
                made = {"release_id": things[name], "compose_id": things["compose"], "folder": "/x"}
                composes.write_release(tx, vault, record=_read(compose), commit_hash=None, **made)
                releases_store.make_serving(tx, things["compose"], things[name])

        await db.run(write)

    async def others(self) -> str:
        """The organisation that does not own the machine."""
        rows = (await self.clients["owner"].get("/organization.machine")).json()
        found: str = next(each["organizationId"] for each in rows if not each["owns"])
        return found


def is_kept(answer: httpx.Response) -> bool:
    """Whether a change was made, be it that the server, which does not answer here, has not heard of it yet."""
    return answer.status_code == 200 or "The change is kept" in answer.text


def _read(compose: Compose) -> Record:
    """What a deploy makes of its compose file, and a release is made of."""
    ports = LOW_PORTS if compose.settings.compose_file == LOW_FILE else []
    asks = ("gives the service web privileged",) if compose.settings.host_access else ()
    return Record(file={"services": {"web": {"image": "x", "ports": ports}}}, host=asks)


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and value[:1] == "{" and value[-1:] == "}"


@asynccontextmanager
async def open_stage(world: World, *, there: bool = False) -> AsyncIterator[Stage]:
    """A stage in a world."""
    async with AsyncExitStack() as stack:
        keys = await _admitted(world)
        clients = {name: await stack.enter_async_context(client_with(world.app, key)) for name, key in keys.items()}
        made = Stage(world, clients, there=there)
        for other, owner in ((False, "owner"), (True, "owner of another")):
            made.things[other] = await _things(made, owner, there=there)
        await _narrow(made)
        yield made


async def _things(stage: Stage, owner: str, *, there: bool) -> dict[str, str]:
    client, url, things = stage.clients[owner], "https://git.example/x.git", dict[str, str]()

    async def made(procedure: str, **given: Json) -> Json:
        answer = await client.post(f"/{procedure}", json=given)
        assert answer.status_code == 200, (procedure, answer.text)
        return answer.json()

    place = await made("project.create", name="p")
    where = {"environmentId": place["environment"]["environmentId"]}
    if there:
        things["server"] = (await made("server.create", name="far", ipAddress="eu.example.org"))["serverId"]
        where["serverId"] = things["server"]
    app = await made("application.create", name="a", customGitUrl=url, **where)
    compose = await made("compose.create", name="c", composeFile=PLAIN_FILE, sourceType="raw", **where)
    return {
        **things,
        "project": place["project"]["projectId"],
        "environment": where["environmentId"],
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
