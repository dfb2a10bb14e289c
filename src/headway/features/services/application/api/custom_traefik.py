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
from headway.features.services.application.custom_traefik import CustomTraefikService

router = Router[CustomTraefikService]("application", resource=Noun.APPLICATION)


class Read(Input):
    application_id: Annotated[str, Field(min_length=1)]


class Write(Read):
    traefik_config: str


@router.query("readTraefikConfig", least=Role.ADMIN, scope=Scope.ADMIN)
async def read(custom_traefik: CustomTraefikService, call: Call[Read]) -> Ready[str | None]:
    """Its Traefik configuration as YAML."""
    text = await custom_traefik.read(call.actor, call.permission, call.input.application_id)
    return Ready(to_json(text))


@router.mutation("updateTraefikConfig", least=Role.ADMIN, scope=Scope.ADMIN)
async def write(custom_traefik: CustomTraefikService, call: Call[Write]) -> bool:
    """Change its Traefik configuration."""
    await custom_traefik.update(call.actor, call.permission, call.input.application_id, call.input.traefik_config)
    return True
