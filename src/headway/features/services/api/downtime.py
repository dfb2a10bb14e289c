"""``service.down``: what does not serve although it is to."""

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
from headway.features.services.downtime import Downtime, DowntimeReader, Untold

router = Router[DowntimeReader]("service", resource=Noun.SERVICE)


class DownAmong(Input):
    """Without ``serviceId`` it is looked at every service that the caller sees."""

    service_id: Annotated[str, Field(min_length=1)] | None = None


class DownRow(TypedDict):
    """A service that is to run, of which something does not serve: the ``names`` of those of its processes, or of the
    services of its file, of which no copy does; ``all`` says whether nothing of it does. ``since`` is when the last of
    them ended, or since when they were seen not to serve (null: neither is known), ``exits`` how often they have ended
    by themselves, ``lastExit`` how; ``why`` is what keeps it from that, where it is known. What ``runs`` all the same
    is paused, or fails its own check, of which ``why`` then tells the last output. Where it is ``unknown`` whether it
    serves, ``since`` and ``why`` say since when and why.
    """

    serviceId: str
    names: list[str]
    all: bool
    since: str | None
    exits: int
    lastExit: str | None
    unknown: bool
    why: str | None
    runs: bool


@router.query("down", least=Role.MEMBER, scope=Scope.READ)
async def down(reader: DowntimeReader, call: Call[DownAmong]) -> list[DownRow]:
    """Services of any kind that are to run and of which something does not serve, as their machines tell now.

    Where a machine, or what keeps services alive there, does not answer, its services are among them as ``unknown``. A
    service is not among them while it is deployed or started.
    """
    actor, service_id = call.actor, call.input.service_id
    found = await (reader.all(actor) if service_id is None else reader.one(actor, call.permission, service_id))
    return [_row(each, told) for each, told in found.items()]


def _row(service_id: str, told: Downtime | Untold) -> DownRow:
    since = moment(told.since)
    down = None if isinstance(told, Untold) else told
    return {
        "serviceId": service_id,
        "names": [] if down is None else list(down.names),
        "all": down is not None and down.is_all,
        "since": since,
        "exits": 0 if down is None else down.exits,
        "lastExit": None if down is None else down.last_exit,
        "unknown": down is None,
        "why": told.why,
        "runs": down is not None and down.runs,
    }
