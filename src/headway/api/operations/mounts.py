"""``mounts.*``: what is put into an application's container."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from headway.core.access.policy import Missing, Noun
from headway.domains.applications.attachments import as_mount
from headway.domains.applications.model import Attached
from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.containers import MountRow, MountType, mount_row
from headway.kernel.artifacts import MountKind

Id = Annotated[str, Field(min_length=1)]
Path = Annotated[str, Field(min_length=1, max_length=4_096)]
Content = Annotated[str, Field(max_length=512 << 10)]
ServiceType = Literal["application", "postgres", "mysql", "mariadb", "mongo", "redis", "compose", "libsql"]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("mounts.one", "One mount", MountRow, ById, _one),
        query("mounts.listByServiceId", "The mounts of a service", list[MountRow], OfService, _list),
        query("mounts.allNamedByApplicationId", "Its volumes", list[MountRow], OfApplication, _named),
        mutation("mounts.create", "Attach a mount, for the next deploy", MountRow, Create, _create),
        mutation("mounts.update", "Change a mount, for the next deploy", MountRow, Update, _update),
        mutation("mounts.remove", "Take a mount away; a volume stays", MountRow, ById, _remove),
    )


class ById(Input):
    mount_id: Id


class OfApplication(Input):
    application_id: Id


class OfService(Input):
    service_type: ServiceType
    service_id: Id


class Create(Input):
    type: MountType
    mount_path: Path
    host_path: Path | None = None
    volume_name: Path | None = None
    content: Content | None = None
    file_path: Path | None = None
    service_type: ServiceType = "application"
    service_id: Id


class Update(ById):
    type: MountType | None = None
    mount_path: Path | None = None
    host_path: Path | None = None
    volume_name: Path | None = None
    content: Content | None = None
    file_path: Path | None = None

    def applied(self, mount: Attached) -> Attached:
        """The mount with what was sent."""
        changed = as_mount(
            MountKind(self.type or mount.kind),
            self.mount_path or mount.target,
            volume=self.volume_name or mount.source,
            host_path=self.host_path or mount.source,
            content=mount.content if self.content is None else self.content,
            file=self.file_path or mount.file_path,
        )
        return replace(changed, mount_id=mount.mount_id)


async def _one(call: Call[ById]) -> MountRow:
    application, mount = await call.platform.attachments.mount(call.actor, call.permission, call.input.mount_id)
    return mount_row(mount, application.application_id)


async def _list(call: Call[OfService]) -> list[MountRow]:
    _require_application(call.input.service_type)
    return await _of(call, call.input.service_id)


async def _named(call: Call[OfApplication]) -> list[MountRow]:
    rows = await _of(call, call.input.application_id)
    return [row for row in rows if row["type"] == "volume"]


async def _create(call: Call[Create]) -> MountRow:
    given = call.input
    _require_application(given.service_type)
    mount = as_mount(
        MountKind(given.type),
        given.mount_path,
        volume=given.volume_name,
        host_path=given.host_path,
        content=given.content,
        file=given.file_path,
    )
    return mount_row(
        await call.platform.attachments.add_mount(call.actor, call.permission, given.service_id, mount),
        given.service_id,
    )


async def _update(call: Call[Update]) -> MountRow:
    application, _ = await call.platform.attachments.mount(call.actor, call.permission, call.input.mount_id)
    mount = await call.platform.attachments.change_mount(
        call.actor, call.permission, call.input.mount_id, call.input.applied
    )
    return mount_row(mount, application.application_id)


async def _remove(call: Call[ById]) -> MountRow:
    application, mount = await call.platform.attachments.remove_mount(call.actor, call.permission, call.input.mount_id)
    return mount_row(mount, application.application_id)


async def _of(call: Call[OfService] | Call[OfApplication], application_id: str) -> list[MountRow]:
    found = await call.platform.attachments.mounts(call.actor, call.permission, application_id)
    return [mount_row(mount, application_id) for mount in found]


def _require_application(service_type: ServiceType) -> None:
    """Mounts of other services are in their own files, or they are not there yet."""
    if service_type != "application":
        raise Missing(Noun.SERVICE)
