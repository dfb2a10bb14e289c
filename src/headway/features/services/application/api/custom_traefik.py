"""``application.readTraefikConfig`` and ``updateTraefikConfig``: an application's routing in its user's own words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_core import to_json

from headway.api.inputs import Input
from headway.api.operation import Call, Ready
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.application.custom_traefik import OwnRoutingService

router = Router[OwnRoutingService]("application", resource=Noun.APPLICATION)


class Read(Input):
    application_id: Annotated[str, Field(min_length=1)]


class Write(Read):
    traefik_config: str


@router.query("readTraefikConfig", least=Role.ADMIN, scope=Scope.ADMIN)
async def read(own_routing: OwnRoutingService, call: Call[Read]) -> Ready[str | None]:
    """Its Traefik configuration as YAML."""
    text = await own_routing.read(call.actor, call.permission, call.input.application_id)
    return Ready(to_json(text))


@router.mutation("updateTraefikConfig", least=Role.ADMIN, scope=Scope.ADMIN)
async def write(own_routing: OwnRoutingService, call: Call[Write]) -> bool:
    """Change its Traefik configuration."""
    await own_routing.update(call.actor, call.permission, call.input.application_id, call.input.traefik_config)
    return True
