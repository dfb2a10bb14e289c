"""``gitea.*``: Gitea and Forgejo as git providers, by an access token."""

from __future__ import annotations

from pydantic import Field

from headway.domains.catalog.git_providers_model import Wish
from headway.faces.http.procedures.forge_routers import ForOne, Given, Id, Part, Router, SecretText, Text
from headway.faces.http.registry import Call, Procedure, query
from headway.seams.forges.base import ForgeName


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    router = Router(ForgeName.GITEA)
    return (
        *router.common(ById, Trial, Branches),
        *router.made(Create, Update),
        query("gitea.getGiteaUrl", "Where it is", str, ById, _url),
    )


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


async def _url(call: Call[ById]) -> str:
    providers = call.platform.git_providers
    found = await providers.one(call.actor, call.permission, call.input.provider_id, ForgeName.GITEA)
    return found.url
