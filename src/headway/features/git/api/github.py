"""``github.*``: GitHub as a git provider, by a token or as an app."""

from __future__ import annotations

from pydantic import Field

from headway.drivers.forges.base import ForgeName
from headway.features.git.api.forge_routers import ForOne, Id, Part, ProviderFields, SecretText, Text, router_of, write
from headway.features.git.providers_model import ProviderRequest

router = router_of(ForgeName.GITHUB, "GitHub as a git provider, by an app or a token")


class GithubById(ForOne):
    github_id: Id | None = None


class GithubTrial(GithubById):
    @property
    def group(self) -> str | None:
        return None


class GithubBranches(GithubById):
    owner: Part
    repo: Part

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.repo}"


class CreateGithub(ProviderFields):
    """``githubUrl`` is the address of a GitHub Enterprise server; ``accessToken`` connects by a token, the fields from
    ``githubAppId`` on as an app.
    """

    github_url: Text | None = None
    access_token: SecretText | None = Field(default=None, repr=False)
    github_app_id: str | int | None = None
    github_app_name: Text | None = None
    github_installation_id: str | int | None = None
    github_private_key: SecretText | None = Field(default=None, repr=False)
    github_webhook_secret: SecretText | None = Field(default=None, repr=False)

    def wish(self) -> ProviderRequest:
        return ProviderRequest(
            name=self.name,
            url=self.github_url,
            api_url=self.api_url,
            facts={
                "app_id": _text(self.github_app_id),
                "app_name": self.github_app_name,
                "installation_id": _text(self.github_installation_id),
            },
            secrets={
                "token": self.access_token,
                "private_key": self.github_private_key,
                "webhook_secret": self.github_webhook_secret,
            },
        )


class UpdateGithub(CreateGithub, GithubById):
    """What is not sent stays as it is."""


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


write(
    router,
    ForgeName.GITHUB,
    one=GithubById,
    trial=GithubTrial,
    branches=GithubBranches,
    create=CreateGithub,
    update=UpdateGithub,
)
