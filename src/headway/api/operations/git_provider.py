"""``gitProvider.*``: every git provider of an organisation, of whichever forge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Empty, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.git_providers import GitProviderName, GitProviderRow, provider_name, provider_row

Id = Annotated[str, Field(min_length=1, max_length=64)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("gitProvider.getAll", "Every git provider, without its secrets", list[GitProviderRow], Empty, _all),
        query("gitProvider.allForPermissions", "Their names", list[GitProviderName], Empty, _names),
        mutation("gitProvider.toggleShare", "Let the organisation see it or not", GitProviderRow, Share, _share),
        mutation("gitProvider.remove", "Forget a git provider", GitProviderRow, ById, _remove),
    )


class ById(Input):
    git_provider_id: Id


class Share(ById):
    shared_with_organization: bool


async def _share(call: Call[Share]) -> GitProviderRow:
    given = call.input
    found = await call.platform.git_providers.share(
        call.actor, call.permission, given.git_provider_id, shared=given.shared_with_organization
    )
    return provider_row(found)


async def _all(call: Call[Empty]) -> list[GitProviderRow]:
    return [provider_row(each) for each in await call.platform.git_providers.all(call.actor, call.permission)]


async def _names(call: Call[Empty]) -> list[GitProviderName]:
    found = await call.platform.git_providers.all(call.actor, call.permission)
    return [provider_name(each) for each in found]


async def _remove(call: Call[ById]) -> GitProviderRow:
    return provider_row(
        await call.platform.git_providers.remove(call.actor, call.permission, call.input.git_provider_id)
    )
