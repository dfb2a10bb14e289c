"""``backup.*``: backups of databases and of Headway itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from headway.api.inputs import Empty, Input, Keyed
from headway.api.operation import Call, Nothing, Ready, queued, queued_as
from headway.api.router import Router
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, may
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.drivers.dumps.base import Engine
from headway.features.backups.api.answers import rows_with_relations, runs_of
from headway.features.backups.api.inputs import (
    Count,
    CronText,
    Id,
    NamedDestination,
    Prefix,
    Seconds,
    Text,
    ZoneName,
    put_upon,
)
from headway.features.backups.api.overview_rows import BackupOverviewRow, backup_overview_row
from headway.features.backups.api.rows import BackupDetails, FileEntry, FileRow, backup_details, file_entry, file_row
from headway.features.backups.database.model import (
    WEB_SERVER,
    BackupForm,
    Connection,
    DatabaseBackup,
    DatabaseBackupSettings,
)
from headway.features.backups.database.service import DatabaseBackupService, NewBackup
from headway.features.backups.overview import BackupOverviewReader
from headway.features.destinations.service import DestinationService
from headway.features.services.api.relations import DESTINATION, Relations
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, PasswordForgotten

DatabaseType = Literal["postgres", "mariadb", "mysql", "mongo", "web-server", "libsql"]
_MANUAL: Mapping[str, str] = MappingProxyType(
    {
        "Postgres": Engine.POSTGRES,
        "MySql": Engine.MYSQL,
        "Mariadb": Engine.MARIADB,
        "Compose": BackupForm.COMPOSE,
        "Mongo": Engine.MONGO,
        "Libsql": Engine.LIBSQL,
        "WebServer": WEB_SERVER,
    }
)
_WHAT: Mapping[BackupForm, str] = MappingProxyType(
    {
        BackupForm.COMPOSE: "a database in a compose service (composeId)",
        BackupForm.CONNECTION: "a database on a server (environmentId and connection)",
        BackupForm.DATABASE: "one of Headway's databases (the id of its kind)",
        BackupForm.PANEL: "Headway itself (databaseType: web-server)",
    }
)
_LAST_PORT, _LONGEST = 65_535, 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupNeeds:
    """What these operations need."""

    backups: DatabaseBackupService
    deployment_reads: DeploymentReader
    destinations: DestinationService
    overviews: BackupOverviewReader
    relations: Relations


router = Router[BackupNeeds](
    "backup", "Backups of databases and of Headway itself: made, kept, restored, tried", resource=Noun.BACKUP
)


class BackupById(Input):
    backup_id: Id


class BackupChangeable(Input):
    """What can be set of a backup at any time."""

    name: Text | None = None
    schedule: CronText | None = None
    timezone: ZoneName | None = None
    enabled: bool | None = None
    prefix: Prefix | None = None
    destination_id: NamedDestination | None = None
    keep_latest_count: Count | None = None
    keep_days: Count | None = None
    drill_days: Count | None = None
    database: Text | None = None
    service_name: Text | None = None
    metadata: Keyed | None = Field(default=None, repr=False)
    connection: Keyed | None = Field(default=None, repr=False)
    encryption_password: Text | None = Field(default=None, repr=False)
    include_logs: bool | None = None
    total_seconds: Seconds | None = None
    include_encryption_key: bool | None = None

    def onto(self, current: DatabaseBackupSettings) -> DatabaseBackupSettings:
        """The settings with what was given; what was not given stays."""
        changed = put_upon(current, self, plain=("database",), or_none=("drill_days",))
        changed = replace(changed, connection=self._connection(current.connection))
        if self.include_logs is not None:
            changed = replace(changed, with_logs=self.include_logs)
        extra = {"metadata": self.metadata, "includeEncryptionKey": self.include_encryption_key}
        kept = {name: value for name, value in extra.items() if value is not None}
        return replace(changed, extra={**current.extra, **kept})

    def _connection(self, current: Connection) -> Connection:
        """The connection that is given, else the credentials in the peer's ``metadata``."""
        if self.connection is not None:
            return _reached(self.connection, current)
        username, password = _credentials(self.metadata or {})
        return replace(current, username=username or current.username, password=password or current.password)


class CreateBackup(BackupChangeable):
    database_type: DatabaseType
    backup_type: Literal["database", "compose"] = "database"
    compose_id: Text | None = None
    environment_id: Text | None = None
    postgres_id: Text | None = None
    mysql_id: Text | None = None
    mariadb_id: Text | None = None
    mongo_id: Text | None = None
    libsql_id: Text | None = None
    user_id: Text | None = None

    def made(self, caller_id: str) -> NewBackup:
        """What is to be backed up. Raises InvalidInput where it is not said, or said twice."""
        form, where = self._form(), self.destination_id or None
        self._require_of(form, caller_id)
        if form is BackupForm.PANEL:
            return NewBackup(form=form, engine=None, destination_id=where)
        engine = Engine(self.database_type)
        if form is BackupForm.COMPOSE:
            return NewBackup(form=form, engine=engine, destination_id=where, service_id=self.compose_id or "")
        if form is BackupForm.DATABASE:
            return NewBackup(
                form=form, engine=engine, destination_id=where, service_id=getattr(self, f"{engine}_id") or ""
            )
        if self.connection is None:
            raise InvalidInput(
                f"Say where the database is: a service ({engine}Id), in a compose service (composeId and serviceName),"
                " or on a server (environmentId and connection: host, port, username, password)."
            )
        given = self.environment_id or ""
        return NewBackup(form=form, engine=engine, destination_id=where, environment_id=given)

    def _form(self) -> BackupForm:
        if self.database_type == WEB_SERVER:
            return BackupForm.PANEL
        if self.backup_type == "compose" or self.compose_id:
            return BackupForm.COMPOSE
        is_service = getattr(self, f"{Engine(self.database_type)}_id")
        return BackupForm.DATABASE if is_service else BackupForm.CONNECTION

    def _require_of(self, form: BackupForm, caller_id: str) -> None:
        """Raises InvalidInput where another place is named than the one that is backed up. Clients send who they are
        as ``userId``, and that may be: a backup is nobody's.
        """
        has = {
            BackupForm.COMPOSE: "compose_id",
            BackupForm.DATABASE: f"{self.database_type}_id",
            BackupForm.CONNECTION: "environment_id",
        }
        named = ("compose_id", "environment_id", *(f"{each}_id" for each in Engine), "user_id")
        fields, own = type(self).model_fields, {has.get(form)} | ({"user_id"} if self.user_id == caller_id else set())
        others = [str(fields[each].alias) for each in named if getattr(self, each) and each not in own]
        if others:
            raise InvalidInput(
                f"This is to be a backup of {_WHAT[form]}, which {' and '.join(others)} does not say: leave that out, "
                "or make another backup of it."
            )
        kind = "compose" if form is BackupForm.COMPOSE else "database"
        if "backup_type" in self.model_fields_set and self.backup_type != kind:
            raise InvalidInput(
                f"This is to be a backup of {_WHAT[form]}, and backupType says {self.backup_type}: leave it out, or "
                f"send {kind}."
            )


class UpdateBackup(BackupChangeable, BackupById):
    """What a backup is of is decided when it is made: it may be sent again, and no other."""

    database_type: DatabaseType | None = None

    def require_same(self, backup: DatabaseBackup) -> None:
        """Raises InvalidInput where another kind of database is named than it has."""
        if self.database_type not in {None, backup.what}:
            raise InvalidInput(
                f"This is a backup of {backup.what}, and stays one: make another one of {self.database_type}."
            )


class BackupListing(Input):
    destination_id: Id
    search: Text = ""
    server_id: Text | None = None


class RestoreBackup(Input):
    """``destinationId`` is where the file lies (default: where the backup goes), ``databaseName`` the database that is
    filled (default: the one that the backup is of); what that holds is replaced only with ``overwrite``.
    """

    backup_id: Id
    backup_file: Annotated[str, Field(min_length=1, max_length=4_096)]
    destination_id: Text | None = None
    database_name: Text | None = None
    overwrite: bool = False


class Drill(BackupById):
    backup_file: Annotated[str, Field(max_length=4_096)] | None = None


@router.query("all", least=Role.MEMBER, scope=Scope.READ)
async def all_(needs: BackupNeeds, call: Call[Empty]) -> list[BackupDetails]:
    """Every backup that the caller may see."""
    return await backup_rows(needs.relations, call.actor, await needs.backups.all(call.actor))


@router.query("overview", least=Role.MEMBER, scope=Scope.READ)
async def overview(needs: BackupNeeds, call: Call[Empty]) -> list[BackupOverviewRow]:
    """Every backup that the caller may see, of databases, of volumes and of Headway itself, with what is kept of it."""
    found = await needs.overviews.all(call.actor)
    places = await needs.relations.services([each.backup.service_id for each in found])
    sees_destinations = may(call.actor, DESTINATION)
    return [
        backup_overview_row(each, places.get(each.backup.service_id or ""), sees_destinations=sees_destinations)
        for each in found
    ]


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: BackupNeeds, call: Call[BackupById]) -> BackupDetails:
    """A backup with its deployments."""
    backup = await needs.backups.one(call.actor, call.permission, call.input.backup_id)
    runs = await runs_of(needs.deployment_reads, call, SubjectType.BACKUP, backup.backup_id)
    return {**await _row(needs, call, backup), "deployments": runs}


@router.query("files", least=Role.MEMBER, scope=Scope.READ)
async def files(needs: BackupNeeds, call: Call[BackupById]) -> list[FileRow]:
    """What is kept of a backup, newest first."""
    return [file_row(each) for each in await needs.backups.files(call.actor, call.permission, call.input.backup_id)]


@router.query("listBackupFiles", least=Role.ADMIN, scope=Scope.READ, resource=Noun.DESTINATION, in_project=False)
async def list_(needs: BackupNeeds, call: Call[BackupListing]) -> list[FileEntry]:
    """What lies at a destination."""
    given = call.input
    found = await needs.destinations.listing(call.actor, call.permission, given.destination_id, given.search)
    return [file_entry(listed, kept) for listed, kept in found]


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: BackupNeeds, call: Call[CreateBackup]) -> BackupDetails:
    """A new backup, not made yet."""
    made, settings = call.input.made(call.actor.user_id), call.input.onto(DatabaseBackupSettings())
    return await _row(needs, call, await needs.backups.create(call.actor, call.permission, made, settings))


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: BackupNeeds, call: Call[UpdateBackup]) -> BackupDetails:
    """Change a backup."""
    given, backups = call.input, needs.backups
    given.require_same(await backups.one(call.actor, call.permission, given.backup_id))
    changed = await backups.update(
        call.actor, call.permission, given.backup_id, given.onto, given.destination_id or None
    )
    return await _row(needs, call, changed)


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(needs: BackupNeeds, call: Call[BackupById]) -> BackupDetails:
    """Forget a backup; its files stay where they lie."""
    return await _row(needs, call, await needs.backups.remove(call.actor, call.permission, call.input.backup_id))


async def _run(wanted: str, needs: BackupNeeds, call: Call[BackupById]) -> Ready[bool]:
    """Queue a run of a backup of this kind."""
    made = await needs.backups.start(call.actor, call.permission, call.input.backup_id, wanted, call.once)
    return queued_as(made, answer=True)


for _each, _wanted in _MANUAL.items():
    router.starter(f"manualBackup{_each}", least=Role.MEMBER, scope=Scope.DEPLOY)(partial(_run, _wanted))


@router.starter("restoreBackupWithLogs", least=Role.ADMIN, scope=Scope.ADMIN, careful=True)
async def restore(needs: BackupNeeds, call: Call[RestoreBackup]) -> Nothing:
    """Queue a restore of a file."""
    given = call.input
    return queued(
        await needs.backups.restore(
            call.actor,
            call.permission,
            given.backup_id,
            given.backup_file,
            destination_id=given.destination_id or None,
            target=given.database_name or None,
            over=given.overwrite,
            once=call.once,
        )
    )


@router.starter("drill", least=Role.MEMBER, scope=Scope.DEPLOY)
async def drill(needs: BackupNeeds, call: Call[Drill]) -> Nothing:
    """Queue a restore on trial, which is thrown away."""
    given = call.input
    return queued(
        await needs.backups.drill(call.actor, call.permission, given.backup_id, given.backup_file or None, call.once)
    )


async def _row(needs: BackupNeeds, call: Call[Any], backup: DatabaseBackup) -> BackupDetails:
    (row,) = await backup_rows(needs.relations, call.actor, [backup])
    return row


async def backup_rows(relations: Relations, actor: Actor, found: Sequence[DatabaseBackup]) -> list[BackupDetails]:
    """The backups with what they belong to, for whoever was let through to them already."""
    return await rows_with_relations(relations, actor, found, backup_details)


def _reached(given: Any, current: Connection) -> Connection:  # noqa: ANN401 - JSON
    """How a server is reached, with what is kept where nothing is given. Raises InvalidInput."""
    texts = {name: given.get(name, getattr(current, name)) for name in ("host", "username")}
    texts["password"] = given.get("password", "")
    port = given.get("port", current.port)
    whole = isinstance(port, int) and not isinstance(port, bool) and 0 <= port <= _LAST_PORT
    if not whole or not all(isinstance(each, str) and len(each) <= _LONGEST for each in texts.values()):
        raise InvalidInput("A connection has host, username and password, each a text, and port, a number to 65535.")
    kept = "" if texts["password"] else current.password
    if kept and (texts["host"], port) != (current.host, current.port):
        raise PasswordForgotten("the backup's server", "password")
    return Connection(**{**texts, "password": texts["password"] or kept}, port=port)


def _credentials(metadata: Any) -> tuple[str, str]:  # noqa: ANN401 - the peer's own JSON
    """(user, password) in the peer's ``metadata`` of a database inside a compose service."""
    for name in ("postgres", "mariadb", "mongo", "mysql"):
        held = metadata.get(name)
        if isinstance(held, dict):
            root = held.get("databaseRootPassword")
            user = str(held.get("databaseUser") or ("root" if root else ""))
            return user, str(root or held.get("databasePassword") or "")
    return "", ""
