"""``settings.*``: what clients ask the panel about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NotRequired

from pydantic_core import to_json
from typing_extensions import TypedDict

from headway.core.access.machine import may_use_the_machine
from headway.core.engine.troubles import Trouble
from headway.faces.http.inputs import Empty
from headway.faces.http.registry import Call, Procedure, Ready, mutation, query
from headway.faces.http.wire.base import moment
from headway.infra.panel.whereabouts import whereabouts
from headway.kernel.errors import Unavailable

WHEREABOUTS = "x-headway-whereabouts"
"""The header by which a program on the same machine knows that it is there: it is no row's, which others define."""
WIRE_VERSION = "v0.30.2"  # of the API whose clients are spoken to here; they compare it


class TroubleRow(TypedDict):
    """What could not be done with one item, and is tried again."""

    loop: str
    item: str
    times: int
    since: str
    message: str


class GateRow(TypedDict):
    """What of the machine the kernel keeps nobody from (of applications, of containers, of copies in a swarm), and
    why.
    """

    gate: str
    message: str


class UpdateRow(TypedDict):
    """Whether a newer version is known of. Headway asks nobody for that, so there is never one."""

    latestVersion: str | None
    updateAvailable: bool


class HealthRow(TypedDict):
    """The panel can do its work. ``troubles`` are what it could not do, ``gates`` those that could not be set, for
    those who may use the machine.
    """

    status: str
    troubles: NotRequired[list[TroubleRow]]
    gates: NotRequired[list[GateRow]]


def procedures(describe: Callable[[], bytes]) -> tuple[Procedure, ...]:
    """The router; ``describe`` gives the OpenAPI document of all procedures, as JSON."""

    async def get_open_api_document(_call: Call[Empty]) -> Ready:
        return Ready(await asyncio.to_thread(describe))

    return (
        query("settings.health", "Whether the panel can do its work", HealthRow, Empty, _health),
        query("settings.getDokployVersion", "The version of the API that is spoken here", str, Empty, _version),
        query("settings.getIp", "The address of the panel's machine", str, Empty, _ip),
        mutation("settings.getUpdateData", "Whether there is a newer version", UpdateRow, Empty, _update_data),
        query("settings.isCloud", "Whether somebody else runs this panel for you", bool, Empty, _is_cloud),
        query("settings.getOpenApiDocument", "This API as OpenAPI 3.1", dict[str, Any], Empty, get_open_api_document),
    )


async def _health(call: Call[Empty]) -> Ready:
    reason = await call.platform.health()
    if reason is not None:
        raise Unavailable(reason)
    row: HealthRow = {"status": "ok"}
    if may_use_the_machine(call.actor) and (troubles := call.platform.troubles.all()):
        row["troubles"] = [_trouble_row(each) for each in troubles]
    if may_use_the_machine(call.actor) and (gates := call.platform.gates()):
        row["gates"] = [{"gate": gate, "message": message} for gate, message in sorted(gates.items())]
    here = whereabouts()
    return Ready(to_json(row), headers={} if here is None else {WHEREABOUTS: here})


def _trouble_row(trouble: Trouble) -> TroubleRow:
    return {
        "loop": trouble.loop,
        "item": trouble.item,
        "times": trouble.times,
        "since": moment(trouble.since),
        "message": trouble.sentence,
    }


async def _version(_call: Call[Empty]) -> str:
    return WIRE_VERSION


async def _is_cloud(_call: Call[Empty]) -> bool:
    return False


async def _ip(call: Call[Empty]) -> str:
    return await call.platform.servers.address(call.actor, call.permission, None)


async def _update_data(_call: Call[Empty]) -> UpdateRow:
    return {"latestVersion": None, "updateAvailable": False}
