"""What the routers of all forges have in common: list, look, try, repositories and branches."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import Field

from headway.domains.catalog.git_providers_model import Wish
from headway.faces.http.inputs import Empty, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.git_providers import (
    BranchRow,
    ForgeRow,
    GitProviderRow,
    RepositoryRow,
    branch_row,
    forge_row,
    provider_row,
    repository_row,
)
from headway.kernel.errors import InvalidInput
from headway.seams.forges.base import ForgeName

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=1_024)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
SecretText = Annotated[str, Field(max_length=65_536)]
Part = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_. /-]*$")]


class Given(Input):
    """A provider as it is sent. ``apiUrl`` is for a forge whose API is not where it usually is."""

    name: Name | None = None
    api_url: Text | None = None

    @abstractmethod
    def wish(self) -> Wish:
        """The same as the domain has it."""
        ...


class ForOne(Input):
    """Names a provider by its forge's own word for the id, or by ``gitProviderId``: they are the same."""

    git_provider_id: Id | None = None

    @property
    def provider_id(self) -> str:
        """Which one. Raises InvalidInput where none is named."""
        for name in ("github_id", "gitlab_id", "gitea_id", "bitbucket_id", "git_provider_id"):
            found = getattr(self, name, None)
            if found:
                return str(found)
        raise InvalidInput("Name the git provider by its id.")


class Router:
    """Makes the procedures of a forge's router."""

    def __init__(self, forge: ForgeName) -> None:
        self._forge = forge
        self._word = str(forge)

    def common(self, one: type[ForOne], trial: type[ForOne], branches: type[ForOne]) -> tuple[Procedure, ...]:
        """What all have. The word for the lists is the forge's own."""
        word, title, Word = self._word, self._forge.named, self._word.capitalize()  # noqa: N806 - as in their names
        return (
            query(f"{word}.one", f"A {title} provider, without its secrets", ForgeRow, one, self._one),
            query(f"{word}.{word}Providers", f"The {title} providers", list[GitProviderRow], Empty, self._all),
            query(f"{word}.get{Word}Repositories", "What it shows", list[RepositoryRow], one, self._repositories),
            query(f"{word}.get{Word}Branches", "A repository's branches", list[BranchRow], branches, self._branches),
            mutation(f"{word}.testConnection", f"Ask {title} what it shows", str, trial, self._test),
        )

    def made(self, create: type[Given], update: type[ForOne]) -> tuple[Procedure, ...]:
        """Making and changing one."""
        word, title = self._word, self._forge.named
        return (
            mutation(f"{word}.create", f"Connect {title}", ForgeRow, create, self._create),
            mutation(f"{word}.update", f"Change a {title} provider", ForgeRow, update, self._update),
        )

    async def _one(self, call: Call[Any]) -> ForgeRow:
        given = call.input
        providers = call.platform.git_providers
        return forge_row(await providers.one(call.actor, call.permission, given.provider_id, self._forge))

    async def _all(self, call: Call[Empty]) -> list[GitProviderRow]:
        found = await call.platform.git_providers.all(call.actor, call.permission, self._forge)
        return [provider_row(each) for each in found]

    async def _repositories(self, call: Call[Any]) -> list[RepositoryRow]:
        found = await call.platform.git_providers.repositories(
            call.actor, call.permission, call.input.provider_id, self._forge
        )
        return [repository_row(each) for each in found]

    async def _branches(self, call: Call[Any]) -> list[BranchRow]:
        found = await call.platform.git_providers.branches(
            call.actor, call.permission, call.input.provider_id, self._forge, call.input.path
        )
        return [branch_row(each) for each in found]

    async def _test(self, call: Call[Any]) -> str:
        given = call.input
        count = await call.platform.git_providers.test(
            call.actor, call.permission, given.provider_id, self._forge, given.group
        )
        return f"Found {count} repositories"

    async def _create(self, call: Call[Any]) -> ForgeRow:
        given = call.input
        providers, name = call.platform.git_providers, given.name or self._forge.named
        return forge_row(await providers.create(call.actor, call.permission, self._forge, name, given.wish()))

    async def _update(self, call: Call[Any]) -> ForgeRow:
        given = call.input
        return forge_row(
            await call.platform.git_providers.update(
                call.actor, call.permission, given.provider_id, self._forge, given.wish()
            )
        )
