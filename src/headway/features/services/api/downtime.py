"""``service.down``: what does not run although it is to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.downtime import DowntimeReader

router = Router[DowntimeReader]("service", resource=Noun.SERVICE)


class DownAmong(Input):
    """Without ``serviceId`` it is looked at every service that the caller sees."""

    service_id: Annotated[str, Field(min_length=1)] | None = None


class DownRow(TypedDict):
    """A service that is to run, of which something has ended by itself and does not: the ``names`` of those of its
    processes, or of the services of its file, of which no copy does; ``all`` says whether nothing of it does. ``since``
    is when the last of them ended (null: its machine does not tell), ``exits`` how often they have, ``lastExit`` how.
    """

    serviceId: str
    names: list[str]
    all: bool
    since: str | None
    exits: int
    lastExit: str | None


@router.query("down", least=Role.MEMBER, scope=Scope.READ)
async def down(reader: DowntimeReader, call: Call[DownAmong]) -> list[DownRow]:
    """Services of any kind that are to run and of which something does not, as their machines tell now.

    A service is not among them while it is deployed or started, nor where its machine does not answer.
    """
    actor, service_id = call.actor, call.input.service_id
    found = await (reader.all(actor) if service_id is None else reader.one(actor, call.permission, service_id))
    return [
        {
            "serviceId": each,
            "names": list(told.names),
            "all": told.is_all,
            "since": moment(told.since),
            "exits": told.exits,
            "lastExit": told.last_exit,
        }
        for each, told in found.items()
    ]
