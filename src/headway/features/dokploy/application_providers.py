"""``application.save…Provider``: an application's repository, by the git provider that opens it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.drivers.forges.base import ForgeName
from headway.features.git.api.forge_routers import Id
from headway.features.services.application.api.operations import ApplicationById, Save, SaveGit
from headway.features.services.application.model import AppSettings, without_git
from headway.features.services.application.service import ApplicationService

Part = Annotated[str, Field(min_length=1, max_length=255)]
Path = Annotated[str, Field(max_length=4_096)]


router = Router[ApplicationService]("application", resource=Noun.APPLICATION)


class SaveProvided(Save):
    """What all have in common; the fields of the provider itself are given back as they came."""

    forge: ClassVar[ForgeName]

    def applied_as_provided(self, settings: AppSettings) -> AppSettings:
        """``settings`` with the provider's repository as the source. What is sent as null is not chosen yet: a deploy
        then ends by saying so.
        """
        given = self.applied_as(str(self.forge), settings)
        own = type(self).model_fields.keys() - Save.model_fields.keys()
        sent = self.model_dump(include={*own} & self.model_fields_set, by_alias=True)
        return replace(given, extra={**given.extra, **sent})


class SaveGithub(SaveProvided):
    forge = ForgeName.GITHUB
    github_id: Id | None
    owner: Part | None
    repository: Part | None
    branch: Part | None = None
    build_path: Path | None = None


class SaveGitlab(SaveProvided):
    forge = ForgeName.GITLAB
    gitlab_id: Id | None
    gitlab_owner: Part | None
    gitlab_repository: Part | None
    gitlab_branch: Part | None = None
    gitlab_build_path: Path | None = None
    gitlab_project_id: int | None = None
    gitlab_path_namespace: Path | None = None


class SaveGitea(SaveProvided):
    forge = ForgeName.GITEA
    gitea_id: Id | None
    gitea_owner: Part | None
    gitea_repository: Part | None
    gitea_branch: Part | None = None
    gitea_build_path: Path | None = None


class SaveBitbucket(SaveProvided):
    forge = ForgeName.BITBUCKET
    bitbucket_id: Id | None
    bitbucket_owner: Part | None
    bitbucket_repository: Part | None
    bitbucket_repository_slug: Path | None = None
    bitbucket_branch: Part | None = None
    bitbucket_build_path: Path | None = None


@router.mutation(
    "saveGithubProvider", least=Role.ADMIN, scope=Scope.ADMIN, input=SaveGithub, summary="Set its repository on GitHub"
)
@router.mutation(
    "saveGitlabProvider", least=Role.ADMIN, scope=Scope.ADMIN, input=SaveGitlab, summary="Set its repository on GitLab"
)
@router.mutation(
    "saveGiteaProvider", least=Role.ADMIN, scope=Scope.ADMIN, input=SaveGitea, summary="Set its repository on Gitea"
)
@router.mutation(
    "saveBitbucketProvider",
    least=Role.ADMIN,
    scope=Scope.ADMIN,
    input=SaveBitbucket,
    summary="Set its repository on Bitbucket",
)
async def save(applications: ApplicationService, call: Call[Any]) -> bool:
    """Set its repository on GitHub."""
    given = call.input
    await applications.update(call.actor, call.permission, given.application_id, given.applied_as_provided)
    return True


@router.mutation("saveGitProdiver", least=Role.ADMIN, scope=Scope.ADMIN)  # as early versions spelt it
async def save_git(applications: ApplicationService, call: Call[SaveGit]) -> bool:
    """Set its git repository."""
    given = call.input
    await applications.update(call.actor, call.permission, given.application_id, given.applied_as_git)
    return True


@router.mutation("saveBuildType", least=Role.ADMIN, scope=Scope.ADMIN)
async def save_build_type(applications: ApplicationService, call: Call[Save]) -> bool:
    """Set how it is built."""
    await applications.update(call.actor, call.permission, call.input.application_id, call.input.applied)
    return True


@router.mutation("disconnectGitProvider", least=Role.ADMIN, scope=Scope.ADMIN)
async def disconnect(applications: ApplicationService, call: Call[ApplicationById]) -> bool:
    """Forget its git repository."""
    await applications.update(call.actor, call.permission, call.input.application_id, without_git)
    return True
