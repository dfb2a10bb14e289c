"""Use cases of backups: make, change, run, list what is kept, restore, try; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from headway.core.access.machine import may_use_the_machine
from headway.core.access.machine_store import first_organization
from headway.core.access.model import Actor
from headway.core.access.outward import require_outward_host
from headway.core.access.policy import Missing, Noun, Permission, permit, sees
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.core.engine.scheduler.timers import Timers
from headway.drivers.dumps.base import Engine
from headway.features.backups.database import store
from headway.features.backups.database.model import WEB_SERVER, Backup, BackupForm, BackupSettings, check
from headway.features.backups.database.requests import drill_request, request_of, restore_request, timer_of
from headway.features.destinations import stored_backup_store
from headway.features.destinations.service import DestinationService
from headway.features.destinations.stored_backup_model import KeptFile, checked_path
from headway.features.services import store as services_store
from headway.features.services.compose import store as composes
from headway.features.services.database import store as databases
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import DatabaseKind
from headway.features.services.database.service import NOUNS
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Forbidden, InvalidInput, NotFound
from headway.kernel.ids import new_id, slug
from headway.kernel.vault import Vault


class NoSuchFile(NotFound):
    """A backup has no such file."""

    def __init__(self) -> None:
        super().__init__("Backup file not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBackup:
    """What is to be backed up. ``service_id`` is a compose service or a database, ``environment_id`` where a connection
    belongs.
    """

    form: BackupForm
    engine: Engine | None
    destination_id: str | None
    service_id: str | None = None
    environment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupService:
    """What callers may ask of backups."""

    db: Database
    vault: Vault
    ledger: Ledger
    stopping: Stopping
    timers: Timers
    destinations: DestinationService

    async def create(self, actor: Actor, permission: Permission, made: NewBackup, settings: BackupSettings) -> Backup:
        """Makes a backup that nothing has been kept of yet. Raises InvalidInput, Missing, Forbidden."""
        given = settings
        if made.form is not BackupForm.DATABASE:
            check(made.form, made.engine, given)

        def write(tx: Tx) -> Backup:
            settings = _whose(actor, made.form, BackupSettings(), self._of_database(tx, made, given))
            organization_id, project_id, app_name = self._place(tx, actor, permission, made, settings)
            check(made.form, made.engine, settings)
            destination_id = self._destination(tx, actor, permission, made.destination_id)
            backup = Backup(
                backup_id=new_id(),
                organization_id=organization_id,
                project_id=project_id,
                environment_id=made.environment_id,
                destination_id=destination_id,
                form=made.form,
                engine=made.engine,
                service_id=made.service_id,
                app_name=app_name,
                settings=settings,
                created_at=tx.now,
            )
            store.add(tx, backup, self.vault)
            self._set_timer(tx, backup)
            return backup

        return await self.db.run(write)

    async def one(self, actor: Actor, permission: Permission, backup_id: str) -> Backup:
        """One backup. Raises Missing, Forbidden."""
        return await self.db.read(lambda tx: self._permitted(tx, actor, permission, backup_id))

    async def all(self, actor: Actor) -> list[Backup]:
        """The backups that the caller may see, newest first."""
        found = await self.db.read(lambda tx: store.of_organization(tx, actor.organization_id, self.vault))
        return [each for each in found if sees(actor, each.organization_id, each.project_id)]

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        backup_id: str,
        change: Callable[[BackupSettings], BackupSettings],
        destination_id: str | None = None,
    ) -> Backup:
        """Changes a backup; the next run works from it. Raises InvalidInput, Missing, Forbidden."""

        def write(tx: Tx) -> Backup:
            current = self._permitted(tx, actor, permission, backup_id)
            settings = _whose(actor, current.form, current.settings, change(current.settings))
            check(current.form, current.engine, settings)
            where = current.destination_id
            if destination_id is not None and destination_id != where:
                where = self._destination(tx, actor, permission, destination_id)
            store.change(tx, backup_id, where, settings, self.vault)
            changed = store.find(tx, backup_id, self.vault)
            self._set_timer(tx, changed)
            return changed

        return await self.db.run(write)

    async def remove(self, actor: Actor, permission: Permission, backup_id: str) -> Backup:
        """Ends its runs and forgets a backup; its files stay where they lie. Raises Missing, Forbidden."""
        backup = await self.one(actor, permission, backup_id)
        await end_unfinished(self.db, self.stopping, SubjectType.BACKUP, backup_id, Intent.CANCEL)

        def write(tx: Tx) -> Backup:
            self.timers.remove(tx, SubjectType.BACKUP, backup_id)
            stored_backup_store.forget_subject(tx, SubjectType.BACKUP, backup_id)
            store.remove(tx, backup_id)
            return backup

        return await self.db.run(write)

    async def start(
        self, actor: Actor, permission: Permission, backup_id: str, wanted: str, once: Once | None
    ) -> Queued:
        """Queues a run now of a backup of what is ``wanted``: an engine, a compose service or Headway itself. Raises
        InvalidInput where it is one of something else.
        """

        def write(tx: Tx) -> Queued:
            backup = self._permitted(tx, actor, permission, backup_id)
            is_what = backup.form if wanted == BackupForm.COMPOSE else backup.engine or WEB_SERVER
            if is_what != wanted:
                raise InvalidInput(
                    f"This is a backup of {backup.engine or WEB_SERVER}, and {permission.name} starts others."
                )
            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, request_of(tx, backup, self.vault)))

        return await self.db.run(write)

    async def files(self, actor: Actor, permission: Permission, backup_id: str) -> list[KeptFile]:
        """What is kept of a backup, newest first. Raises Missing, Forbidden."""

        def read(tx: Tx) -> list[KeptFile]:
            self._permitted(tx, actor, permission, backup_id)
            return stored_backup_store.of_subject(tx, SubjectType.BACKUP, backup_id)

        return await self.db.read(read)

    async def restore(
        self,
        actor: Actor,
        permission: Permission,
        backup_id: str,
        file: str,
        *,
        destination_id: str | None,
        target: str | None,
        over: bool,
        once: Once | None = None,
    ) -> Queued:
        """Queues a restore of a file into a database of the backup's server; ``target`` None: the one that it is of.
        Raises InvalidInput, Missing, Forbidden.
        """

        def write(tx: Tx) -> Queued:
            backup = self._permitted(tx, actor, permission, backup_id)
            where = destination_id or backup.destination_id
            self.destinations.permitted(tx, actor, permission, where)
            given = {"file": checked_path(file), "destination_id": where, "over": over}
            given |= {"trusted": may_use_the_machine(actor)}
            request = restore_request(tx, backup, self.vault, given | {"target": target or backup.settings.database})
            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, request))

        return await self.db.run(write)

    async def drill(
        self, actor: Actor, permission: Permission, backup_id: str, file: str | None, once: Once | None = None
    ) -> Queued:
        """Queues a trial of a file (None: the newest) in a database that is thrown away. Raises NoSuchFile."""

        def write(tx: Tx) -> Queued:
            backup = self._permitted(tx, actor, permission, backup_id)
            kept = stored_backup_store.of_subject(tx, SubjectType.BACKUP, backup_id)
            found = next((each for each in kept if file in {None, each.path}), None)
            if found is None:
                raise NoSuchFile
            return self.ledger.enqueue_once(
                tx, once, lambda: asked_by(actor, drill_request(tx, backup, self.vault, found))
            )

        return await self.db.run(write)

    def _place(
        self, tx: Tx, actor: Actor, permission: Permission, made: NewBackup, settings: BackupSettings
    ) -> tuple[str, str | None, str]:
        """(organisation, project, name at the destination) of a new backup, asked of the policy."""
        match made.form:
            case BackupForm.PANEL:
                permit(actor, permission, actor.organization_id, noun=Noun.BACKUP)
                if actor.organization_id != first_organization(tx) or not may_use_the_machine(actor):
                    raise Forbidden("Headway itself is backed up by who may use the machine in its first organisation.")
                return actor.organization_id, None, "headway"
            case BackupForm.COMPOSE:
                owner = services_store.owner(tx, made.service_id or "", SubjectType.COMPOSE)
                place = ("", None) if owner is None else (owner.organization_id, owner.project_id)
                permit(actor, permission, *place, noun=Noun.COMPOSE)
                return place[0], place[1], composes.find(tx, made.service_id or "", self.vault).app_name
            case BackupForm.DATABASE:
                found = databases.find(tx, made.service_id or "", self.vault)
                noun = NOUNS[DatabaseKind(made.engine or "")]
                if found is None or KINDS[found.kind].engine is not made.engine:
                    raise Missing(noun)
                permit(actor, permission, found.runs.organization_id, found.runs.project_id, noun=noun)
                return found.runs.organization_id, found.runs.project_id, found.runs.app_name
            case BackupForm.CONNECTION:
                owner = store.owner_of_environment(tx, made.environment_id or "")
                place = ("", None) if owner is None else (owner.organization_id, owner.project_id)
                permit(actor, permission, *place, noun=Noun.ENVIRONMENT)
                return place[0], place[1], slug(settings.name or settings.database) or "database"

    def _of_database(self, tx: Tx, made: NewBackup, settings: BackupSettings) -> BackupSettings:
        """The settings with the name of the database, where that is a service that has one."""
        if made.form is not BackupForm.DATABASE or settings.database:
            return settings
        found = databases.find(tx, made.service_id or "", self.vault)
        return settings if found is None else replace(settings, database=found.settings.database)

    def _destination(self, tx: Tx, actor: Actor, permission: Permission, destination_id: str | None) -> str:
        """Where it goes: the destination that is named, else the organisation's folder of this machine."""
        if destination_id:
            return self.destinations.permitted(tx, actor, permission, destination_id).destination_id
        return self.destinations.local(tx, actor).destination_id

    def _set_timer(self, tx: Tx, backup: Backup) -> None:
        timer = timer_of(backup.settings)
        if timer is None:
            self.timers.remove(tx, SubjectType.BACKUP, backup.backup_id)
        else:
            enabled = backup.settings.enabled
            self.timers.put(tx, SubjectType.BACKUP, backup.backup_id, *timer, enabled=enabled)

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, backup_id: str) -> Backup:
        owner = store.owner(tx, backup_id)
        if owner is None:
            raise Missing(Noun.BACKUP)
        backup = store.find(tx, backup_id, self.vault)
        permit(actor, permission, owner.organization_id, owner.project_id, noun=Noun.BACKUP)
        return backup


def _whose(actor: Actor, form: BackupForm, before: BackupSettings, after: BackupSettings) -> BackupSettings:
    """The settings, which say whose word it is where the database server is. Raises NearRefused."""
    where, known = after.connection, before.connection
    if form is not BackupForm.CONNECTION or where.host == known.host:
        return replace(after, connection=replace(where, guarded=known.guarded))
    require_outward_host(actor, where.host, "The database server")
    return replace(after, connection=replace(where, guarded=not may_use_the_machine(actor)))
