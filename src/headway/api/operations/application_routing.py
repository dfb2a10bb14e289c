"""``application.readTraefikConfig`` and ``updateTraefikConfig``: an application's routing in its user's own words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, Ready, mutation, query


def procedures() -> tuple[Procedure, ...]:
    """These two of the router."""
    return (
        query("application.readTraefikConfig", "Its Traefik configuration as YAML", str | None, Read, _read),
        mutation("application.updateTraefikConfig", "Change its Traefik configuration", bool, Write, _write),
    )


class Read(Input):
    application_id: Annotated[str, Field(min_length=1)]


class Write(Read):
    traefik_config: str


async def _read(call: Call[Read]) -> str | Ready:
    text = await call.platform.own_routing.read(call.actor, call.permission, call.input.application_id)
    return Ready(b"null") if text is None else text


async def _write(call: Call[Write]) -> bool:
    await call.platform.own_routing.update(
        call.actor, call.permission, call.input.application_id, call.input.traefik_config
    )
    return True
