"""Which services somebody has started, and nobody has seen serve since."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update

from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.features.services.model import DesiredState, Kinds, ServiceStatus
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.events import Whose

_s = services.c
_ROW = select(_s.service_id, _s.kind, _s.preview_of, _s.organization_id, _s.project_id)
_STARTING = (
    _s.status == ServiceStatus.RUNNING,
    _s.wanted == DesiredState.UP,
    _s.serving_release_id.is_not(None),
    _s.deleted_at.is_(None),
)


def starting(tx: Tx, host_id: str, kinds: Kinds) -> list[str]:
    """Those of a host; a deploy that waits sets the same status, and is none of that."""
    found = tx.execute(_ROW.where(_s.host_id == host_id, _s.kind.in_(kinds), *_STARTING)).all()
    waiting = store.subjects_with_unfinished(tx, [row.service_id for row in found])
    return [row.service_id for row in found if (_type_of(row), row.service_id) not in waiting]


def started(tx: Tx, service_id: str, status: ServiceStatus) -> Whose | None:
    """Writes what a start has come to, and tells whose it is; None where something else was wanted since."""
    row = tx.execute(_ROW.where(_s.service_id == service_id)).one_or_none()
    if row is None or store.subjects_with_unfinished(tx, [service_id]) & {(_type_of(row), service_id)}:
        return None
    ended = update(services).where(_s.service_id == service_id, *_STARTING).values(status=status)
    if tx.execute(ended).rowcount != 1:
        return None
    return Whose(organization_id=row.organization_id, project_id=row.project_id, service_id=service_id)


def _type_of(row: Row[Any]) -> SubjectType:
    """As what it is deployed."""
    return SubjectType(row.kind) if row.preview_of is None else SubjectType.PREVIEW
