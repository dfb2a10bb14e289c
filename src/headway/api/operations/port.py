"""``port.*``: ports of the machine that lead into an application's container, beside the edge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.domains.applications.model import Opened
from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.containers import PortRow, Protocol, PublishMode, port_row
from headway.kernel.ids import new_id

Id = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("port.one", "One published port", PortRow, ById, _one),
        mutation("port.create", "Publish a port, from the next deploy on", bool, Create, _create),
        mutation("port.update", "Change a published port, from the next deploy on", bool, Update, _update),
        mutation("port.delete", "Publish it no more, from the next deploy on", PortRow, ById, _delete),
    )


class ById(Input):
    port_id: Id


class Fields(Input):
    published_port: Port
    target_port: Port
    protocol: Protocol = "tcp"
    publish_mode: PublishMode = "ingress"


class Create(Fields):
    application_id: Id


class Update(Fields):
    port_id: Id


async def _one(call: Call[ById]) -> PortRow:
    application, port = await call.platform.attachments.port(call.actor, call.permission, call.input.port_id)
    return port_row(port, application.application_id)


async def _create(call: Call[Create]) -> bool:
    await call.platform.attachments.add_port(
        call.actor, call.permission, call.input.application_id, _opened(new_id(), call.input)
    )
    return True


async def _update(call: Call[Update]) -> bool:
    given = call.input
    await call.platform.attachments.change_port(
        call.actor, call.permission, given.port_id, lambda port: _opened(port.port_id, given)
    )
    return True


async def _delete(call: Call[ById]) -> PortRow:
    application, port = await call.platform.attachments.remove_port(call.actor, call.permission, call.input.port_id)
    return port_row(port, application.application_id)


def _opened(port_id: str, given: Fields) -> Opened:
    return Opened(
        port_id=port_id,
        outer=given.published_port,
        inner=given.target_port,
        protocol=given.protocol,
        mode=given.publish_mode,
    )
