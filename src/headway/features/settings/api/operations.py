"""``settings.*``: what clients ask the panel about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired

from pydantic_core import to_json
from typing_extensions import TypedDict

from headway import __version__
from headway.api.inputs import Empty
from headway.api.operation import Call, Ready
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.engine.troubles import Trouble, Troubles
from headway.features.servers.service import ServerService
from headway.infra.panel.whereabouts import whereabouts
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable
from headway.kernel.setting_choices import chosen
from headway.kernel.settings import Settings

WHEREABOUTS = "x-headway-whereabouts"
"""The header by which a program on the same machine knows that it is there: it is no row's, which others define."""


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


class HealthRow(TypedDict):
    """The panel can do its work. ``troubles`` are what it could not do, ``gates`` those that could not be set, for
    those who may use the machine.
    """

    status: str
    troubles: NotRequired[list[TroubleRow]]
    gates: NotRequired[list[GateRow]]


class ChosenRow(TypedDict):
    """A setting as the panel was started with it. ``value`` is null where it is a secret: ``isSet`` says whether there
    is one. ``isDefault``: it is not known that somebody has chosen it; where nobody does, the machine decides some.
    """

    variable: str
    description: str
    accepts: str
    default: str
    value: str | None
    isSet: bool
    isDefault: bool


class AboutMachineRow(TypedDict):
    """Where the panel lies, and what it was started with, for those who may use the machine."""

    dataDir: str
    database: Literal["SQLite", "PostgreSQL"]
    address: str
    edgeAddress: str
    httpsPort: int | None
    settings: list[ChosenRow]


class AboutRow(TypedDict):
    """What the panel is. ``machine`` is null for who may not use it."""

    version: str
    startedAt: str
    publicUrl: str | None
    baseDomain: str
    machine: AboutMachineRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsNeeds:
    """What these operations need. ``describe`` gives the OpenAPI document of all operations, as JSON; ``health`` what
    keeps the panel from its work, ``gates`` what of the machine the kernel keeps nobody from. ``started`` is when the
    panel's process began.
    """

    describe: Callable[[], bytes]
    gates: Callable[[], Mapping[str, str]]
    health: Callable[[], Awaitable[str | None]]
    servers: ServerService
    troubles: Troubles
    settings: Settings
    started: Callable[[], datetime]


router = Router[SettingsNeeds](
    "settings", "What clients ask the panel about itself", resource=Noun.ORGANIZATION, in_project=False
)


@router.query("getOpenApiDocument", least=Role.MEMBER, scope=None)
async def open_api_document(needs: SettingsNeeds, _call: Call[Empty]) -> Ready[dict[str, Any]]:
    """This API as OpenAPI 3.1."""
    return Ready(await asyncio.to_thread(needs.describe))


@router.query("health", least=Role.MEMBER, scope=None)
async def health(needs: SettingsNeeds, call: Call[Empty]) -> Ready[HealthRow]:
    """Whether the panel can do its work."""
    reason = await needs.health()
    if reason is not None:
        raise Unavailable(reason)
    row: HealthRow = {"status": "ok"}
    if may_use_the_machine(call.actor) and (troubles := needs.troubles.all()):
        row["troubles"] = [_trouble_row(each) for each in troubles]
    if may_use_the_machine(call.actor) and (gates := needs.gates()):
        row["gates"] = [{"gate": gate, "message": message} for gate, message in sorted(gates.items())]
    here = whereabouts()
    return Ready(to_json(row), headers={} if here is None else {WHEREABOUTS: here})


@router.query("about", least=Role.MEMBER, scope=Scope.READ)
async def about(needs: SettingsNeeds, call: Call[Empty]) -> AboutRow:
    """What the panel is, and what it was started with."""
    return {
        "version": __version__,
        "startedAt": moment(needs.started()),
        "publicUrl": needs.settings.public_url,
        "baseDomain": needs.settings.base_domain,
        "machine": _about_machine(needs.settings) if may_use_the_machine(call.actor) else None,
    }


def _about_machine(settings: Settings) -> AboutMachineRow:
    return {
        "dataDir": str(settings.data_dir),
        "database": "SQLite" if settings.database.reveal().startswith("sqlite") else "PostgreSQL",
        "address": f"{settings.host}:{settings.port}",
        "edgeAddress": f"{settings.edge_host}:{settings.edge_port}",
        "httpsPort": settings.https_port,
        "settings": [
            {
                "variable": each.setting.variable,
                "description": each.setting.description,
                "accepts": each.setting.accepts,
                "default": each.setting.default,
                "value": each.value,
                "isSet": each.is_set,
                "isDefault": each.is_default,
            }
            for each in chosen(settings)
        ],
    }


def _trouble_row(trouble: Trouble) -> TroubleRow:
    return {
        "loop": trouble.loop,
        "item": trouble.item,
        "times": trouble.times,
        "since": moment(trouble.since),
        "message": trouble.sentence,
    }


@router.query("getIp", least=Role.ADMIN, scope=Scope.READ, resource=Noun.SERVER)
async def ip(needs: SettingsNeeds, call: Call[Empty]) -> str:
    """The address of the panel's machine."""
    return await needs.servers.address(call.actor, call.permission, None)
