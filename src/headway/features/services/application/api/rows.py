"""Applications as the wire shows them: one flat object with every field that its clients know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Literal, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from headway.api.rows import moment, server_id_of
from headway.features.containers.api.rows import MountRow, PortRow, RegistryRow, mount_row, port_row
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.edge.api.rows import DomainRow, RedirectRow, SecurityRow
from headway.features.previews.api.rows import PreviewDeploymentRow
from headway.features.projects.api.rows import ProjectRow, environment_row, project_row
from headway.features.projects.model import Environment, Project
from headway.features.servers.api.rows import ServerRow
from headway.features.services.application.api.build_rows import build_row
from headway.features.services.application.model import Application, AppSettings

BuildType = Literal["dockerfile", "heroku_buildpacks", "paketo_buildpacks", "nixpacks", "static", "railpack"]
Builder = Literal[
    "auto", "native", "dockerfile", "heroku_buildpacks", "paketo_buildpacks", "nixpacks", "static", "railpack"
]


class ApplicationRow(TypedDict):
    """An application. Beside these it has every field that can be saved with it, null where none was."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    applicationId: str
    name: str
    appName: str
    description: str | None
    env: str
    applicationStatus: Literal["idle", "running", "done", "error"]
    sourceType: str
    buildType: BuildType
    builder: Builder | None
    customGitUrl: str | None
    customGitBranch: str | None
    customGitBuildPath: str | None
    customGitSSHKeyId: str | None
    enableSubmodules: bool
    environmentId: str
    createdAt: str
    address: str | None


class ApplicationFound(TypedDict):
    """An application as a search shows it."""

    applicationId: str
    name: str
    appName: str
    description: str | None
    environmentId: str
    applicationStatus: Literal["idle", "running", "done", "error"]
    sourceType: str
    createdAt: str


class ApplicationsFound(TypedDict):
    """A part of the applications that were found, and how many were."""

    items: list[ApplicationFound]
    total: int


class EnvironmentOfApplication(TypedDict):
    """The environment that an application lies in, with its project."""

    environmentId: str
    name: str
    description: str | None
    createdAt: str
    env: str
    projectId: str
    isDefault: bool
    project: ProjectRow


class ApplicationDetails(ApplicationRow):
    """An application with its deployments, the newest first, its addresses, and what it lies in. What the key may not
    read of it is an empty list or null.
    """

    deployments: list[DeploymentRow]
    domains: list[DomainRow]
    redirects: list[RedirectRow]
    security: list[SecurityRow]
    mounts: list[MountRow]
    ports: list[PortRow]
    previewDeployments: list[PreviewDeploymentRow]
    server: ServerRow | None
    buildServer: ServerRow | None
    registry: RegistryRow | None
    environment: EnvironmentOfApplication


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
            "buildRegistryId",
            "buildxBuilder",
            "enabled",
            "endpointSpecSwarm",
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
            "isStaticSpa",
            "labelsSwarm",
            "modeSwarm",
            "networkSwarm",
            "owner",
            "previewBuildArgs",
            "previewBuildSecrets",
            "previewCustomCertResolver",
            "previewEnv",
            "previewExpireHours",
            "previewLabels",
            "previewSleepHours",
            "previewWildcard",
            "repository",
            "restartPolicySwarm",
            "rollbackConfigSwarm",
            "rollbackRegistryId",
            "stopGracePeriodSwarm",
            "subtitle",
            "title",
            "ulimitsSwarm",
            "updateConfigSwarm",
        )
    )
    | {
        "bitbucketBuildPath": "/",
        "buildArchitecture": "host",
        "buildPath": "/",
        "createEnvFile": True,
        "detachDokployNetwork": False,
        "giteaBuildPath": "/",
        "gitlabBuildPath": "/",
        "isPreviewDeploymentsActive": False,
        "networkIds": (),
        "previewCertificateType": "none",
        "previewHttps": False,
        "previewLimit": 3,
        "previewPath": "/",
        "previewPort": 3000,
        "previewRequireCollaboratorPermissions": True,
        "rollbackActive": False,
    }
)

# Our settings by their names on the wire.
ACTIVE: Mapping[str, str] = MappingProxyType(
    {
        "sourceType": "source_type",
        "customGitUrl": "git_url",
        "customGitBranch": "git_branch",
        "customGitBuildPath": "build_path",
        "customGitSSHKeyId": "ssh_key_id",
        "enableSubmodules": "submodules",
        "tag": "git_tag",
        "commit": "git_commit",
        "buildType": "build_type",
        "builder": "builder",
        "dockerfile": "dockerfile",
        "dockerContextPath": "docker_context",
        "dockerBuildStage": "docker_stage",
        "cleanCache": "clean_cache",
        "engineFetch": "engine_fetch",
        "herokuVersion": "heroku_version",
        "railpackVersion": "railpack_version",
        "dockerImage": "image",
        "registryId": "registry_id",
        "registryUrl": "registry_url",
        "username": "registry_username",
        "command": "command",
        "args": "arguments",
        "restartPolicy": "restart",
        "restartAttempts": "restarts",
        "runtime": "runtime",
        "replicas": "replicas",
        "placementSwarm": "placement",
        "healthCheckSwarm": "own_check",
        "dropBuildPath": "drop_build_path",
        "healthCheckPath": "health_path",
        "healthDeadlineSeconds": "health_deadline_seconds",
        "settleSeconds": "settle_seconds",
        "drainSeconds": "drain_seconds",
        "stepSeconds": "step_seconds",
        "inactivitySeconds": "inactivity_seconds",
        "totalSeconds": "total_seconds",
        "autoDeploy": "auto_deploy",
        "triggerType": "trigger_type",
        "watchPaths": "watch_paths",
        "newestWins": "newest_wins",
        "buildArgs": "build_args",
        "buildSecrets": "build_secrets",
        "scale": "scale",
        "port": "port",
        "loopback": "loopback",
        "openVariables": "open_variables",
        "secretVariables": "secret_variables",
        "keepDeployments": "keep_deployments",
        "keepDays": "keep_days",
        "keepReleases": "keep_releases",
        "keepReleasesDays": "keep_releases_days",
        "keepReleasesBytes": "keep_releases_bytes",
    }
)

# What clients know of beside an application; git providers and registries of builds are shown by their own routers.
_RELATIONS: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(("bitbucket", "buildRegistry", "buildServer", "customGitSSHKey", "gitea", "github", "gitlab"))
    | dict.fromkeys(("registry", "rollbackRegistry", "server", "unauthorizedProvider"))
    | dict.fromkeys(("patches", "previewDeployments"), ())
    | {"hasGitProviderAccess": True}
)


def application_row(application: Application, addresses: Sequence[str]) -> ApplicationRow:
    """The application alone, as ApplicationRow says."""
    settings = application.settings
    return cast(
        "ApplicationRow",
        {
            **PASSIVE,
            **settings.extra,
            **{name: getattr(settings, attribute) for name, attribute in ACTIVE.items()},
            **build_row(settings.build),
            "password": None,
            "refreshToken": None,
            "webhookSecret": None,
            "hasWebhookSecret": bool(settings.webhook_secret),
            "cpuLimit": None if settings.cpus is None else f"{settings.cpus:g}",
            "cpuReservation": None if settings.reserved_cpus is None else f"{settings.reserved_cpus:g}",
            "memoryLimit": None if settings.memory_bytes is None else str(settings.memory_bytes),
            "memoryReservation": (
                None if settings.reserved_memory_bytes is None else str(settings.reserved_memory_bytes)
            ),
            "archive": None if settings.archive is None else asdict(settings.archive),
            "applicationId": application.service_id,
            "name": application.name,
            "appName": application.app_name,
            "description": application.description,
            "env": application.env,
            "applicationStatus": application.status.value,
            "wanted": application.wanted.value,
            "servingReleaseId": application.serving_release_id,
            "environmentId": application.environment_id,
            "projectId": application.project_id,
            "organizationId": application.organization_id,
            "serverId": server_id_of(application.host_id),
            "buildServerId": application.build_host_id,
            "createdAt": moment(application.created_at),
            "address": addresses[0] if addresses else None,
            "addresses": list(addresses),
        },
    )


def application_found(application: Application) -> ApplicationFound:
    """The application as a search shows it."""
    return {
        "applicationId": application.service_id,
        "name": application.name,
        "appName": application.app_name,
        "description": application.description,
        "environmentId": application.environment_id,
        "applicationStatus": application.status.value,
        "sourceType": application.settings.source_type,
        "createdAt": moment(application.created_at),
    }


def application_details(
    application: Application,
    addresses: Sequence[str],
    environment: Environment,
    project: Project,
    relations: Mapping[str, Any],
) -> ApplicationDetails:
    """The application with all around it, as ApplicationDetails says."""
    id_, settings = application.service_id, application.settings
    return cast(
        "ApplicationDetails",
        {
            **application_row(application, addresses),
            **_RELATIONS,
            **dict.fromkeys(("deployments", "domains", "redirects", "security"), ()),
            "mounts": [mount_row(each, id_) for each in settings.mounts],
            "ports": [port_row(each, id_) for each in settings.published],
            "environment": {**environment_row(environment), "project": project_row(project)},
            **relations,
        },
    )


def passive_among(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the fields that were sent, those that are only to be given back."""
    return {name: value for name, value in values.items() if name in PASSIVE}


def default_of(attribute: str) -> Any:  # noqa: ANN401 - any setting
    """What a setting is when nothing is said about it."""
    return getattr(_DEFAULTS, attribute)


_DEFAULTS = AppSettings()
