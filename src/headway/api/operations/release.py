"""``release.*``: what deployments left to serve, and what of it runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, query
from headway.faces.http.wire.releases import ReleaseDetails, ReleaseRow, release_details, release_row


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("release.all", "An application's releases, the newest first", list[ReleaseRow], OfApplication, _all),
        query("release.one", "One release with its configuration", ReleaseDetails, ById, _one),
    )


class OfApplication(Input):
    application_id: Annotated[str, Field(min_length=1)]


class ById(Input):
    release_id: Annotated[str, Field(min_length=1)]


async def _all(call: Call[OfApplication]) -> list[ReleaseRow]:
    return [
        release_row(view)
        for view in await call.platform.releases.all(call.actor, call.permission, call.input.application_id)
    ]


async def _one(call: Call[ById]) -> ReleaseDetails:
    return release_details(await call.platform.releases.one(call.actor, call.permission, call.input.release_id))
