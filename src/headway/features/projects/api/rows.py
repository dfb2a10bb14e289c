"""Projects, environments and ssh keys as the wire shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from headway.api.rows import moment, server_id_of
from headway.features.git.ssh_keys_model import SshKey
from headway.features.projects.model import Environment, EnvironmentOverview, ListedService, Project, ProjectOverview


class ProjectRow(TypedDict):
    """A project; ``env`` holds the variables that its applications share."""

    projectId: str
    name: str
    description: str | None
    createdAt: str
    organizationId: str
    env: str


class EnvironmentRow(TypedDict):
    """An environment of a project."""

    environmentId: str
    name: str
    description: str | None
    createdAt: str
    env: str
    projectId: str
    isDefault: bool


class ServiceRow(TypedDict):
    """An application as lists of projects show it."""

    applicationId: str
    name: str
    appName: str
    description: str | None
    applicationStatus: str
    createdAt: str
    serverId: str | None
    icon: None
    server: None


class ComposeServiceRow(TypedDict):
    """A compose service as lists of projects show it."""

    composeId: str
    name: str
    appName: str
    description: str | None
    composeStatus: str
    createdAt: str
    serverId: str | None
    icon: None
    server: None


class DatabaseServiceRow(TypedDict):
    """A database as lists of projects show it. It has its id by the name of its kind too (``postgresId``)."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    databaseId: str
    name: str
    appName: str
    description: str | None
    applicationStatus: str
    createdAt: str
    serverId: str | None
    icon: None
    server: None


class EnvironmentServices(TypedDict):
    """What lies in an environment, by kind."""

    applications: list[ServiceRow]
    compose: list[ComposeServiceRow]
    libsql: list[DatabaseServiceRow]
    mariadb: list[DatabaseServiceRow]
    mongo: list[DatabaseServiceRow]
    mysql: list[DatabaseServiceRow]
    postgres: list[DatabaseServiceRow]
    redis: list[DatabaseServiceRow]


class EnvironmentContents(EnvironmentRow, EnvironmentServices):
    """An environment with all that lies in it, by kind."""


class EnvironmentInProject(EnvironmentContents):
    """An environment with all that lies in it, and its project."""

    project: ProjectRow


class ProjectContents(ProjectRow):
    """A project with its environments."""

    environments: list[EnvironmentContents]


class NewProject(TypedDict):
    """A new project and its default environment."""

    project: ProjectRow
    environment: EnvironmentRow


class ProjectsFound(TypedDict):
    """A part of the projects that were found, and how many were."""

    items: list[ProjectRow]
    total: int


class EnvironmentsFound(TypedDict):
    """A part of the environments that were found, and how many were."""

    items: list[EnvironmentRow]
    total: int


class EnvironmentToGrant(EnvironmentServices):
    """An environment by name, with what lies in it."""

    environmentId: str
    name: str
    isDefault: bool


class ProjectToGrant(TypedDict):
    """A project by name, with what a member can be given in it."""

    projectId: str
    name: str
    environments: list[EnvironmentToGrant]


class ServicesByStatus(TypedDict):
    """How many services are up, in an error, or neither."""

    running: int
    error: int
    idle: int


class HomeStats(TypedDict):
    """How much there is that the caller may see."""

    projects: int
    environments: int
    applications: int
    compose: int
    databases: int
    services: int
    status: ServicesByStatus


class SshKeyName(TypedDict):
    """An ssh key by name."""

    sshKeyId: str
    name: str


class SshKeyRow(TypedDict):
    """An ssh key; its private part is never shown, so ``privateKey`` is always empty."""

    sshKeyId: str
    name: str
    description: str | None
    publicKey: str
    privateKey: str
    createdAt: str
    lastUsedAt: None
    organizationId: str


class KeyPairRow(TypedDict):
    """A fresh pair that is kept nowhere."""

    privateKey: str
    publicKey: str


def project_row(project: Project) -> ProjectRow:
    """The project alone."""
    return {
        "projectId": project.project_id,
        "name": project.name,
        "description": project.description,
        "createdAt": moment(project.created_at),
        "organizationId": project.organization_id,
        "env": project.env,
    }


def environment_row(environment: Environment) -> EnvironmentRow:
    """The environment alone."""
    return {
        "environmentId": environment.environment_id,
        "name": environment.name,
        "description": environment.description,
        "createdAt": moment(environment.created_at),
        "env": environment.env,
        "projectId": environment.project_id,
        "isDefault": environment.is_default,
    }


def environment_contents(overview: EnvironmentOverview) -> EnvironmentContents:
    """The environment with what lies in it."""
    return {**environment_row(overview.environment), **_services(overview)}


def environment_in_project(overview: EnvironmentOverview, project: Project) -> EnvironmentInProject:
    """The environment with what lies in it and what it lies in."""
    return {**environment_contents(overview), "project": project_row(project)}


def project_contents(overview: ProjectOverview) -> ProjectContents:
    """The project with its environments."""
    environments = [environment_contents(each) for each in overview.environments]
    return {**project_row(overview.project), "environments": environments}


def project_to_grant(overview: ProjectOverview) -> ProjectToGrant:
    """The project without its variables."""
    return {
        "projectId": overview.project.project_id,
        "name": overview.project.name,
        "environments": [_environment_to_grant(each) for each in overview.environments],
    }


def home_stats(overviews: Sequence[ProjectOverview]) -> HomeStats:
    """The counts of what lies in these projects."""
    environments = [each for overview in overviews for each in overview.environments]
    applications = [each for environment in environments for each in environment.applications]
    composes = [each for environment in environments for each in environment.composes]
    databases = [each for environment in environments for each in environment.databases]
    services = [*applications, *composes, *databases]
    statuses = Counter(each.status for each in services)
    up, failed = statuses["done"], statuses["error"]
    return {
        "projects": len(overviews),
        "environments": len(environments),
        "applications": len(applications),
        "compose": len(composes),
        "databases": len(databases),
        "services": len(services),
        "status": {"running": up, "error": failed, "idle": len(services) - up - failed},
    }


def ssh_key_row(key: SshKey) -> SshKeyRow:
    """The key without its private part."""
    return {
        "sshKeyId": key.ssh_key_id,
        "name": key.name,
        "description": key.description,
        "publicKey": key.public_key,
        "privateKey": "",
        "createdAt": moment(key.created_at),
        "lastUsedAt": None,
        "organizationId": key.organization_id,
    }


def _environment_to_grant(overview: EnvironmentOverview) -> EnvironmentToGrant:
    environment = overview.environment
    return {
        "environmentId": environment.environment_id,
        "name": environment.name,
        "isDefault": environment.is_default,
        **_services(overview),
    }


def _services(overview: EnvironmentOverview) -> EnvironmentServices:
    return {
        "applications": [_service(service) for service in overview.applications],
        "compose": [_compose(service) for service in overview.composes],
        "libsql": _databases(overview, "libsql"),
        "mariadb": _databases(overview, "mariadb"),
        "mongo": _databases(overview, "mongo"),
        "mysql": _databases(overview, "mysql"),
        "postgres": _databases(overview, "postgres"),
        "redis": _databases(overview, "redis"),
    }


def _databases(overview: EnvironmentOverview, kind: str) -> list[DatabaseServiceRow]:
    return [_database(service) for service in overview.databases if service.database == kind]


def _database(service: ListedService) -> DatabaseServiceRow:
    row: dict[str, Any] = {
        f"{service.database}Id": service.service_id,
        "databaseId": service.service_id,
        "name": service.name,
        "appName": service.app_name,
        "description": service.description,
        "applicationStatus": service.status,
        "createdAt": moment(service.created_at),
        "serverId": server_id_of(service.host_id),
        "icon": None,
        "server": None,
    }
    return cast("DatabaseServiceRow", row)


def _service(service: ListedService) -> ServiceRow:
    return {
        "applicationId": service.service_id,
        "name": service.name,
        "appName": service.app_name,
        "description": service.description,
        "applicationStatus": service.status,
        "createdAt": moment(service.created_at),
        "serverId": server_id_of(service.host_id),
        "icon": None,
        "server": None,
    }


def _compose(service: ListedService) -> ComposeServiceRow:
    return {
        "composeId": service.service_id,
        "name": service.name,
        "appName": service.app_name,
        "description": service.description,
        "composeStatus": service.status,
        "createdAt": moment(service.created_at),
        "serverId": server_id_of(service.host_id),
        "icon": None,
        "server": None,
    }
