"""What the routers of all forges have in common: list, look, try, repositories and branches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.drivers.forges.base import ForgeName
from headway.features.git.api.rows import (
    BranchRow,
    ForgeRow,
    GitProviderRow,
    RepositoryRow,
    branch_row,
    forge_row,
    provider_row,
    repository_row,
)
from headway.features.git.providers import GitProviderService
from headway.features.git.providers_model import ProviderRequest
from headway.kernel.errors import InvalidInput

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=1_024)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
SecretText = Annotated[str, Field(max_length=65_536)]
Part = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_. /-]*$")]


class ProviderFields(Input):
    """A provider as it is sent. ``apiUrl`` is for a forge whose API is not where it usually is."""

    name: Name | None = None
    api_url: Text | None = None

    @abstractmethod
    def wish(self) -> ProviderRequest:
        """The same as the domain has it."""
        ...


class ForOne(Input):
    """Names a provider by its forge's own word for the id, or by ``gitProviderId``: they are the same."""

    git_provider_id: Id | None = None

    @property
    def provider_id(self) -> str:
        """Which one. Raises InvalidInput where none is named."""
        for name in (*(f"{each}_id" for each in ForgeName), "git_provider_id"):
            found = getattr(self, name, None)
            if found:
                return str(found)
        raise InvalidInput("Name the git provider by its id.")


_Handler = Callable[[ForgeName, GitProviderService, Call[Any]], Awaitable[object]]


def router_of(forge: ForgeName, title: str) -> Router[GitProviderService]:
    """The router of a forge, without any operation."""
    return Router(str(forge), title, resource=Noun.GIT_PROVIDER, in_project=False)


def write(
    router: Router[GitProviderService],
    forge: ForgeName,
    *,
    one: type[ForOne],
    trial: type[ForOne],
    branches: type[ForOne],
    create: type[ProviderFields],
    update: type[ForOne],
) -> None:
    """Writes the operations that all forges have, with these inputs. The words for the lists are the forge's own."""
    word, title = str(forge).capitalize(), forge.named
    reads: tuple[tuple[str, type[Input], str, _Handler], ...] = (
        ("one", one, f"A {title} provider, without its secrets", _one),
        (f"{forge}Providers", Empty, f"The {title} providers", _all),
        (f"get{word}Repositories", one, "What it shows", _repositories),
        (f"get{word}Branches", branches, "A repository's branches", _branches),
    )
    for name, taken, summary, handler in reads:
        router.query(name, least=Role.ADMIN, scope=Scope.READ, input=taken, summary=summary)(partial(handler, forge))
    changes: tuple[tuple[str, type[Input], str, _Handler], ...] = (
        ("testConnection", trial, f"Ask {title} what it shows", _test),
        ("create", create, f"Connect {title}", _create),
        ("update", update, f"Change a {title} provider", _update),
    )
    for name, taken, summary, handler in changes:
        router.mutation(name, least=Role.ADMIN, scope=Scope.ADMIN, input=taken, summary=summary)(
            partial(handler, forge)
        )


async def _one(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> ForgeRow:
    return forge_row(await providers.one(call.actor, call.permission, call.input.provider_id, forge))


async def _all(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> list[GitProviderRow]:
    return [provider_row(each) for each in await providers.all(call.actor, call.permission, forge)]


async def _repositories(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> list[RepositoryRow]:
    found = await providers.repositories(call.actor, call.permission, call.input.provider_id, forge)
    return [repository_row(each) for each in found]


async def _branches(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> list[BranchRow]:
    given = call.input
    found = await providers.branches(call.actor, call.permission, given.provider_id, forge, given.path)
    return [branch_row(each) for each in found]


async def _test(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> str:
    given = call.input
    count = await providers.test(call.actor, call.permission, given.provider_id, forge, given.group)
    return f"Found {count} repositories"


async def _create(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> ForgeRow:
    given = call.input
    name = given.name or forge.named
    return forge_row(await providers.create(call.actor, call.permission, forge, name, given.wish()))


async def _update(forge: ForgeName, providers: GitProviderService, call: Call[Any]) -> ForgeRow:
    given = call.input
    return forge_row(await providers.update(call.actor, call.permission, given.provider_id, forge, given.wish()))
