"""``volumeBackups.*``: backups of volumes and of applications' own data folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call, Nothing, Ready, queued, queued_as
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
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
from headway.features.backups.api.rows import FileRow, file_row
from headway.features.backups.api.volume_rows import VolumeBackupRow, volume_backup_row
from headway.features.backups.volume.model import ServiceType, VolumeBackup, VolumeBackupSettings
from headway.features.backups.volume.service import VolumeBackupService
from headway.features.services.api.relations import Relations
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

Services = Literal["application", "postgres", "mysql", "mariadb", "mongo", "redis", "compose", "libsql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupsNeeds:
    """What these operations need."""

    backups: VolumeBackupService
    deployment_reads: DeploymentReader
    relations: Relations


router = Router[VolumeBackupsNeeds](
    "volumeBackups", "Backups of volumes and of applications' own data folders", resource=Noun.VOLUME_BACKUP
)


class VolumeBackupById(Input):
    volume_backup_id: Id


class VolumeBackupListing(Input):
    id: Id
    volume_backup_type: Services


class VolumeBackupChangeable(Input):
    """What can be set of a volume backup at any time."""

    name: Text | None = None
    volume_name: Text | None = None
    prefix: Prefix | None = None
    cron_expression: CronText | None = None
    timezone: ZoneName | None = None
    turn_off: bool | None = None
    enabled: bool | None = None
    keep_latest_count: Count | None = None
    keep_days: Count | None = None
    service_name: Text | None = None
    destination_id: NamedDestination | None = None
    encryption_password: Text | None = Field(default=None, repr=False)
    total_seconds: Seconds | None = None

    def onto(self, current: VolumeBackupSettings) -> VolumeBackupSettings:
        """The settings with what was given; what was not given stays."""
        changed = put_upon(current, self, plain=("volume_name", "turn_off"))
        return changed if self.cron_expression is None else replace(changed, schedule=self.cron_expression)


class ServiceOfVolumeBackup(VolumeBackupChangeable):
    """The service whose volume it is, under the id of its kind."""

    service_type: Services | None = None
    application_id: Text | None = None
    compose_id: Text | None = None
    postgres_id: Text | None = None
    mysql_id: Text | None = None
    mariadb_id: Text | None = None
    mongo_id: Text | None = None
    redis_id: Text | None = None
    libsql_id: Text | None = None

    def named(self) -> dict[ServiceType, str]:
        """Every service that is named, by its kind."""
        ids = {each: getattr(self, f"{each}_id") for each in ServiceType}
        return {each: service_id for each, service_id in ids.items() if service_id}


class CreateVolumeBackup(ServiceOfVolumeBackup):
    def service(self) -> tuple[ServiceType, str]:
        """Whose volume it is. Raises InvalidInput where no service is named, several are, or one of another type."""
        found = list(self.named().items())
        if len(found) == 1 and self.service_type in {None, found[0][0]}:
            return found[0]
        of = "" if self.service_type is None else f" of the serviceType {self.service_type}"
        raise InvalidInput(
            f"Name one service{of} whose volume it is, and no other: an application (applicationId), a compose service"
            " (composeId) or a database (postgresId, redisId and so on)."
        )


class UpdateVolumeBackup(ServiceOfVolumeBackup, VolumeBackupById):
    """Whose volume it is is decided when it is made: it may be sent again, and no other."""

    def require_same(self, made: VolumeBackup) -> None:
        """Raises InvalidInput where another service is named than it has."""
        others = {each for each in self.named().items() if each != (made.service_type, made.service_id)}
        if others or self.service_type not in {None, made.service_type.value}:
            raise InvalidInput("Whose volume is backed up is decided when the backup is made: make another one.")


class RestoreVolumeBackup(VolumeBackupById):
    """``volumeName`` is a new volume to restore into; without it the same one is replaced, and the old one is kept
    until the new one is in use.
    """

    backup_file_name: Annotated[str, Field(min_length=1, max_length=4_096)]
    destination_id: Text | None = None
    volume_name: Text | None = None


@router.query("list", least=Role.MEMBER, scope=Scope.READ)
async def list_(needs: VolumeBackupsNeeds, call: Call[VolumeBackupListing]) -> list[VolumeBackupRow]:
    """The volume backups of a service."""
    given = call.input
    kind = ServiceType(given.volume_backup_type)
    return await _rows(needs, call, await needs.backups.of_service(call.actor, call.permission, kind, given.id))


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> VolumeBackupRow:
    """A volume backup with its deployments."""
    found = await needs.backups.one(call.actor, call.permission, call.input.volume_backup_id)
    runs = await runs_of(needs.deployment_reads, call, SubjectType.VOLUME_BACKUP, found.backup_id)
    return {**await _row(needs, call, found), "deployments": runs}


@router.query("files", least=Role.MEMBER, scope=Scope.READ)
async def files(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> list[FileRow]:
    """What is kept of it, newest first."""
    found = await needs.backups.files(call.actor, call.permission, call.input.volume_backup_id)
    return [file_row(each) for each in found]


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: VolumeBackupsNeeds, call: Call[CreateVolumeBackup]) -> VolumeBackupRow:
    """A new volume backup, not made yet."""
    given, settings = call.input, call.input.onto(VolumeBackupSettings())
    where = given.destination_id or None
    return await _row(
        needs,
        call,
        await needs.backups.create(call.actor, call.permission, *given.service(), settings, destination_id=where),
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: VolumeBackupsNeeds, call: Call[UpdateVolumeBackup]) -> VolumeBackupRow:
    """Change a volume backup."""
    given, backups = call.input, needs.backups
    given.require_same(await backups.one(call.actor, call.permission, given.volume_backup_id))
    changed = await backups.update(
        call.actor, call.permission, given.volume_backup_id, given.onto, given.destination_id or None
    )
    return await _row(needs, call, changed)


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> VolumeBackupRow:
    """Forget it; its files stay where they lie."""
    return await _row(needs, call, await needs.backups.remove(call.actor, call.permission, call.input.volume_backup_id))


async def _row(needs: VolumeBackupsNeeds, call: Call[Any], found: VolumeBackup) -> VolumeBackupRow:
    (row,) = await _rows(needs, call, [found])
    return row


async def _rows(needs: VolumeBackupsNeeds, call: Call[Any], found: Sequence[VolumeBackup]) -> list[VolumeBackupRow]:
    """The volume backups with what they belong to, for whoever was let through to them already."""
    return await rows_with_relations(needs.relations, call.actor, found, volume_backup_row)


@router.starter("runManually", least=Role.MEMBER, scope=Scope.DEPLOY)
async def run(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> Ready[bool]:
    """Queue a run."""
    made = await needs.backups.start(call.actor, call.permission, call.input.volume_backup_id, call.once)
    return queued_as(made, answer=True)


@router.starter("restoreVolumeBackupWithLogs", least=Role.ADMIN, scope=Scope.ADMIN, careful=True)
async def restore(needs: VolumeBackupsNeeds, call: Call[RestoreVolumeBackup]) -> Nothing:
    """Queue a restore of a file."""
    given = call.input
    return queued(
        await needs.backups.restore(
            call.actor,
            call.permission,
            given.volume_backup_id,
            given.backup_file_name,
            destination_id=given.destination_id or None,
            target=given.volume_name or None,
            once=call.once,
        )
    )
