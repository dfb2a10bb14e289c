"""The newest deployment of each of many subjects, for lists of what runs again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, select

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Reason, Status
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_d = deployments.c


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestRun:
    """The newest deployment of a subject, and how it ended where it has."""

    deployment_id: str
    kind: str
    status: Status
    reason: Reason | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    out_of_reach_since: datetime | None


def latest_runs(tx: Tx, subject_type: SubjectType, ids: Select[tuple[str]]) -> Mapping[str, LatestRun]:
    """That of each of these subjects that has any, by the subject's id; ``ids`` selects them."""
    subjects = ids.subquery()
    (subject_id,) = subjects.c
    newest = (
        select(_d.seq)
        .where(_d.subject_type == subject_type, _d.subject_id == subject_id)
        .order_by(_d.seq.desc())
        .limit(1)
        .correlate(subjects)
        .scalar_subquery()
    )
    columns = (
        *(_d.subject_id, _d.deployment_id, _d.kind, _d.status, _d.reason, _d.error_message),
        *(_d.created_at, _d.started_at, _d.finished_at, _d.out_of_reach_since),
    )
    rows = tx.execute(select(*columns).where(_d.seq.in_(select(newest).select_from(subjects))))
    return {
        row.subject_id: LatestRun(
            deployment_id=row.deployment_id,
            kind=row.kind,
            status=Status(row.status),
            reason=Reason(row.reason) if row.reason else None,
            error_message=row.error_message,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            out_of_reach_since=row.out_of_reach_since,
        )
        for row in rows
    }
