"""``service.*``: services of every kind at a glance."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.api.service_rows import (
    GlanceRow,
    ServiceOverviewRow,
    glance_row,
    service_overview_row,
)
from headway.features.services.overview import OverviewReader

router = Router[OverviewReader]("service", "Services of every kind at a glance", resource=Noun.SERVICE)


class ServiceById(Input):
    service_id: Annotated[str, Field(min_length=1)]


@router.query("all", least=Role.MEMBER, scope=Scope.READ)
async def all_(overviews: OverviewReader, call: Call[Empty]) -> list[GlanceRow]:
    """Applications, compose services and databases, each with what serves of it."""
    return [glance_row(each) for each in await overviews.all(call.actor)]


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(overviews: OverviewReader, call: Call[ServiceById]) -> ServiceOverviewRow:
    """A service of any kind, with what serves of it and what it can go back to."""
    return service_overview_row(*await overviews.one(call.actor, call.permission, call.input.service_id))
