"""``bitbucket.*``: Bitbucket as a git provider, by an API token, an app password or an access token."""

from __future__ import annotations

from pydantic import Field

from headway.drivers.forges.base import ForgeName
from headway.features.git.api.forge_routers import ForOne, Id, Part, ProviderFields, SecretText, Text, router_of, write
from headway.features.git.providers_model import ProviderRequest

router = router_of(ForgeName.BITBUCKET, "Bitbucket as a git provider")


class BitbucketById(ForOne):
    bitbucket_id: Id | None = None


class BitbucketTrial(BitbucketById):
    workspace_name: Text | None = None

    @property
    def group(self) -> str | None:
        return self.workspace_name


class BitbucketBranches(BitbucketById):
    owner: Part
    repo: Part

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.repo}"


class CreateBitbucket(ProviderFields):
    """``apiToken`` goes with ``bitbucketEmail``, ``appPassword`` with ``bitbucketUsername``, ``accessToken`` alone."""

    bitbucket_url: Text | None = None
    bitbucket_username: Text | None = None
    bitbucket_email: Text | None = None
    app_password: SecretText | None = Field(default=None, repr=False)
    api_token: SecretText | None = Field(default=None, repr=False)
    access_token: SecretText | None = Field(default=None, repr=False)
    bitbucket_workspace_name: Text | None = None

    def wish(self) -> ProviderRequest:
        mail, name = self.bitbucket_email, self.bitbucket_username
        user = mail if self.api_token else name
        return ProviderRequest(
            name=self.name,
            url=self.bitbucket_url,
            api_url=self.api_url,
            facts={"user": user or (mail if mail is not None else user), "group": self.bitbucket_workspace_name},
            secrets={"token": self.api_token or self.app_password or self.access_token},
        )


class UpdateBitbucket(CreateBitbucket, BitbucketById):
    """What is not sent stays as it is."""


write(
    router,
    ForgeName.BITBUCKET,
    one=BitbucketById,
    trial=BitbucketTrial,
    branches=BitbucketBranches,
    create=CreateBitbucket,
    update=UpdateBitbucket,
)
