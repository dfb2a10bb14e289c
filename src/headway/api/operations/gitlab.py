"""``gitlab.*``: GitLab as a git provider, by an access token."""

from __future__ import annotations

from pydantic import Field

from headway.api.operations.forge_routers import ForOne, Given, Id, Part, SecretText, Text, router_of, write
from headway.domains.catalog.git_providers_model import Wish
from headway.seams.forges.base import ForgeName

router = router_of(ForgeName.GITLAB, "GitLab as a git provider")


class ById(ForOne):
    gitlab_id: Id | None = None


class Trial(ById):
    group_name: Text | None = None

    @property
    def group(self) -> str | None:
        return self.group_name


class Branches(ById):
    owner: Part
    repo: Part

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.repo}"


class Create(Given):
    """``accessToken`` is a personal, group or project access token with the scope ``api``; ``groupName`` narrows what
    is listed.
    """

    gitlab_url: Text | None = None
    access_token: SecretText | None = Field(default=None, repr=False)
    group_name: Text | None = None

    def wish(self) -> Wish:
        return Wish(
            name=self.name,
            url=self.gitlab_url,
            api_url=self.api_url,
            facts={"group": self.group_name},
            secrets={"token": self.access_token},
        )


class Update(Create, ById):
    """What is not sent stays as it is."""


write(router, ForgeName.GITLAB, one=ById, trial=Trial, branches=Branches, create=Create, update=Update)
