"""Use cases of backups of databases and of Headway itself, beside those of any: make, list, try."""

from __future__ import annotations

from dataclasses import replace

from headway.core.access.machine import may_use_the_machine
from headway.core.access.machine_store import first_organization
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward_host
from headway.core.access.policy import Missing, Noun, Permission, permit, sees
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.model import Request
from headway.drivers.dumps.base import Engine
from headway.features.backups.database.model import BackupForm, DatabaseBackup, DatabaseBackupSettings, check
from headway.features.backups.database.requests import backup_request, drill_request, restore_request
from headway.features.backups.service import BackupService
from headway.features.destinations import stored_backup_store
from headway.features.projects import store as projects
from headway.features.services import store as services_store
from headway.features.services.database import store as databases
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import DatabaseKind
from headway.features.services.database.service import NOUNS
from headway.features.services.directory import READERS
from headway.features.services.model import noun_of, type_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden, InvalidInput, NotFound
from headway.kernel.ids import new_id, slug


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
class DatabaseBackupService(BackupService[DatabaseBackup, DatabaseBackupSettings]):
    """What callers may ask of backups of databases and of Headway itself."""

    async def create(
        self, actor: Actor, permission: Permission, made: NewBackup, settings: DatabaseBackupSettings
    ) -> DatabaseBackup:
        """Makes a backup that nothing has been kept of yet. Raises InvalidInput, Missing, Forbidden."""
        given = settings
        if made.form is not BackupForm.DATABASE:
            check(made.form, made.engine, given)

        def write(tx: Tx) -> DatabaseBackup:
            settings = _whose(actor, made.form, DatabaseBackupSettings(), self._of_database(tx, made, given))
            organization_id, project_id, app_name = self._place(tx, actor, permission, made, settings)
            check(made.form, made.engine, settings)
            backup = DatabaseBackup(
                backup_id=new_id(),
                organization_id=organization_id,
                project_id=project_id,
                environment_id=made.environment_id,
                destination_id=self.destination(tx, actor, permission, made.destination_id),
                form=made.form,
                engine=made.engine,
                service_id=made.service_id,
                app_name=app_name,
                settings=settings,
                created_at=tx.now,
            )
            self.add(tx, backup)
            return backup

        return await self.db.run(write)

    async def all(self, actor: Actor) -> list[DatabaseBackup]:
        """The backups that the caller may see, newest first."""
        found = await self.db.read(lambda tx: self.job.store.of_organization(tx, actor.organization_id, self.vault))
        return [each for each in found if sees(actor, each.organization_id, each.project_id)]

    async def start(
        self, actor: Actor, permission: Permission, backup_id: str, wanted: str, once: Once | None
    ) -> Queued:
        """Queues a run now of a backup of what is ``wanted``: an engine, a compose service or Headway itself. Raises
        InvalidInput where it is one of something else.
        """

        def request(tx: Tx, backup: DatabaseBackup) -> Request:
            if wanted not in {backup.form, backup.what}:
                raise InvalidInput(f"This is a backup of {backup.what}, and {permission.name} starts others.")
            return backup_request(tx, backup, self.vault)

        return await self.queue(actor, permission, backup_id, once, request)

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

        def request(tx: Tx, backup: DatabaseBackup) -> Request:
            given = self.file_at(tx, actor, permission, backup, file=file, destination_id=destination_id)
            given |= {"over": over, "trusted": may_use_the_machine(actor)}
            return restore_request(tx, backup, self.vault, given | {"target": target or backup.settings.database})

        return await self.queue(actor, permission, backup_id, once, request)

    async def drill(
        self, actor: Actor, permission: Permission, backup_id: str, file: str | None, once: Once | None = None
    ) -> Queued:
        """Queues a trial of a file (None: the newest) in a database that is thrown away. Raises NoSuchFile."""

        def request(tx: Tx, backup: DatabaseBackup) -> Request:
            kept = stored_backup_store.of_subject(tx, self.job.subject_type, backup_id)
            found = next((each for each in kept if file in {None, each.path}), None)
            if found is None:
                raise NoSuchFile
            return drill_request(tx, backup, self.vault, found)

        return await self.queue(actor, permission, backup_id, once, request)

    def _place(
        self, tx: Tx, actor: Actor, permission: Permission, made: NewBackup, settings: DatabaseBackupSettings
    ) -> tuple[str, str | None, str]:
        """(organisation, project, name at the destination) of a new backup, asked of the policy."""
        match made.form:
            case BackupForm.PANEL:
                permit(actor, permission, actor.organization_id, noun=Noun.BACKUP)
                if actor.organization_id != first_organization(tx) or not may_use_the_machine(actor):
                    raise Forbidden("Headway itself is backed up by who may use the machine in its first organisation.")
                return actor.organization_id, None, "headway"
            case BackupForm.COMPOSE:
                kind, service_id = type_of(made.form), made.service_id or ""
                owner = services_store.owner(tx, service_id, kind)
                place = ("", None) if owner is None else (owner.organization_id, owner.project_id)
                permit(actor, permission, *place, noun=noun_of(kind))
                return place[0], place[1], READERS[kind].find(tx, service_id, self.vault).app_name
            case BackupForm.DATABASE:
                found = databases.find(tx, made.service_id or "", self.vault)
                noun = NOUNS[DatabaseKind(made.engine or "")]
                if found is None or KINDS[found.kind].engine is not made.engine:
                    raise Missing(noun)
                permit(actor, permission, found.runs.organization_id, found.runs.project_id, noun=noun)
                return found.runs.organization_id, found.runs.project_id, found.runs.app_name
            case BackupForm.CONNECTION:
                where = projects.place_of(tx, made.environment_id or "")
                permit(actor, permission, where.organization_id, where.project_id, noun=Noun.ENVIRONMENT)
                name = slug(settings.name or settings.database) or "database"
                return where.organization_id, where.project_id, name

    def _of_database(self, tx: Tx, made: NewBackup, settings: DatabaseBackupSettings) -> DatabaseBackupSettings:
        """The settings with the name of the database, where that is a service that has one."""
        if made.form is not BackupForm.DATABASE or settings.database:
            return settings
        found = databases.find(tx, made.service_id or "", self.vault)
        return settings if found is None else replace(settings, database=found.settings.database)


def judged_database(actor: Actor, before: DatabaseBackup, settings: DatabaseBackupSettings) -> DatabaseBackupSettings:
    """What the settings of a backup are to be. Raises InvalidInput, NearRefused."""
    changed = _whose(actor, before.form, before.settings, settings)
    check(before.form, before.engine, changed)
    return changed


def _whose(
    actor: Actor, form: BackupForm, before: DatabaseBackupSettings, after: DatabaseBackupSettings
) -> DatabaseBackupSettings:
    """The settings, which say whose word it is where the database server is. Raises NearRefused."""
    where, known = after.connection, before.connection
    if form is not BackupForm.CONNECTION or where.host == known.host:
        return replace(after, connection=replace(where, guarded=known.guarded))
    require_outward_host(actor, where.host, "The database server")
    return replace(after, connection=replace(where, guarded=not may_use_the_machine(actor)))
