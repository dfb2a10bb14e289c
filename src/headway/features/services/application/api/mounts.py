"""``mounts.*``: what is put into an application's container."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Missing, Noun
from headway.features.containers.api.rows import MountRow, MountType, mount_row
from headway.features.services.application.attachments import AttachmentService, as_mount
from headway.features.services.application.model import Attached
from headway.kernel.artifacts import MountKind
from headway.kernel.errors import InvalidInput

Id = Annotated[str, Field(min_length=1)]
Path = Annotated[str, Field(min_length=1, max_length=4_096)]
Content = Annotated[str, Field(max_length=512 << 10)]
ServiceType = Literal["application", "postgres", "mysql", "mariadb", "mongo", "redis", "compose", "libsql"]


router = Router[AttachmentService]("mounts", "What is put into the containers of applications", resource=Noun.MOUNT)


class MountById(Input):
    mount_id: Id


class MountsOfApplication(Input):
    application_id: Id


class MountsOfService(Input):
    service_type: ServiceType
    service_id: Id


class CreateMount(Input):
    type: MountType
    mount_path: Path
    host_path: Path | None = None
    volume_name: Path | None = None
    content: Content | None = None
    file_path: Path | None = None
    service_type: ServiceType = "application"
    service_id: Id


class UpdateMount(MountById):
    type: MountType | None = None
    mount_path: Path | None = None
    host_path: Path | None = None
    volume_name: Path | None = None
    content: Content | None = None
    file_path: Path | None = None

    def applied(self, mount: Attached) -> Attached:
        """The mount with what was sent. Raises InvalidInput for what a mount of its type has not."""
        kind = MountKind(self.type or mount.kind)
        _require_of(kind, self)
        changed = as_mount(
            kind,
            self.mount_path or mount.target,
            volume=self.volume_name or mount.source,
            host_path=self.host_path or mount.source,
            content=mount.content if self.content is None else self.content,
            file=self.file_path or mount.file_path,
        )
        return replace(changed, mount_id=mount.mount_id)


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(attachments: AttachmentService, call: Call[MountById]) -> MountRow:
    """One mount."""
    application, mount = await attachments.mount(call.actor, call.permission, call.input.mount_id)
    return mount_row(mount, application.service_id)


@router.query("listByServiceId", least=Role.MEMBER, scope=Scope.READ, resource=Noun.APPLICATION)
async def list_(attachments: AttachmentService, call: Call[MountsOfService]) -> list[MountRow]:
    """The mounts of a service."""
    _require_application(call.input.service_type)
    return await _of(attachments, call, call.input.service_id)


@router.query("allNamedByApplicationId", least=Role.MEMBER, scope=Scope.READ, resource=Noun.APPLICATION)
async def named(attachments: AttachmentService, call: Call[MountsOfApplication]) -> list[MountRow]:
    """Its volumes."""
    rows = await _of(attachments, call, call.input.application_id)
    return [row for row in rows if row["type"] == "volume"]


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.APPLICATION)
async def create(attachments: AttachmentService, call: Call[CreateMount]) -> MountRow:
    """Attach a mount, for the next deploy."""
    given = call.input
    _require_application(given.service_type)
    kind = MountKind(given.type)
    _require_of(kind, given)
    mount = as_mount(
        kind,
        given.mount_path,
        volume=given.volume_name,
        host_path=given.host_path,
        content=given.content,
        file=given.file_path,
    )
    return mount_row(
        await attachments.add_mount(call.actor, call.permission, given.service_id, mount),
        given.service_id,
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(attachments: AttachmentService, call: Call[UpdateMount]) -> MountRow:
    """Change a mount, for the next deploy."""
    application, _ = await attachments.mount(call.actor, call.permission, call.input.mount_id)
    mount = await attachments.change_mount(call.actor, call.permission, call.input.mount_id, call.input.applied)
    return mount_row(mount, application.service_id)


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(attachments: AttachmentService, call: Call[MountById]) -> MountRow:
    """Take a mount away; a volume stays."""
    application, mount = await attachments.remove_mount(call.actor, call.permission, call.input.mount_id)
    return mount_row(mount, application.service_id)


async def _of(
    attachments: AttachmentService, call: Call[MountsOfService] | Call[MountsOfApplication], application_id: str
) -> list[MountRow]:
    found = await attachments.mounts(call.actor, call.permission, application_id)
    return [mount_row(mount, application_id) for mount in found]


def _require_application(service_type: ServiceType) -> None:
    """Mounts of other services are in their own files, or they are not there yet."""
    if service_type != "application":
        raise Missing(Noun.SERVICE)


def _require_of(kind: MountKind, given: CreateMount | UpdateMount) -> None:
    """Raises InvalidInput for what a mount of its type has not."""
    sent = {
        MountKind.VOLUME: ("volumeName", given.volume_name),
        MountKind.BIND: ("hostPath", given.host_path),
        MountKind.FILE: ("content", given.content),
    }
    for of, (name, value) in sent.items():
        if value and of is not kind:
            raise InvalidInput(
                f"{name} is what a mount of the type {of} has, and this one is of the type {kind}. Leave it out, "
                f"or make it one by type: {of}."
            )
