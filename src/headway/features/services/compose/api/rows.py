"""Compose services as the wire shows them: one flat object with every field that its clients know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from headway.api.rows import moment, server_id_of
from headway.features.backups.api.rows import BackupRow
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.edge.api.rows import DomainRow
from headway.features.projects.api.rows import ProjectRow, environment_row, project_row
from headway.features.projects.model import Environment, Project
from headway.features.servers.api.rows import ServerRow
from headway.features.services.compose.model import Compose, ComposeSettings

ComposeType = Literal["docker-compose", "stack"]
SourceType = Literal["git", "github", "gitlab", "bitbucket", "gitea", "raw", "drop"]


class ArchiveRow(TypedDict):
    """What was uploaded last: the digest of the file that was sent, its name, by whom, and what it holds."""

    digest: str
    name: str
    author: str
    bytes: int
    entries: int


class ComposeRow(TypedDict):
    """A compose service. Beside these it has every field that can be saved with it, null where none was."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    composeId: str
    name: str
    appName: str
    description: str | None
    env: str
    composeFile: str
    composePath: str
    composeType: ComposeType
    sourceType: SourceType
    composeStatus: Literal["idle", "running", "done", "error"]
    customGitUrl: str | None
    customGitBranch: str | None
    customGitSSHKeyId: str | None
    enableSubmodules: bool
    createEnvFile: bool
    allowHostAccess: bool
    registryIds: list[str]
    archive: ArchiveRow | None
    environmentId: str
    createdAt: str
    serverId: str | None


class ComposeFound(TypedDict):
    """A compose service as a search shows it."""

    composeId: str
    name: str
    appName: str
    description: str | None
    environmentId: str
    composeStatus: Literal["idle", "running", "done", "error"]
    sourceType: str
    createdAt: str


class ComposesFound(TypedDict):
    """A part of the compose services that were found, and how many were."""

    items: list[ComposeFound]
    total: int


class EnvironmentOfCompose(TypedDict):
    """The environment that a compose service lies in, with its project."""

    environmentId: str
    name: str
    description: str | None
    createdAt: str
    env: str
    projectId: str
    isDefault: bool
    project: ProjectRow


class ComposeDetails(ComposeRow):
    """A compose service with its deployments and backups, the newest first, and what it lies in. What the key may not
    read of it is an empty list or null.
    """

    deployments: list[DeploymentRow]
    domains: list[DomainRow]
    backups: list[BackupRow]
    server: ServerRow | None
    environment: EnvironmentOfCompose


# Fields of the clients' inputs on which nothing here acts, with what a client sees where none was saved.
PASSIVE: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(
        (
            "bitbucketBranch",
            "bitbucketId",
            "bitbucketOwner",
            "bitbucketRepository",
            "bitbucketRepositorySlug",
            "branch",
            "giteaBranch",
            "giteaId",
            "giteaOwner",
            "giteaRepository",
            "githubId",
            "gitlabBranch",
            "gitlabId",
            "gitlabOwner",
            "gitlabPathNamespace",
            "gitlabProjectId",
            "gitlabRepository",
            "icon",
            "owner",
            "previewEnv",
            "previewExpireHours",
            "previewLabels",
            "previewSleepHours",
            "previewWildcard",
            "repository",
            "serviceNetworks",
        )
    )
    | {
        "command": "",
        "isPreviewDeploymentsActive": False,
        "previewCertificateType": "none",
        "previewHttps": False,
        "previewLimit": 3,
        "isolatedDeployment": False,
        "isolatedDeploymentsVolume": False,
        "randomize": False,
        "suffix": "",
    }
)

# Our settings by their names on the wire; those with a dot are fields of a record within them.
ACTIVE: Mapping[str, str] = MappingProxyType(
    {
        "sourceType": "source_type",
        "composeType": "compose_type",
        "composeFile": "compose_file",
        "composePath": "compose_path",
        "customGitUrl": "git.url",
        "customGitBranch": "git.branch",
        "customGitSSHKeyId": "git.ssh_key_id",
        "enableSubmodules": "git.submodules",
        "registryIds": "registry_ids",
        "createEnvFile": "create_env_file",
        "allowHostAccess": "host_access",
        "engineFetch": "engine_fetch",
        "healthDeadlineSeconds": "health.deadline_seconds",
        "settleSeconds": "health.settle_seconds",
        "stepSeconds": "deadlines.step_seconds",
        "inactivitySeconds": "deadlines.inactivity_seconds",
        "totalSeconds": "deadlines.total_seconds",
        "keepReleases": "retention.releases",
        "keepReleasesDays": "retention.releases_days",
        "autoDeploy": "hooks.auto_deploy",
        "triggerType": "hooks.trigger_type",
        "watchPaths": "hooks.watch_paths",
        "newestWins": "hooks.newest_wins",
    }
)

_RELATIONS: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(("bitbucket", "customGitSSHKey", "gitea", "github", "gitlab", "server", "unauthorizedProvider"))
    | {"mounts": ()}  # they are in its file
    | {"hasGitProviderAccess": True}
)


def compose_row(compose: Compose) -> ComposeRow:
    """The compose service alone, as ComposeRow says."""
    settings = compose.settings
    return cast(
        "ComposeRow",
        {
            **PASSIVE,
            **settings.extra,
            **{name: attrgetter(attribute)(settings) for name, attribute in ACTIVE.items()},
            "registryIds": list(settings.registry_ids),
            "archive": None if settings.drop.archive is None else asdict(settings.drop.archive),
            "refreshToken": None,
            "webhookSecret": None,
            "hasWebhookSecret": bool(settings.hooks.secret),
            "composeId": compose.service_id,
            "name": compose.name,
            "appName": compose.app_name,
            "description": compose.description,
            "env": compose.env,
            "composeStatus": compose.status.value,
            "wanted": compose.wanted.value,
            "servingReleaseId": compose.serving_release_id,
            "environmentId": compose.environment_id,
            "projectId": compose.project_id,
            "organizationId": compose.organization_id,
            "serverId": server_id_of(compose.host_id),
            "createdAt": moment(compose.created_at),
        },
    )


def compose_found(compose: Compose) -> ComposeFound:
    """The compose service as a search shows it."""
    return {
        "composeId": compose.service_id,
        "name": compose.name,
        "appName": compose.app_name,
        "description": compose.description,
        "environmentId": compose.environment_id,
        "composeStatus": compose.status.value,
        "sourceType": compose.settings.source_type,
        "createdAt": moment(compose.created_at),
    }


def compose_details(
    compose: Compose, environment: Environment, project: Project, relations: Mapping[str, Any]
) -> ComposeDetails:
    """The compose service with all around it, as ComposeDetails says."""
    return cast(
        "ComposeDetails",
        {
            **compose_row(compose),
            **_RELATIONS,
            **dict.fromkeys(("deployments", "domains", "backups"), ()),
            "environment": {**environment_row(environment), "project": project_row(project)},
            **relations,
        },
    )


def passive_among(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the fields that were sent, those that are only to be given back."""
    return {name: value for name, value in values.items() if name in PASSIVE}


def default_of(attribute: str) -> Any:  # noqa: ANN401 - any setting
    """What a setting is when nothing is said about it."""
    return attrgetter(attribute)(_DEFAULTS)


_DEFAULTS = ComposeSettings()
