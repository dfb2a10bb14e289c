"""``gitProvider.*``: every git provider of an organisation, of whichever forge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.git.api.rows import GitProviderName, GitProviderRow, provider_name, provider_row
from headway.features.git.providers import GitProviderService

Id = Annotated[str, Field(min_length=1, max_length=64)]


router = Router[GitProviderService](
    "gitProvider",
    "The git providers of an organisation: forges, with what opens them",
    resource=Noun.GIT_PROVIDER,
    in_project=False,
)


class GitProviderById(Input):
    git_provider_id: Id


class GitProviderShare(GitProviderById):
    shared_with_organization: bool


@router.mutation("toggleShare", least=Role.ADMIN, scope=Scope.ADMIN)
async def share(git_providers: GitProviderService, call: Call[GitProviderShare]) -> GitProviderRow:
    """Let the organisation see it or not."""
    given = call.input
    found = await git_providers.share(
        call.actor, call.permission, given.git_provider_id, shared=given.shared_with_organization
    )
    return provider_row(found)


@router.query("getAll", least=Role.ADMIN, scope=Scope.READ)
async def all_(git_providers: GitProviderService, call: Call[Empty]) -> list[GitProviderRow]:
    """Every git provider, without its secrets."""
    return [provider_row(each) for each in await git_providers.all(call.actor, call.permission)]


@router.query("allForPermissions", least=Role.ADMIN, scope=Scope.READ)
async def names(git_providers: GitProviderService, call: Call[Empty]) -> list[GitProviderName]:
    """Their names."""
    found = await git_providers.all(call.actor, call.permission)
    return [provider_name(each) for each in found]


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(git_providers: GitProviderService, call: Call[GitProviderById]) -> GitProviderRow:
    """Forget a git provider."""
    return provider_row(await git_providers.remove(call.actor, call.permission, call.input.git_provider_id))
