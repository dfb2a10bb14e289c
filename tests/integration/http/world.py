"""An open platform behind its HTTP face, and who may call it: nothing is replaced, only no engine runs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from headway.core.access import store
from headway.core.access.model import Role, Terms
from headway.core.deployments.leases import Lease
from headway.core.deployments.ledger import Outcome
from headway.core.deployments.status import Maker, Reason, Status
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.model import AppSettings
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.application.store import add_release
from headway.features.services.model import Release, ReleaseState
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Bundle, Commit
from headway.kernel.ids import new_id
from headway.kernel.settings import Facts, Settings
from headway.operations import http_app
from headway.panel import Panel
from tests.support.databases.databases import unhurried
from tests.support.panel.panel import remove_traces
from tests.support.panel.services import Services, services_of

KEYS = {"owner": "o" * 64, "member": "m" * 64, "stranger": "s" * 64}
REPOSITORY = "https://git.example/team/repository.git"
Json = Any


@dataclass(frozen=True, kw_only=True)
class World:
    """The platform, and one client for each caller: owner, member of the same organisation, owner of another."""

    platform: Panel
    app: Starlette
    owner: httpx.AsyncClient
    member: httpx.AsyncClient
    stranger: httpx.AsyncClient
    nobody: httpx.AsyncClient

    @property
    def services(self) -> Services:
        """What its operations answer from."""
        return services_of(self.platform)

    def client(self, name: str) -> httpx.AsyncClient:
        """The client of a caller."""
        client: httpx.AsyncClient = getattr(self, name)
        return client

    async def get(self, procedure: str, **query: Json) -> Json:
        """A query by the owner that must succeed."""
        answer = await self.owner.get(f"/{procedure}", params=query)
        assert answer.status_code == 200, (procedure, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def post(self, procedure: str, **body: Json) -> Json:
        """A mutation by the owner that must succeed."""
        answer = await self.owner.post(f"/{procedure}", json=body)
        assert answer.status_code == 200, (procedure, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def environment(self, project: str = "bench") -> str:
        """The default environment of a new project."""
        created = await self.post("project.create", name=project)
        environment_id: str = created["environment"]["environmentId"]
        return environment_id

    async def application(self, name: str = "trivial", **fields: Json) -> str:
        """A new application in a new project."""
        given = {"customGitUrl": REPOSITORY, **fields}
        created = await self.post("application.create", name=name, environmentId=await self.environment(), **given)
        application_id: str = created["applicationId"]
        return application_id

    async def deploy(self, application_id: str, procedure: str = "application.deploy", **body: Json) -> str:
        """A waiting deployment."""
        answer = await self.owner.post(f"/{procedure}", json={"applicationId": application_id, **body})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    async def claim(self) -> Lease:
        """The next waiting deployment is taken, as a worker would."""
        claimed = await self.services.db.run(
            lambda tx: self.services.deployments._ledger.claim(tx, "local", "a worker")
        )
        assert claimed is not None
        return claimed[1]

    async def end(self, lease: Lease, status: Status = Status.DONE, message: str | None = None) -> None:
        """A running deployment ends, as a runner would say."""
        reason = None if status is Status.DONE else Reason.FAILED
        outcome = Outcome(status=status, reason=reason, message=message)
        await self.services.db.run(
            lambda tx: self.services.deployments._ledger.finish(tx, lease, outcome, Maker.RUNNER)
        )

    async def ended(self, application_id: str, status: Status = Status.DONE) -> str:
        """A deployment of an application that has ended."""
        deployment_id = await self.deploy(application_id)
        await self.end(await self.claim(), status, None if status is Status.DONE else "Step build: exit status 7")
        return deployment_id

    async def release(self, application_id: str, snapshot: Snapshot | None = None, **fields: Json) -> str:
        """A release, as a deploy would have left it."""
        release_id = new_id()
        vault = self.platform.data_dir.vault
        plain: dict[str, Json] = {"seq": 0, "state": ReleaseState.STARTING, "folder": "/x", "port": None}
        made = {"deployment_id": release_id, "commit_hash": "c" * 40, "created_at": datetime.now(UTC)}
        plain |= {"host_id": "local", "retire_at": None, **made, **fields}
        release = Release(release_id=release_id, service_id=application_id, **plain)
        spec = "" if snapshot is None else snapshot.seal(vault)
        await self.services.db.run(lambda tx: add_release(tx, release, spec))
        return release_id

    async def kept(self, application_id: str, **fields: Json) -> str:
        """A release that has served and that one can go back to: its files are there."""
        folder = self.platform.data_dir.work / "releases" / application_id / new_id()
        folder.mkdir(parents=True)
        commit = Commit(hash="c" * 40, subject="First", author="Ann", branch="main")
        settings = fields.pop("settings", AppSettings())
        plain: Json = {"settings": settings, "variables": {}, "mask": (), "hosts": ()}
        snapshot = Snapshot(commit=commit, artifact=dump_artifact(Bundle(folder=str(folder))), **plain)
        given = {"seq": 0, "state": ReleaseState.RETIRED, "folder": str(folder), **fields}
        return await self.release(application_id, snapshot, **given)

    def write_log(self, deployment_id: str, text: str) -> None:
        """What a pump would have written."""
        path = self.platform.data_dir.logs / f"{deployment_id}.log"
        path.write_text(text)


@asynccontextmanager
async def open_world(data_dir: Path, **env: str) -> AsyncIterator[World]:
    """A world of its own in a folder."""
    facts = Facts(is_root=True, home=data_dir, cwd=data_dir, cores=2, memory_bytes=8 << 30)
    given = {"HEADWAY_OWNER_KEY": KEYS["owner"], "HEADWAY_BALLAST": "0", **env}
    platform = await Panel.open(Settings.from_env(given, facts, data_dir=data_dir))
    try:
        unhurried(platform.base.db)
        await platform.base.db.run(_add_people)
        app = http_app(platform.base, platform.features)
        async with AsyncExitStack() as stack:
            clients = {name: await stack.enter_async_context(client_with(app, key)) for name, key in KEYS.items()}
            nobody = await stack.enter_async_context(client_with(app, None))
            yield World(platform=platform, app=app, nobody=nobody, **clients)
    finally:
        platform.close()
        remove_traces(data_dir)


@contextmanager
def as_it_was(world: World) -> Iterator[None]:
    """Its database is afterwards what it is now: for a world that many tests have, one after the other, because to open
    one takes longer than most of them. What lies in files stays there, and no id of it is met again.
    """
    path = world.platform.data_dir.path / "headway.db"
    with closing(sqlite3.connect(":memory:")) as kept:
        with closing(sqlite3.connect(path)) as own:
            own.backup(kept)
        try:
            yield
        finally:
            with closing(sqlite3.connect(path)) as own:
                kept.backup(own)
            world.services.access.forget()


def client_with(app: Starlette, key: str | None) -> httpx.AsyncClient:
    """A client that shows this key."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://headway.test/api",
        headers={"x-api-key": key} if key else {},
    )


def _add_people(tx: Tx) -> None:
    owner = store.first_owner(tx)
    assert owner is not None
    add_person(tx, "member", owner[1], Role.MEMBER)
    add_person(tx, "stranger", store.add_organization(tx, "Others"), Role.OWNER)


def add_person(tx: Tx, name: str, organization_id: str, role: Role) -> tuple[str, str]:
    """(user, membership) of somebody new, with a key."""
    user_id = store.add_user(tx, name)
    member_id = store.add_member(tx, organization_id, user_id, role)
    key = KEYS.get(name) or name.ljust(64, "-")
    store.add_key(tx, key, name=name, user_id=user_id, organization_id=organization_id, terms=Terms())
    return user_id, member_id
