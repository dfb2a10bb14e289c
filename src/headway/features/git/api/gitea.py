"""``gitea.*``: Gitea and Forgejo as git providers, by an access token."""

from __future__ import annotations

from pydantic import Field

from headway.api.operation import Call
from headway.core.access.model import Role, Scope
from headway.drivers.forges.base import ForgeName
from headway.features.git.api.forge_routers import ForOne, Id, Part, ProviderFields, SecretText, Text, router_of, write
from headway.features.git.providers import GitProviderService
from headway.features.git.providers_model import ProviderRequest

router = router_of(ForgeName.GITEA, "Gitea and Forgejo as git providers")


class GiteaById(ForOne):
    gitea_id: Id | None = None


class GiteaTrial(GiteaById):
    organization_name: Text | None = None

    @property
    def group(self) -> str | None:
        return self.organization_name


class GiteaBranches(GiteaById):
    owner: Part
    repository_name: Part

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.repository_name}"


class CreateGitea(ProviderFields):
    """``accessToken`` is one with the scopes ``read:repository``, ``write:issue`` and, for statuses,
    ``write:repository``; ``organizationName`` narrows what is listed.
    """

    gitea_url: Text | None = None
    access_token: SecretText | None = Field(default=None, repr=False)
    gitea_username: Text | None = None
    organization_name: Text | None = None

    def wish(self) -> ProviderRequest:
        return ProviderRequest(
            name=self.name,
            url=self.gitea_url,
            api_url=self.api_url,
            facts={"user": self.gitea_username, "group": self.organization_name},
            secrets={"token": self.access_token},
        )


class UpdateGitea(CreateGitea, GiteaById):
    """What is not sent stays as it is."""


@router.query("getGiteaUrl", least=Role.ADMIN, scope=Scope.READ)
async def url(providers: GitProviderService, call: Call[GiteaById]) -> str:
    """Where it is."""
    found = await providers.one(call.actor, call.permission, call.input.provider_id, ForgeName.GITEA)
    return found.url


write(
    router,
    ForgeName.GITEA,
    one=GiteaById,
    trial=GiteaTrial,
    branches=GiteaBranches,
    create=CreateGitea,
    update=UpdateGitea,
)
