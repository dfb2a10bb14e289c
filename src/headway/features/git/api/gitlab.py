"""``gitlab.*``: GitLab as a git provider, by an access token."""

from __future__ import annotations

from pydantic import Field

from headway.drivers.forges.base import ForgeName
from headway.features.git.api.forge_routers import ForOne, Id, Part, ProviderFields, SecretText, Text, router_of, write
from headway.features.git.providers_model import ProviderRequest

router = router_of(ForgeName.GITLAB, "GitLab as a git provider")


class GitlabById(ForOne):
    gitlab_id: Id | None = None


class GitlabTrial(GitlabById):
    group_name: Text | None = None

    @property
    def group(self) -> str | None:
        return self.group_name


class GitlabBranches(GitlabById):
    owner: Part
    repo: Part

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.repo}"


class CreateGitlab(ProviderFields):
    """``accessToken`` is a personal, group or project access token with the scope ``api``; ``groupName`` narrows what
    is listed.
    """

    gitlab_url: Text | None = None
    access_token: SecretText | None = Field(default=None, repr=False)
    group_name: Text | None = None

    def wish(self) -> ProviderRequest:
        return ProviderRequest(
            name=self.name,
            url=self.gitlab_url,
            api_url=self.api_url,
            facts={"group": self.group_name},
            secrets={"token": self.access_token},
        )


class UpdateGitlab(CreateGitlab, GitlabById):
    """What is not sent stays as it is."""


write(
    router,
    ForgeName.GITLAB,
    one=GitlabById,
    trial=GitlabTrial,
    branches=GitlabBranches,
    create=CreateGitlab,
    update=UpdateGitlab,
)
