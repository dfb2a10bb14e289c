"""Use cases of databases: make, change, deploy, start, stop, remove; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, sees
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.features.git.references import judged, require_references
from headway.features.projects.store import place_of
from headway.features.servers.host_assignment import host_for
from headway.features.services import shutdown
from headway.features.services import store as services_store
from headway.features.services.application import powers
from headway.features.services.application import store as applications
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.model import AppSettings
from headway.features.services.application.variables import known_secrets
from headway.features.services.database import store
from headway.features.services.database.application_spec import check, completed, judged_elsewhere, settings_for
from headway.features.services.database.model import Database, DatabaseKind, DatabaseSettings, require_as_set_up
from headway.features.services.database.passwords import NEEDS_DEPLOY, PasswordChange, with_password
from headway.features.services.database.requests import request_of
from headway.features.services.desired_state import (
    begin_start,
    require_at_rest,
    require_deployed,
    want_up,
)
from headway.features.services.relocation import ServiceRelocation
from headway.infra.db.engine import Database as Db
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.records import replaced
from headway.kernel.search import Page, Words
from headway.kernel.service_names import check_name
from headway.kernel.vault import Vault

NOUNS: Mapping[DatabaseKind, Noun] = MappingProxyType({kind: Noun[kind.name] for kind in DatabaseKind})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseChange:
    """What is to be changed of a database; None leaves a part as it is."""

    settings: Callable[[DatabaseSettings], DatabaseSettings]
    container: Callable[[AppSettings], AppSettings] = lambda settings: settings
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseService:
    """What callers may ask of databases. ``telling`` tells their servers new passwords."""

    db: Db
    vault: Vault
    ledger: Ledger
    stopping: Stopping
    lifecycle: ApplicationLifecycle
    creation: ApplicationCreation
    telling: PasswordChange
    relocation: ServiceRelocation

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        kind: DatabaseKind,
        environment_id: str,
        change: DatabaseChange,
        *,
        app_name: str | None = None,
        server_id: str | None = None,
    ) -> Database:
        """Makes a database without deploying it."""
        name = change.name or ""
        check_name(name, "A database's")
        given = completed(kind, change.settings(DatabaseSettings()))
        check(kind, given)

        def write(tx: Tx) -> Database:
            place = place_of(tx, environment_id)
            permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
            host_id = host_for(tx, place.organization_id, None if given.elsewhere else server_id)
            led = judged_elsewhere(actor, DatabaseSettings(), given)
            settings = judged(actor, AppSettings(), settings_for(kind, led, change.container(AppSettings())))
            require_references(tx, actor.organization_id, AppSettings(), settings)
            runs = self.creation.add(
                tx, place, name, app_name=app_name, settings=settings, host_id=host_id, database=kind
            )
            database = Database(kind=kind, runs=replace(runs, description=change.description), settings=led)
            store.add(tx, database, self.vault)
            store.write(tx, database, self.vault)
            return self._judged(tx, actor, database.database_id)

        return await self.db.run(write)

    async def one(self, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str) -> Database:
        """The database. Raises Missing where there is none of the kind that the caller may see, Forbidden."""
        return await self.db.read(lambda tx: self.permitted(tx, actor, permission, kind, database_id))

    async def search(
        self, actor: Actor, kind: DatabaseKind, words: Words, *, project_id: str | None, environment_id: str | None
    ) -> Page[Database]:
        """The databases of a kind that the caller may see and that hold the words, newest first."""
        found = await self.db.read(lambda tx: store.of_organization(tx, actor.organization_id, kind, self.vault))
        seen = [
            each
            for each in found
            if sees(actor, each.runs.organization_id, each.runs.project_id, service_id=each.database_id)
            and project_id in {None, each.runs.project_id}
            and environment_id in {None, each.runs.environment_id}
        ]
        return words.page(seen, _words_of)

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        kind: DatabaseKind,
        database_id: str,
        change: DatabaseChange,
        *,
        environment_id: str | None = None,
    ) -> Database:
        """Changes a database, and puts it into another environment where one is named; the next deploy works from it.
        Raises InvalidInput with what is wrong, Conflict, Missing.
        """
        if change.name is not None:
            check_name(change.name, "A database's")

        def write(tx: Tx) -> Database:
            services_store.lock_settings(tx, database_id)
            current = self.permitted(tx, actor, permission, kind, database_id)
            settings = judged_elsewhere(actor, current.settings, change.settings(current.settings))
            check(kind, settings)
            require_as_set_up(current, settings)
            named = current.name if change.name is None else change.name
            told = current.runs.description if change.description is None else change.description
            wanted = change.container(current.runs.settings)
            led = replace(wanted, docker=replace(wanted.docker, image=settings.image))
            container = judged(actor, current.runs.settings, led)
            require_references(tx, actor.organization_id, current.runs.settings, container)
            runs = replace(current.runs, name=named, description=told, settings=container)
            store.write(tx, replace(current, runs=runs, settings=settings), self.vault)
            if environment_id is not None:
                self.relocation.put(tx, actor, permission, current.runs, environment_id)
            return self._judged(tx, actor, database_id)

        return await self.db.run(write)

    async def deploy(
        self,
        actor: Actor,
        permission: Permission,
        kind: DatabaseKind,
        database_id: str,
        *,
        once: Once | None = None,
        change: Callable[[DatabaseSettings], DatabaseSettings] | None = None,
    ) -> Queued:
        """Queues a deploy, with the settings changed before where ``change`` says so. Raises KeyReused."""

        def write(tx: Tx) -> Queued:
            database = self.permitted(tx, actor, permission, kind, database_id)

            def request() -> Database:
                if change is None:
                    return database
                services_store.lock_settings(tx, database_id)
                current = self._found(tx, database_id)
                store.write(tx, replace(current, settings=change(current.settings)), self.vault)
                return self._judged(tx, actor, database_id)

            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, request_of(request())))

        return await self.db.run(write)

    async def rebuild(
        self, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str, *, once: Once | None = None
    ) -> Queued:
        """Queues a deploy with a new, empty volume; the old one stays where it is. Raises InvalidInput."""
        _require_here(await self.one(actor, permission, kind, database_id))
        return await self.deploy(actor, permission, kind, database_id, once=once, change=_with_new_volume)

    async def change_password(
        self,
        actor: Actor,
        permission: Permission,
        kind: DatabaseKind,
        database_id: str,
        password: str,
        *,
        of_root: bool,
    ) -> None:
        """Sets the password of the database's user, or of root: in the server that runs, then here. Raises
        InvalidInput, Conflict, and HeadwayError with what the server says.
        """
        database = await self.one(actor, permission, kind, database_id)
        check(kind, with_password(database, password, of_root=of_root))
        runs_here = database.settings.elsewhere is None and database.runs.serving_release_id is not None
        if runs_here:
            await self.telling.tell(database, password, of_root=of_root)

        def write(tx: Tx) -> None:
            services_store.lock_settings(tx, database_id)
            current = self.permitted(tx, actor, permission, kind, database_id)
            settings = with_password(current, password, of_root=of_root)
            store.write(tx, replace(current, settings=settings), self.vault)
            if runs_here and kind in NEEDS_DEPLOY:
                self.ledger.enqueue(tx, asked_by(actor, request_of(self._found(tx, database_id))))

        await self.db.run(write)

    async def start(self, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str) -> Database:
        """Brings it up again; it is ``running`` until it has been seen to be up. Raises Conflict where nothing was ever
        deployed, and while a deploy is under way, which alone may start anything.
        """

        def begin(tx: Tx) -> Database:
            database = self.permitted(tx, actor, permission, kind, database_id)
            _require_here(database)
            require_deployed(database.runs)
            powers.require_serving(tx, database.runs, applications.serving(tx, database_id), self.vault)
            begin_start(tx, database.runs)
            return database

        database = await self.db.run(begin)
        async with self.lifecycle.turn(database_id):
            await self.lifecycle.up(database.runs)
        return await self.one(actor, permission, kind, database_id)

    async def reload(self, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str) -> None:
        """Ends what runs and starts it again; of what was never deployed nothing runs, and nothing is started. Raises
        Conflict during a deploy.
        """

        def begin(tx: Tx) -> Database | None:
            database = self.permitted(tx, actor, permission, kind, database_id)
            _require_here(database)
            if database.runs.serving_release_id is None:
                return None
            require_deployed(database.runs)
            require_at_rest(tx, database.runs)
            powers.require_serving(tx, database.runs, applications.serving(tx, database_id), self.vault)
            want_up(tx, database_id)
            return database

        database = await self.db.run(begin)
        if database is None:
            return
        async with self.lifecycle.turn(database_id):
            await self.lifecycle.again(database.runs)

    async def stop(self, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str) -> Database:
        """Ends its deployments and what runs; returns when nothing does. Raises InvalidInput for one elsewhere, and
        NotStoppedYet where it takes long.
        """
        database = await self.one(actor, permission, kind, database_id)
        _require_here(database)
        await shutdown.stop(self.db, self.lifecycle, database.runs, self._end_all, self.lifecycle.down)
        return await self.one(actor, permission, kind, database_id)

    async def remove(
        self,
        actor: Actor,
        permission: Permission,
        kind: DatabaseKind,
        database_id: str,
        *,
        delete_volumes: bool = False,
    ) -> Database:
        """Removes all of a database: container, deployments and their logs; its volumes only with ``delete_volumes``.
        What runs elsewhere is only forgotten. Raises StillThere where its host cannot be asked now; it is gone for
        everybody all the same.
        """

        def begin(tx: Tx) -> Database:
            services_store.lock_settings(tx, database_id)
            database = self.permitted(tx, actor, permission, kind, database_id)
            ran = database.runs.serving_release_id or deployments.of_subject(tx, SubjectType.DATABASE, database_id)
            # Where nothing was ever deployed no engine need be asked.
            wanted = delete_volumes and bool(ran) and database.settings.elsewhere is None
            settings = replaced(database.runs.settings, {"run.delete_volumes": wanted})
            services_store.set_fields(tx, database_id, settings=services_store.kept(settings, self.vault))
            services_store.begin_deletion(tx, database_id)
            return replace(database, runs=replace(database.runs, settings=settings))

        database = await self.db.run(begin)
        await shutdown.delete(self.db, self.lifecycle, database.runs, self._end_all, self.stopping)
        return database

    async def move(
        self, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str, environment_id: str
    ) -> Database:
        """Puts a database into another environment, of any project that the caller may change; what runs stays as it
        is until the next deploy. Raises Missing, Forbidden, Conflict.
        """

        def write(tx: Tx) -> Database:
            database = self.permitted(tx, actor, permission, kind, database_id)
            self.relocation.put(tx, actor, permission, database.runs, environment_id)
            return self._found(tx, database_id)

        return await self.db.run(write)

    async def read_logs(
        self,
        actor: Actor,
        permission: Permission,
        kind: DatabaseKind,
        database_id: str,
        *,
        tail: int,
        since: datetime | None,
    ) -> str:
        """The last lines that the database wrote, its secrets masked. Where nothing serves, what its last deployment
        said.
        """
        runs = (await self.one(actor, permission, kind, database_id)).runs
        secrets = await self.db.read(lambda tx: known_secrets(tx, runs, self.vault))
        written = await self.lifecycle.driver.logs(runs, tail, secrets, since)
        return await self.lifecycle.last_try(runs, tail) if written is None else written

    def permitted(self, tx: Tx, actor: Actor, permission: Permission, kind: DatabaseKind, database_id: str) -> Database:
        """The database of that kind. Raises Missing, Forbidden."""
        noun = NOUNS[kind]
        database = store.find(tx, database_id, self.vault)
        if database is None or database.kind is not kind:
            raise Missing(noun)
        runs = database.runs
        permit(actor, permission, runs.organization_id, runs.project_id, service_id=database_id, noun=noun)
        return database

    def _judged(self, tx: Tx, actor: Actor, database_id: str) -> Database:
        """The database, once what it needs of its machine is judged. Raises MachineRefused."""
        database = self._found(tx, database_id)
        powers.save(tx, actor, database.runs, self.vault)
        return database

    def _found(self, tx: Tx, database_id: str) -> Database:
        found = store.find(tx, database_id, self.vault)
        if found is None:
            raise Missing(Noun.DATABASE)
        return found

    async def _end_all(self, database_id: str) -> None:
        await end_unfinished(self.db, self.stopping, SubjectType.DATABASE, database_id, Intent.CANCEL)


def _require_here(database: Database) -> None:
    if database.settings.elsewhere is not None:
        raise InvalidInput("This database runs elsewhere: Headway connects to it, and starts and stops nothing there.")


def _with_new_volume(settings: DatabaseSettings) -> DatabaseSettings:
    return replace(settings, volume=f"data-{new_id()[:8]}")  # never there before, so empty


def _words_of(database: Database) -> Mapping[str, str | None]:
    runs = database.runs
    return {"name": runs.name, "appName": runs.app_name, "description": runs.description}
