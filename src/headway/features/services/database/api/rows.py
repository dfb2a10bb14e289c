"""Databases as the wire shows them: one flat object with every field that its clients know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from headway.api.rows import moment, server_id_of
from headway.features.backups.api.rows import BackupRow
from headway.features.containers.api.rows import MountRow, mount_row
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.projects.api.rows import environment_row, project_row
from headway.features.projects.model import Environment, Project
from headway.features.servers.api.rows import ServerRow
from headway.features.services.application.api.rows import EnvironmentOfApplication
from headway.features.services.application.model import Attached
from headway.features.services.database.kinds import EXTERNAL, KINDS, url_of
from headway.features.services.database.model import Database

# Fields of the clients' inputs on which nothing here acts, with what a client sees where none was saved.
PASSIVE: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(
        (
            "endpointSpecSwarm",
            "icon",
            "labelsSwarm",
            "modeSwarm",
            "networkSwarm",
            "placementSwarm",
            "replicaSets",
            "restartPolicySwarm",
            "rollbackConfigSwarm",
            "stopGracePeriodSwarm",
            "ulimitsSwarm",
            "updateConfigSwarm",
        )
    )
    | {"detachDokployNetwork": False, "networkIds": (), "replicas": 1}
)


class ElsewhereRow(TypedDict):
    """Where a database runs that is not Headway's."""

    host: str
    port: int


class DatabaseRow(TypedDict):
    """A database. Beside these it has its id by the name of its kind (``postgresId``), and every field that can be
    saved with it, null where none was. Passwords, and the addresses that hold them, are shown to those who may change
    it.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    databaseId: str
    databaseType: Literal["postgres", "mysql", "mariadb", "mongo", "redis", "libsql"]
    name: str
    appName: str
    description: str | None
    dockerImage: str
    databaseName: str | None
    databaseUser: str | None
    databasePassword: str | None
    databaseRootPassword: str | None
    env: str
    externalPort: int | None
    externalAddress: str
    dataVolume: str | None
    internalUrl: str | None
    externalUrl: str | None
    connection: ElsewhereRow | None
    applicationStatus: Literal["idle", "running", "done", "error"]
    environmentId: str
    serverId: str | None
    createdAt: str


class DatabaseDetails(DatabaseRow):
    """A database with its deployments and backups, the newest first, what its container mounts and what it lies in.
    What the key may not read of it is an empty list or null.
    """

    deployments: list[DeploymentRow]
    backups: list[BackupRow]
    mounts: list[MountRow]
    server: ServerRow | None
    environment: EnvironmentOfApplication


class DatabaseFound(TypedDict):
    """A database as a search shows it."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # its id is called by its kind

    databaseId: str
    name: str
    appName: str
    description: str | None
    environmentId: str
    applicationStatus: Literal["idle", "running", "done", "error"]
    createdAt: str


class DatabasesFound(TypedDict):
    """A part of the databases that were found, and how many were."""

    items: list[DatabaseFound]
    total: int


def database_row(database: Database, *, open_: bool) -> DatabaseRow:
    """The database; ``open_``: with its passwords."""
    given, runs, facts = database.settings, database.runs, KINDS[database.kind]
    where = given.elsewhere
    of_kind: dict[str, Any] = {f"{database.kind}Id": database.database_id}
    if "externalGRPCPort" in facts.ports:
        of_kind |= {name: given.ports.get(name) for name in facts.ports if name != EXTERNAL}
        of_kind |= {"sqldNode": given.node, "sqldPrimaryUrl": given.primary, "enableNamespaces": given.namespaces}
    return cast(
        "DatabaseRow",
        {
            **PASSIVE,
            **{name: value for name, value in given.extra.items() if value is not None},
            **of_kind,
            **_container(database),
            **_addresses(database, open_=open_),
            "databaseId": database.database_id,
            "databaseType": database.kind.value,
            "name": runs.name,
            "appName": runs.app_name,
            "description": runs.description,
            "dockerImage": given.image,
            "databaseName": given.database or None,
            "databaseUser": given.username or None,
            "databasePassword": given.password if open_ else None,
            "databaseRootPassword": (given.root_password or None) if open_ else None,
            "env": given.env,
            "externalPort": given.ports.get(EXTERNAL),
            "externalAddress": given.address,
            "dataVolume": given.volume if where is None else None,
            "connection": None if where is None else {"host": where.host, "port": where.port or facts.port},
            "applicationStatus": runs.status.value,
            "environmentId": runs.environment_id,
            "serverId": server_id_of(runs.host_id),
            "createdAt": moment(runs.created_at),
        },
    )


def database_details(
    database: Database, row: DatabaseRow, environment: Environment, project: Project, relations: Mapping[str, Any]
) -> DatabaseDetails:
    """The database with what is around it."""
    return cast(
        "DatabaseDetails",
        {
            **row,
            **dict.fromkeys(("deployments", "backups"), ()),
            "server": None,
            "mounts": _mounts(database),
            "environment": {**environment_row(environment), "project": project_row(project)},
            **relations,
        },
    )


def _mounts(database: Database) -> list[MountRow]:
    """The volume that its data is in, under the database's own id: it is chosen with ``dataVolume``."""
    given = database.settings
    if given.elsewhere is not None:
        return []
    data = Attached(
        mount_id=database.database_id, kind="volume", target=KINDS[database.kind].folder, source=given.volume
    )
    return [mount_row(data, database.database_id, database.kind.value)]


def database_found(database: Database) -> DatabaseFound:
    """The database among others."""
    runs = database.runs
    return cast(
        "DatabaseFound",
        {
            f"{database.kind}Id": database.database_id,
            "databaseId": database.database_id,
            "name": runs.name,
            "appName": runs.app_name,
            "description": runs.description,
            "environmentId": runs.environment_id,
            "applicationStatus": runs.status.value,
            "createdAt": moment(runs.created_at),
        },
    )


def _container(database: Database) -> dict[str, Any]:
    given, settings = database.settings, database.runs.settings
    return {
        "command": given.command,
        "args": list(given.arguments) or None,
        "healthCheckSwarm": given.check,
        "registryId": settings.docker.registry_id,
        "memoryLimit": _text(settings.limits.memory_bytes),
        "memoryReservation": _text(settings.limits.reserved_memory_bytes),
        "cpuLimit": _text(settings.limits.cpus),
        "cpuReservation": _text(settings.limits.reserved_cpus),
    }


def _addresses(database: Database, *, open_: bool) -> dict[str, str | None]:
    given, facts = database.settings, KINDS[database.kind]
    none: dict[str, str | None] = {"internalUrl": None, "externalUrl": None}
    if not open_:
        return none
    where, outer = given.elsewhere, given.ports.get(EXTERNAL)
    if where is not None:
        return {**none, "externalUrl": url_of(facts, given, where.host, where.port or facts.port)}
    return {
        "internalUrl": url_of(facts, given, database.runs.app_name, facts.port),
        "externalUrl": None if outer is None else url_of(facts, given, given.address, outer),
    }


def _text(number: float | None) -> str | None:
    return None if number is None else f"{number:.12g}"
