"""Since when what serves is down, beside its release: reads and writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from headway.core.deployments.model import SubjectType
from headway.features.services.model import DesiredState, Kinds, ReleaseState, ServiceStatus
from headway.infra.db.tables.services import downtimes, releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_s, _r, _down = services.c, releases.c, downtimes.c


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedService:
    """Whose a service is, what it is called where it is told of, and the deployment that left what serves of it."""

    service_id: str
    subject_type: SubjectType
    organization_id: str
    project_id: str
    deployment_id: str


def marked_on(tx: Tx, host_id: str, kinds: Kinds) -> set[str]:
    """The releases that serve services of these kinds on a host and are down, as it is written."""
    mine = (_s.host_id == host_id, _s.kind.in_(kinds))
    found = select(_down.release_id).join(services, _s.serving_release_id == _down.release_id).where(*mine)
    return set(tx.execute(found).scalars())


def mark(tx: Tx, release_id: str, since: datetime) -> MarkedService | None:
    """Writes that a release is down; None where that is written already, or it is not to run now: another serves, it
    was stopped, or something is being done to it.
    """
    is_to_run = (_s.wanted == DesiredState.UP, _s.status != ServiceStatus.RUNNING, _s.deleted_at.is_(None))
    serves = select(_s.service_id).join(releases, _r.release_id == _s.serving_release_id)
    found = tx.scalar(serves.where(_r.release_id == release_id, _r.state == ReleaseState.SERVING, *is_to_run))
    if found is None:
        return None
    try:
        with tx.connection.begin_nested():
            tx.execute(insert(downtimes).values(release_id=release_id, since=since))
    except IntegrityError:
        return None
    return _service(tx, release_id)


def is_marked(tx: Tx, release_id: str) -> bool:
    """Whether a release is written to be down."""
    return tx.scalar(select(_down.since).where(_down.release_id == release_id)) is not None


def clear(tx: Tx, release_id: str) -> MarkedService | None:
    """Takes that back; None where it was not written."""
    cleared = tx.execute(delete(downtimes).where(_down.release_id == release_id)).rowcount
    return _service(tx, release_id) if cleared else None


def _service(tx: Tx, release_id: str) -> MarkedService | None:
    columns = (_s.service_id, _s.kind, _s.preview_of, _s.organization_id, _s.project_id, _r.deployment_id)
    found = select(*columns).join(releases, _r.service_id == _s.service_id).where(_r.release_id == release_id)
    row = tx.execute(found).one_or_none()
    if row is None:
        return None
    return MarkedService(
        service_id=row.service_id,
        subject_type=SubjectType(row.kind) if row.preview_of is None else SubjectType.PREVIEW,
        organization_id=row.organization_id,
        project_id=row.project_id,
        deployment_id=row.deployment_id,
    )
