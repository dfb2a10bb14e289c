"""Applications as the wire shows them: one flat object with every field that its clients know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
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

# Our settings by their names on the wire; those with a dot are fields of a record within them.
ACTIVE: Mapping[str, str] = MappingProxyType(
    {
        "sourceType": "source_type",
        "customGitUrl": "git.url",
        "customGitBranch": "git.branch",
        "customGitBuildPath": "git.path",
        "customGitSSHKeyId": "git.ssh_key_id",
        "enableSubmodules": "git.submodules",
        "tag": "git.tag",
        "commit": "git.commit",
        "buildType": "tool.build_type",
        "builder": "tool.builder",
        "dockerfile": "tool.dockerfile",
        "dockerContextPath": "tool.context",
        "dockerBuildStage": "tool.stage",
        "cleanCache": "tool.clean_cache",
        "engineFetch": "engine_fetch",
        "herokuVersion": "tool.heroku_version",
        "railpackVersion": "tool.railpack_version",
        "dockerImage": "docker.image",
        "registryId": "docker.registry_id",
        "registryUrl": "docker.registry_url",
        "username": "docker.username",
        "command": "run.command",
        "args": "run.arguments",
        "restartPolicy": "run.restart",
        "restartAttempts": "run.restarts",
        "runtime": "run.runtime",
        "replicas": "run.replicas",
        "placementSwarm": "run.placement",
        "healthCheckSwarm": "health.own_check",
        "dropBuildPath": "drop.path",
        "healthCheckPath": "health.path",
        "healthDeadlineSeconds": "health.deadline_seconds",
        "settleSeconds": "health.settle_seconds",
        "drainSeconds": "health.drain_seconds",
        "stepSeconds": "deadlines.step_seconds",
        "inactivitySeconds": "deadlines.inactivity_seconds",
        "totalSeconds": "deadlines.total_seconds",
        "autoDeploy": "hooks.auto_deploy",
        "triggerType": "hooks.trigger_type",
        "watchPaths": "hooks.watch_paths",
        "newestWins": "hooks.newest_wins",
        "buildArgs": "variables.build_args",
        "buildSecrets": "variables.build_secrets",
        "scale": "run.scale",
        "port": "run.port",
        "loopback": "run.loopback",
        "openVariables": "variables.open",
        "secretVariables": "variables.secret",
        "keepDeployments": "retention.deployments",
        "keepDays": "retention.days",
        "keepReleases": "retention.releases",
        "keepReleasesDays": "retention.releases_days",
        "keepReleasesBytes": "retention.releases_bytes",
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
            **{name: attrgetter(attribute)(settings) for name, attribute in ACTIVE.items()},
            **build_row(settings.build),
            "password": None,
            "refreshToken": None,
            "webhookSecret": None,
            "hasWebhookSecret": bool(settings.hooks.secret),
            "cpuLimit": None if settings.limits.cpus is None else f"{settings.limits.cpus:g}",
            "cpuReservation": None if settings.limits.reserved_cpus is None else f"{settings.limits.reserved_cpus:g}",
            "memoryLimit": None if settings.limits.memory_bytes is None else str(settings.limits.memory_bytes),
            "memoryReservation": (
                None if settings.limits.reserved_memory_bytes is None else str(settings.limits.reserved_memory_bytes)
            ),
            "archive": None if settings.drop.archive is None else asdict(settings.drop.archive),
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
            "mounts": [mount_row(each, id_) for each in settings.run.mounts],
            "ports": [port_row(each, id_) for each in settings.run.published],
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


_DEFAULTS = AppSettings()
