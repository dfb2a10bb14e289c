"""Deployments whose commits come from somewhere, and what was told of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, insert, or_, select, update

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Reason, Status
from headway.features.forge_outbox.outbox import ForgeMessage
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.statuses import commit_statuses
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_d = deployments.c
_s = commit_statuses.c
_MOST = 1_000  # those of one organisation, whose forge is slow, leave room for others


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldDeployment(ForgeMessage):
    """A deployment of which the forge does not know how it is."""

    service_type: SubjectType
    service_id: str
    commit_hash: str
    status: Status
    reason: Reason | None


def untold(tx: Tx, within: timedelta, types: Sequence[SubjectType]) -> list[UntoldDeployment]:
    """What is to be told now of deployments that were asked for so short a time ago: of each commit that a service was
    deployed from only the newest.
    """
    asked_for = (_d.created_at >= tx.now - within, _d.commit_hash.is_not(None), _d.subject_type.in_(types))
    # To look for each whether there is a later one would be a look at all pairs of a service that is deployed often.
    newest = select(func.max(_d.seq)).where(*asked_for).group_by(_d.subject_type, _d.subject_id, _d.commit_hash)
    news = or_(_s.told.is_(None), _s.told != _d.status)
    columns = (
        *(_d.deployment_id, _d.organization_id, _d.subject_type, _d.subject_id),
        *(_d.commit_hash, _d.status, _d.reason, _d.created_at),
    )
    asked = (
        select(*columns, _s.attempts, _s.error)
        .outerjoin(commit_statuses, _s.deployment_id == _d.deployment_id)
        .where(_d.seq.in_(newest))
        .where(or_(_s.deployment_id.is_(None), and_(_s.tell_at <= tx.now, news)))
        .order_by(_d.seq)
        .limit(_MOST)
    )
    return [
        UntoldDeployment(
            about=row.deployment_id,
            organization_id=row.organization_id,
            turn=row.subject_id,
            last_at=row.created_at + within,
            service_type=SubjectType(row.subject_type),
            service_id=row.subject_id,
            commit_hash=row.commit_hash,
            status=Status(row.status),
            reason=None if row.reason is None else Reason(row.reason),
            attempts=row.attempts or 0,
            error=row.error,
        )
        for row in tx.execute(asked)
    ]


def write(
    tx: Tx, deployment_id: str, *, told: Status | None = None, attempts: int = 0, tell_at: datetime, error: str | None
) -> None:
    """Writes down what became of telling it; ``told`` None: what was told before still holds."""
    values = {"attempts": attempts, "tell_at": tell_at, "error": error} | ({} if told is None else {"told": told})
    mine = update(commit_statuses).where(_s.deployment_id == deployment_id)
    if tx.execute(mine.values(**values)).rowcount == 0:
        tx.execute(insert(commit_statuses).values(deployment_id=deployment_id, **values))


def forget(tx: Tx, before: datetime) -> None:
    """Removes what was told, or tried, before that."""
    tx.execute(delete(commit_statuses).where(_s.tell_at < before))
