"""Previews in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, insert, or_, select, union_all, update

from headway.core.access.policy import Missing, Noun
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.features.previews.model import ClosedWhy, Preview
from headway.infra.db.tables.applications import applications
from headway.infra.db.tables.composes import composes
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments
from headway.infra.db.tables.previews import previews
from headway.infra.db.transaction import Tx

_c = previews.c
_COLUMNS = tuple(column for column in _c if column.name != "seq")
_LIVE = _c.closed_at.is_(None)
_THERE = union_all(  # what runs of previews
    select(applications.c.application_id).where(applications.c.preview_of.is_not(None)),
    select(composes.c.compose_id).where(composes.c.preview_of.is_not(None)),
)


def find(tx: Tx, preview_id: str) -> Preview:
    """The preview with this id, also one that is closed. Raises Missing."""
    row = tx.execute(select(*_COLUMNS).where(_c.preview_id == preview_id)).one_or_none()
    if row is None:
        raise Missing(Noun.PREVIEW)
    return _preview(row)


def newest(tx: Tx, service_id: str, number: int) -> Preview | None:
    """The newest preview of a pull request, also where that is closed; until the transaction ends nobody else looks."""
    tx.lock(f"previews.{service_id}")
    mine = (_of(service_id), _c.number == number)
    row = tx.execute(select(*_COLUMNS).where(*mine).order_by(_c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _preview(row)


def of_service(tx: Tx, service_id: str) -> list[Preview]:
    """A service's previews, the newest first."""
    mine = select(*_COLUMNS).where(_of(service_id), _LIVE)
    return [_preview(row) for row in tx.execute(mine.order_by(_c.seq.desc()))]


def every(tx: Tx) -> list[Preview]:
    """All previews that there are."""
    return [_preview(row) for row in tx.execute(select(*_COLUMNS).where(_LIVE).order_by(_c.seq))]


def expired(tx: Tx) -> list[Preview]:
    """Those whose time is over."""
    return [_preview(row) for row in tx.execute(select(*_COLUMNS).where(_LIVE, _c.expires_at <= tx.now))]


def running(tx: Tx, service_id: str) -> list[Preview]:
    """Those of which something may run, the oldest first."""
    mine = (_of(service_id), _LIVE, _c.preview_id.in_(_THERE))
    return [_preview(row) for row in tx.execute(select(*_COLUMNS).where(*mine).order_by(_c.seq))]


def tired(tx: Tx) -> list[Preview]:
    """Those that are to sleep now: their time is over, and nothing of them waits or runs."""
    busy = select(deployments.c.subject_id).where(or_(PENDING, RUNNING))
    mine = (_LIVE, _c.sleeps_at <= tx.now, _c.asleep_since.is_(None), _c.preview_id.not_in(busy))
    return [_preview(row) for row in tx.execute(select(*_COLUMNS).where(*mine))]


def counted(tx: Tx) -> Mapping[str, int]:
    """How many previews there are: awake, asleep, and waiting for somebody's approval."""
    state = case(
        (and_(_c.fork, _c.head != func.coalesce(_c.approved_head, "")), "awaiting"),
        (_c.asleep_since.is_not(None), "asleep"),
        else_="awake",
    )
    rows = tx.execute(select(state.label("state"), func.count().label("number")).where(_LIVE).group_by(state))
    return {row.state: row.number for row in rows}


def owner(tx: Tx, preview_id: str) -> Owner | None:
    """Whose a preview is, None when there is none."""
    mine = (_c.preview_id == preview_id, _LIVE)
    for table, of in ((applications, _c.application_id), (composes, _c.compose_id)):
        key = table.c.application_id if table is applications else table.c.compose_id
        joined = select(table.c.organization_id, table.c.project_id).join(previews, of == key)
        row = tx.execute(joined.where(*mine, table.c.deleted_at.is_(None))).one_or_none()
        if row is not None:
            return Owner(organization_id=row.organization_id, project_id=row.project_id)
    return None


def add(tx: Tx, preview: Preview) -> None:
    """Adds a preview."""
    tx.execute(insert(previews).values(**{**asdict(preview), "labels": list(preview.labels)}))


def set_fields(tx: Tx, preview_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one preview."""
    tx.execute(update(previews).where(_c.preview_id == preview_id).values(**fields))


def changed_states(tx: Tx) -> list[tuple[str, str]]:
    """The previews whose state is another than their forge was told last, closed ones too, with that state; not those
    that are to be told later.
    """
    running = func.coalesce(applications.c.status, composes.c.status).label("status")
    columns = (_c.preview_id, _c.head, _c.approved_head, _c.closed_why, _c.reported, _c.asleep_since, running)
    joined = (
        select(*columns)
        .outerjoin(applications, applications.c.application_id == _c.preview_id)
        .outerjoin(composes, composes.c.compose_id == _c.preview_id)
    )
    due = or_(_c.report_at.is_(None), _c.report_at <= tx.now)
    found = []
    for row in tx.execute(joined.where(due).order_by(_c.seq)):
        newest = None if row.closed_why else newest_deployment(tx, row.preview_id)
        status = "asleep" if row.asleep_since else row.status
        state = row.closed_why or f"{status}.{row.head[:12]}.{(row.approved_head or '')[:12]}.{newest}"
        if state != row.reported:
            found.append((row.preview_id, state))
    return found


def newest_deployment(tx: Tx, preview_id: str) -> str | None:
    """The preview's newest deployment."""
    d = deployments.c
    mine = (d.subject_type == SubjectType.PREVIEW, d.subject_id == preview_id)
    found: str | None = tx.scalar(select(d.deployment_id).where(*mine).order_by(d.seq.desc()).limit(1))
    return found


def of_pull(tx: Tx, service_ids: list[str], number: int) -> list[Preview]:
    """The newest preview of each of these services for one pull request."""
    service = func.coalesce(_c.application_id, _c.compose_id)
    newest_ones = select(func.max(_c.seq)).where(service.in_(service_ids), _c.number == number).group_by(service)
    return [_preview(row) for row in tx.execute(select(*_COLUMNS).where(_c.seq.in_(newest_ones)).order_by(_c.seq))]


def forget_closed(tx: Tx, before: datetime) -> None:
    """Removes what is only remembered, and of which nothing is left that runs."""
    tx.execute(delete(previews).where(_c.closed_at < before, _c.preview_id.not_in(_THERE)))


def _of(service_id: str) -> ColumnElement[bool]:
    return or_(_c.application_id == service_id, _c.compose_id == service_id)


def _preview(row: Row[Any]) -> Preview:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    why = values["closed_why"]
    return Preview(**{**values, "labels": tuple(values["labels"]), "closed_why": ClosedWhy(why) if why else None})
