"""``gitea.*``: Gitea and Forgejo as git providers, by an access token."""

from __future__ import annotations

from pydantic import Field

from headway.api.operation import Call
from headway.api.operations.forge_routers import ForOne, Given, Id, Part, SecretText, Text, router_of, write
from headway.core.access.model import Role, Scope
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.git_providers_model import Wish
from headway.seams.forges.base import ForgeName

router = router_of(ForgeName.GITEA, "Gitea and Forgejo as git providers")


class ById(ForOne):
    gitea_id: Id | None = None


class Trial(ById):
    organization_name: Text | None = None

    @property
    def group(self) -> str | None:
        return self.organization_name


class Branches(ById):
    owner: Part
    repository_name: Part

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.repository_name}"


class Create(Given):
    """``accessToken`` is one with the scopes ``read:repository``, ``write:issue`` and, for statuses,
    ``write:repository``; ``organizationName`` narrows what is listed.
    """

    gitea_url: Text | None = None
    access_token: SecretText | None = Field(default=None, repr=False)
    gitea_username: Text | None = None
    organization_name: Text | None = None

    def wish(self) -> Wish:
        return Wish(
            name=self.name,
            url=self.gitea_url,
            api_url=self.api_url,
            facts={"user": self.gitea_username, "group": self.organization_name},
            secrets={"token": self.access_token},
        )


class Update(Create, ById):
    """What is not sent stays as it is."""


@router.query("getGiteaUrl", least=Role.ADMIN, scope=Scope.READ)
async def url(providers: GitProviderService, call: Call[ById]) -> str:
    """Where it is."""
    found = await providers.one(call.actor, call.permission, call.input.provider_id, ForgeName.GITEA)
    return found.url


write(router, ForgeName.GITEA, one=ById, trial=Trial, branches=Branches, create=Create, update=Update)
