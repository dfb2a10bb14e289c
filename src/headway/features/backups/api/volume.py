"""``volumeBackups.*``: backups of volumes and of applications' own data folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call, Nothing, Ready, queued, queued_as
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.backups.api.rows import FileRow, file_row
from headway.features.backups.api.volume_rows import VolumeBackupRow, volume_backup_row
from headway.features.backups.volume.model import ServiceType, VolumeBackup, VolumeSettings
from headway.features.backups.volume.service import VolumeBackupService
from headway.features.deployments.api.lists import rows_of
from headway.features.services.api.relations import Relations
from headway.kernel.errors import InvalidInput

Text = Annotated[str, Field(max_length=1_024)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Services = Literal["application", "postgres", "mysql", "mariadb", "mongo", "redis", "compose", "libsql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupsNeeds:
    """What these operations need."""

    deployment_reads: DeploymentReader
    relations: Relations
    volume_backups: VolumeBackupService


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
    prefix: Annotated[str, Field(max_length=255)] | None = None
    cron_expression: Annotated[str, Field(max_length=256)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    turn_off: bool | None = None
    enabled: bool | None = None
    keep_latest_count: Count | None = None
    keep_days: Count | None = None
    service_name: Text | None = None
    destination_id: Annotated[str, Field(max_length=64)] | None = None
    encryption_password: Annotated[str, Field(max_length=1_024)] | None = Field(default=None, repr=False)
    total_seconds: Annotated[float, Field(gt=0, le=30 * 86_400)] | None = None

    def onto(self, current: VolumeSettings) -> VolumeSettings:
        """The settings with what was given; what was not given stays."""
        sent = self.model_fields_set
        plain = ("name", "volume_name", "prefix", "cron_expression", "timezone", "turn_off", "enabled", "total_seconds")
        counted = ("keep_latest_count", "keep_days", "service_name")
        given = {name: getattr(self, name) for name in plain if getattr(self, name) is not None}
        changed = replace(current, **given, **{name: getattr(self, name) for name in counted if name in sent})
        if "encryption_password" in sent:
            changed = replace(changed, password=self.encryption_password or None)
        return changed


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
        """Whose volume it is. Raises InvalidInput."""
        found = [(each, id_) for each, id_ in self.named().items() if self.service_type in {None, each}]
        if len(found) == 1:
            return found[0]
        raise InvalidInput(
            "Name one service whose volume it is: an application (applicationId), a compose service (composeId) or a"
            " database (postgresId, redisId and so on)."
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
    return await _rows(needs, call, await needs.volume_backups.of_service(call.actor, call.permission, kind, given.id))


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> VolumeBackupRow:
    """A volume backup with its deployments."""
    actor = call.actor
    found = await needs.volume_backups.one(actor, call.permission, call.input.volume_backup_id)
    reads, subject = needs.deployment_reads, SubjectType.VOLUME_BACKUP
    part = await reads.rows_of(actor, call.permission, subject, found.volume_backup_id)
    rows = rows_of(part, pending_as_running=actor.terms.pending_as_running)
    return {**await _row(needs, call, found), "deployments": rows}


@router.query("files", least=Role.MEMBER, scope=Scope.READ)
async def files(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> list[FileRow]:
    """What is kept of it, newest first."""
    found = await needs.volume_backups.files(call.actor, call.permission, call.input.volume_backup_id)
    return [file_row(each) for each in found]


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: VolumeBackupsNeeds, call: Call[CreateVolumeBackup]) -> VolumeBackupRow:
    """A new volume backup, not made yet."""
    given, volume_backups = call.input, needs.volume_backups
    settings = given.onto(VolumeSettings())
    return await _row(
        needs,
        call,
        await volume_backups.create(
            call.actor, call.permission, *given.service(), settings, destination_id=given.destination_id or None
        ),
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: VolumeBackupsNeeds, call: Call[UpdateVolumeBackup]) -> VolumeBackupRow:
    """Change a volume backup."""
    given, volume_backups = call.input, needs.volume_backups
    given.require_same(await volume_backups.one(call.actor, call.permission, given.volume_backup_id))
    changed = await volume_backups.update(
        call.actor, call.permission, given.volume_backup_id, given.onto, given.destination_id or None
    )
    return await _row(needs, call, changed)


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> VolumeBackupRow:
    """Forget it; its files stay where they lie."""
    volume_backups, id_ = needs.volume_backups, call.input.volume_backup_id
    last = await _row(needs, call, await volume_backups.one(call.actor, call.permission, id_))
    await volume_backups.delete(call.actor, call.permission, id_)
    return last


async def _row(needs: VolumeBackupsNeeds, call: Call[Any], found: VolumeBackup) -> VolumeBackupRow:
    (row,) = await _rows(needs, call, [found])
    return row


async def _rows(needs: VolumeBackupsNeeds, call: Call[Any], found: Sequence[VolumeBackup]) -> list[VolumeBackupRow]:
    """The volume backups with what they belong to, for whoever was let through to them already."""
    places = await needs.relations.services([each.service_id for each in found])
    destinations = {
        each: await needs.relations.destination(call.actor, each) for each in {made.destination_id for made in found}
    }
    return [volume_backup_row(each, places.get(each.service_id), destinations[each.destination_id]) for each in found]


@router.starter("runManually", least=Role.MEMBER, scope=Scope.DEPLOY)
async def run(needs: VolumeBackupsNeeds, call: Call[VolumeBackupById]) -> Ready[bool]:
    """Queue a run."""
    made = await needs.volume_backups.start(call.actor, call.permission, call.input.volume_backup_id, call.once)
    return queued_as(made, answer=True)


@router.starter("restoreVolumeBackupWithLogs", least=Role.ADMIN, scope=Scope.ADMIN)
async def restore(needs: VolumeBackupsNeeds, call: Call[RestoreVolumeBackup]) -> Nothing:
    """Queue a restore of a file."""
    given = call.input
    return queued(
        await needs.volume_backups.restore(
            call.actor,
            call.permission,
            given.volume_backup_id,
            given.backup_file_name,
            destination_id=given.destination_id or None,
            target=given.volume_name or None,
            once=call.once,
        )
    )
