"""``port.*``: ports of the machine that lead into an application's container, beside the edge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.containers.api.rows import PortRow, Protocol, PublishMode, port_row
from headway.features.services.application.attachments import AttachmentService
from headway.features.services.application.model import OpenedPort
from headway.kernel.ids import new_id

Id = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]


router = Router[AttachmentService]("port", "Ports of the machine that lead into containers", resource=Noun.PORT)


class PortById(Input):
    port_id: Id


class Fields(Input):
    published_port: Port
    target_port: Port
    protocol: Protocol = "tcp"
    publish_mode: PublishMode = "ingress"


class CreatePort(Fields):
    application_id: Id


class UpdatePort(Fields):
    port_id: Id


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(attachments: AttachmentService, call: Call[PortById]) -> PortRow:
    """One published port."""
    application, port = await attachments.port(call.actor, call.permission, call.input.port_id)
    return port_row(port, application.service_id)


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.APPLICATION)
async def create(attachments: AttachmentService, call: Call[CreatePort]) -> bool:
    """Publish a port, from the next deploy on."""
    await attachments.add_port(call.actor, call.permission, call.input.application_id, _opened(new_id(), call.input))
    return True


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(attachments: AttachmentService, call: Call[UpdatePort]) -> bool:
    """Change a published port, from the next deploy on."""
    given = call.input
    await attachments.change_port(call.actor, call.permission, given.port_id, lambda port: _opened(port.port_id, given))
    return True


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(attachments: AttachmentService, call: Call[PortById]) -> PortRow:
    """Publish it no more, from the next deploy on."""
    application, port = await attachments.remove_port(call.actor, call.permission, call.input.port_id)
    return port_row(port, application.service_id)


def _opened(port_id: str, given: Fields) -> OpenedPort:
    return OpenedPort(
        port_id=port_id,
        outer=given.published_port,
        inner=given.target_port,
        protocol=given.protocol,
        mode=given.publish_mode,
    )
