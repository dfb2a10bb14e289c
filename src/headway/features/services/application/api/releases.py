"""``release.*``: what deployments left to serve, and what of it runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.application.api.release_rows import (
    ReleaseDetails,
    ReleaseRow,
    release_details,
    release_row,
)
from headway.features.services.application.releases import ReleaseService

router = Router[ReleaseService]("release", "What deployments left to serve", resource=Noun.APPLICATION)


class ReleasesOfApplication(Input):
    application_id: Annotated[str, Field(min_length=1)]


class ReleaseById(Input):
    release_id: Annotated[str, Field(min_length=1)]


@router.query("all", least=Role.MEMBER, scope=Scope.READ)
async def all_(releases: ReleaseService, call: Call[ReleasesOfApplication]) -> list[ReleaseRow]:
    """An application's releases, the newest first."""
    return [release_row(view) for view in await releases.all(call.actor, call.permission, call.input.application_id)]


@router.query("one", least=Role.MEMBER, scope=Scope.READ, resource=Noun.RELEASE)
async def one(releases: ReleaseService, call: Call[ReleaseById]) -> ReleaseDetails:
    """One release with its configuration."""
    return release_details(await releases.one(call.actor, call.permission, call.input.release_id))
