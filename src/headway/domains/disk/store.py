"""What the rows say of what lies on the disk: whose deployments the logs are of, and every service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Row, select

from headway.core.deployments.model import SubjectType
from headway.domains.disk.model import Held, Server
from headway.infra.db.tables.applications import applications
from headway.infra.db.tables.composes import composes
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.servers import servers
from headway.infra.db.transaction import Tx

_ID_OF: Mapping[SubjectType, Column[Any]] = {
    SubjectType.APPLICATION: applications.c.application_id,
    SubjectType.COMPOSE: composes.c.compose_id,
}


def services(tx: Tx) -> list[Held]:
    """Every service of every organisation that is not being deleted, of which nothing is measured yet."""
    found = []
    for service_type, id_column in _ID_OF.items():
        columns = id_column.table.c
        names = (columns.name, columns.app_name, columns.organization_id, columns.project_id, columns.host_id)
        rows = tx.execute(select(id_column.label("service_id"), *names).where(columns.deleted_at.is_(None)))
        found += [_held(row, service_type) for row in rows]
    return found


def service_of_deployment(tx: Tx) -> Mapping[str, str]:
    """The service of every deployment that has one."""
    # What runs of a preview is of one of them, and a database is an application.
    kinds = [*(service_type.value for service_type in _ID_OF), SubjectType.PREVIEW, SubjectType.DATABASE]
    rows = tx.execute(
        select(deployments.c.deployment_id, deployments.c.subject_id).where(deployments.c.subject_type.in_(kinds))
    )
    return {row.deployment_id: row.subject_id for row in rows}


def servers_of(tx: Tx, services: Iterable[Held]) -> list[Server]:
    """The servers that these services are on, by name."""
    used = {each.host_id for each in services}
    rows = tx.execute(select(servers.c.server_id, servers.c.name, servers.c.organization_id).order_by(servers.c.name))
    return [Server(**row._mapping) for row in rows if row.server_id in used]  # noqa: SLF001 - its public name


def _held(row: Row[tuple[str, str, str, str, str, str]], service_type: SubjectType) -> Held:
    return Held(
        service_id=row.service_id,
        service_type=service_type,
        name=row.name,
        app_name=row.app_name,
        organization_id=row.organization_id,
        project_id=row.project_id,
        host_id=row.host_id,
    )
