"""Reads and writes of projects and environments; variables are sealed on the way in and opened on the way out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, Table, bindparam, delete, func, insert, select, true, update

from headway.core.access.policy import Missing, Noun
from headway.core.access.survey import Line
from headway.core.deployments.model import SubjectType
from headway.features.projects.model import Environment, ListedService, Project, ServicePlace
from headway.infra.db.tables.backups import backups, volume_backups
from headway.infra.db.tables.projects import environments, projects
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import services
from headway.infra.db.tables.ssh_keys import ssh_keys
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_IDS_AT_A_TIME = 1_000
_LONGEST_DESCRIPTION = 1_024
_s = services.c
_OF_COMPOSES = _s.kind == SubjectType.COMPOSE
_DESCRIBED: tuple[tuple[str, Table, Column[Any], ColumnElement[bool]], ...] = (
    ("project", projects, projects.c.project_id, true()),
    ("environment", environments, environments.c.environment_id, true()),
    ("application", services, _s.service_id, ~_OF_COMPOSES),
    ("compose service", services, _s.service_id, _OF_COMPOSES),
    ("server", servers, servers.c.server_id, true()),
    ("SSH key", ssh_keys, ssh_keys.c.ssh_key_id, true()),
)


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``: descriptions that are longer than is taken now."""
    del vault
    for what, table, key, mine in _DESCRIBED:
        length = func.length(table.c.description)
        asked = select(table.c.name, key.label("id"), length.label("length")).where(mine, length > _LONGEST_DESCRIPTION)
        for row in tx.execute(asked.order_by(table.c.name, key)):
            why = (
                f"has {row.length} characters: it stays, and one of more than {_LONGEST_DESCRIPTION} is refused when "
                "it is changed next"
            )
            yield Line(what=f"{what} {row.name} ({row.id})", setting="its description", why=why, refused=True)


def find_project(tx: Tx, vault: Vault, project_id: str) -> Project:
    """The project with this id. Raises Missing."""
    row = tx.execute(select(projects).where(projects.c.project_id == project_id)).one_or_none()
    if row is None:
        raise Missing(Noun.PROJECT)
    return _project(vault, row)


def projects_of(tx: Tx, vault: Vault, organization_id: str) -> list[Project]:
    """An organisation's projects, newest first."""
    rows = tx.execute(
        select(projects)
        .where(projects.c.organization_id == organization_id)
        .order_by(projects.c.created_at.desc(), projects.c.project_id)
    )
    return [_project(vault, row) for row in rows]


def add_project(tx: Tx, vault: Vault, project: Project) -> None:
    """Writes a new project."""
    tx.execute(
        insert(projects).values(
            project_id=project.project_id,
            organization_id=project.organization_id,
            name=project.name,
            description=project.description,
            env=_sealed(vault, project.env),
            created_at=project.created_at,
        )
    )


def change_project(
    tx: Tx, vault: Vault, project_id: str, *, name: str | None, description: str | None, env: str | None
) -> None:
    """Writes what is given; None leaves a field as it is."""
    changes = _changes(vault, name, description, env)
    if changes:
        tx.execute(update(projects).where(projects.c.project_id == project_id).values(**changes))


def remove_project(tx: Tx, project_id: str) -> None:
    """Deletes an empty project and its environments."""
    tx.execute(delete(environments).where(environments.c.project_id == project_id))
    tx.execute(delete(projects).where(projects.c.project_id == project_id))


def find_environment(tx: Tx, vault: Vault, environment_id: str) -> Environment:
    """The environment with this id. Raises Missing."""
    row = tx.execute(select(environments).where(environments.c.environment_id == environment_id)).one_or_none()
    if row is None:
        raise Missing(Noun.ENVIRONMENT)
    return _environment(vault, row)


def environments_of(tx: Tx, vault: Vault, project_ids: Sequence[str]) -> list[Environment]:
    """The environments of these projects, the default one first, then by age."""
    rows = tx.execute(
        select(environments)
        .where(environments.c.project_id.in_(project_ids))
        .order_by(environments.c.is_default.desc(), environments.c.created_at, environments.c.environment_id)
    )
    return [_environment(vault, row) for row in rows]


def add_environment(tx: Tx, vault: Vault, environment: Environment) -> None:
    """Writes a new environment of a project."""
    tx.execute(
        insert(environments).values(
            environment_id=environment.environment_id,
            project_id=environment.project_id,
            name=environment.name,
            description=environment.description,
            env=_sealed(vault, environment.env),
            is_default=environment.is_default,
            created_at=environment.created_at,
        )
    )


def change_environment(
    tx: Tx, vault: Vault, environment_id: str, *, name: str | None, description: str | None, env: str | None
) -> None:
    """Writes what is given; None leaves a field as it is."""
    changes = _changes(vault, name, description, env)
    if changes:
        tx.execute(update(environments).where(environments.c.environment_id == environment_id).values(**changes))


def remove_environment(tx: Tx, environment_id: str) -> None:
    """Deletes an empty environment."""
    tx.execute(delete(environments).where(environments.c.environment_id == environment_id))


def place_of(tx: Tx, environment_id: str) -> ServicePlace:
    """Where an environment lies. Raises Missing."""
    row = tx.execute(_PLACES.where(environments.c.environment_id == environment_id)).one_or_none()
    if row is None:
        raise Missing(Noun.ENVIRONMENT)
    return _place(row)


def places_of_services(tx: Tx, service_ids: Collection[str]) -> dict[str, tuple[ListedService, ServicePlace]]:
    """These applications and compose services, by their ids, and where they lie."""
    found: dict[str, tuple[ListedService, ServicePlace]] = {}
    ids = sorted(service_ids)
    for start in range(0, len(ids), _IDS_AT_A_TIME):
        rows = tx.execute(_PLACES_OF_SERVICES, {"ids": ids[start : start + _IDS_AT_A_TIME]})
        found.update({row.service_id: (_service(row), _place(row)) for row in rows})
    return found


def applications_in(tx: Tx, project_ids: Sequence[str]) -> list[ListedService]:
    """The applications that lie in these projects, the oldest first."""
    return _services_in(tx, _APPLICATIONS, project_ids)


def composes_in(tx: Tx, project_ids: Sequence[str]) -> list[ListedService]:
    """The compose services that lie in these projects, the oldest first."""
    return _services_in(tx, _COMPOSES, project_ids)


def databases_in(tx: Tx, project_ids: Sequence[str]) -> list[ListedService]:
    """The databases that lie in these projects, the oldest first."""
    return _services_in(tx, _DATABASES, project_ids)


def names_in(tx: Tx, environment_ids: Sequence[str]) -> list[str]:
    """The names of the services that lie in these environments: of each kind, by its name, the oldest first."""
    mine = (_s.environment_id.in_(environment_ids), _s.preview_of.is_(None), _s.deleted_at.is_(None))
    return list(tx.execute(select(_s.name).where(*mine).order_by(_s.kind, _s.created_at, _s.service_id)).scalars())


def services_of_environment(tx: Tx, environment_id: str) -> frozenset[str]:
    """The ids of the applications and databases that lie in an environment."""
    mine = (_s.environment_id == environment_id, ~_OF_COMPOSES)
    return frozenset(tx.execute(select(_s.service_id).where(*mine)).scalars())


def leftovers_in(tx: Tx, environment_ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """The deleted services of these environments that have not been swept away yet, by name, each with that of its
    server where it is on one.
    """
    placed = select(_s.name, servers.c.name.label("server")).outerjoin(servers, servers.c.server_id == _s.host_id)
    mine = (_s.environment_id.in_(environment_ids), _s.deleted_at.is_not(None))
    rows = tx.execute(placed.where(*mine).order_by(_OF_COMPOSES, _s.name))  # compose services last
    return [(row.name, row.server) for row in rows]


def backups_in(tx: Tx, project_id: str, environment_id: str | None = None) -> list[tuple[str, str, str]]:
    """The backups of a project, or of one of its environments: the kind, what it is of, and its id. A backup stays when
    its service is deleted, for its files do.
    """
    b, v = backups.c, volume_backups.c
    mine = b.project_id == project_id if environment_id is None else b.environment_id == environment_id
    found = [("backup", row.app_name, row.backup_id) for row in tx.execute(select(b.app_name, b.backup_id).where(mine))]
    if environment_id is None:  # one of volumes knows its project alone
        of_volumes = select(v.app_name, v.volume_backup_id).where(v.project_id == project_id)
        found += [("volume backup", row.app_name, row.volume_backup_id) for row in tx.execute(of_volumes)]
    return sorted(found)


_COLUMNS = (
    _s.service_id,
    _s.environment_id.label("service_environment_id"),
    _s.host_id.label("service_host_id"),
    _s.name.label("service_name"),
    _s.app_name.label("service_app_name"),
    _s.description.label("service_description"),
    _s.status.label("service_status"),
    _s.created_at.label("service_created_at"),
    _s.database.label("service_database"),
)


def _live(of: ColumnElement[bool]) -> Select[Any]:
    mine = (of, _s.preview_of.is_(None), _s.deleted_at.is_(None))
    there = _s.project_id.in_(bindparam("ids", expanding=True))
    return select(*_COLUMNS).where(*mine, there).order_by(_s.created_at, _s.service_id)


_APPLICATIONS = _live(_s.kind == SubjectType.APPLICATION)
_DATABASES = _live(_s.kind == SubjectType.DATABASE)
_COMPOSES = _live(_OF_COMPOSES)


_PLACES = select(
    environments.c.environment_id,
    environments.c.name.label("environment_name"),
    projects.c.project_id,
    projects.c.name.label("project_name"),
    projects.c.organization_id,
).join(projects, projects.c.project_id == environments.c.project_id)


_PLACES_OF_SERVICES = (
    _PLACES.join(services, _s.environment_id == environments.c.environment_id)
    .add_columns(*_COLUMNS)
    .where(_s.service_id.in_(bindparam("ids", expanding=True)), _s.deleted_at.is_(None))
)


def _services_in(tx: Tx, statement: Select[Any], project_ids: Sequence[str]) -> list[ListedService]:
    return [_service(row) for row in tx.execute(statement, {"ids": list(project_ids)})]


def _project(vault: Vault, row: Row[Any]) -> Project:
    return Project(
        project_id=row.project_id,
        organization_id=row.organization_id,
        name=row.name,
        description=row.description,
        env=_opened(vault, row.env),
        created_at=row.created_at,
    )


def _environment(vault: Vault, row: Row[Any]) -> Environment:
    return Environment(
        environment_id=row.environment_id,
        project_id=row.project_id,
        name=row.name,
        description=row.description,
        env=_opened(vault, row.env),
        is_default=row.is_default,
        created_at=row.created_at,
    )


def _service(row: Row[Any]) -> ListedService:
    return ListedService(
        service_id=row.service_id,
        environment_id=row.service_environment_id,
        host_id=row.service_host_id,
        name=row.service_name,
        app_name=row.service_app_name,
        description=row.service_description,
        status=row.service_status,
        created_at=row.service_created_at,
        database=row.service_database,
    )


def _place(row: Row[Any]) -> ServicePlace:
    return ServicePlace(
        environment_id=row.environment_id,
        environment_name=row.environment_name,
        project_id=row.project_id,
        project_name=row.project_name,
        organization_id=row.organization_id,
    )


def _changes(vault: Vault, name: str | None, description: str | None, env: str | None) -> dict[str, str]:
    given = {"name": name, "description": description, "env": None if env is None else _sealed(vault, env)}
    return {column: value for column, value in given.items() if value is not None}


def _sealed(vault: Vault, env: str) -> str:
    return vault.seal(env) if env else ""  # nothing to hide, and most have none


def _opened(vault: Vault, sealed: str) -> str:
    return str(vault.open(sealed)) if sealed else ""
