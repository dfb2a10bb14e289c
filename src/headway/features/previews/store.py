"""Previews in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, delete, func, insert, or_, select, update

from headway.core.access.policy import Missing, Noun, Visibility
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.features.previews.model import ClosedWhy, Preview, UnreportedState
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments
from headway.infra.db.tables.previews import previews
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx

_c = previews.c
_s = services.c
_EVERY = select(*(column for column in _c if column.name != "seq"), _s.kind.label("service_type")).join(
    services, _s.service_id == _c.service_id
)
_LIVE = _c.closed_at.is_(None)
_RUN = services.alias("run").c
_THERE = select(_RUN.service_id).where(_RUN.preview_of.is_not(None))  # what runs of previews


def find(tx: Tx, preview_id: str) -> Preview:
    """The preview with this id, also one that is closed. Raises Missing."""
    row = tx.execute(_EVERY.where(_c.preview_id == preview_id)).one_or_none()
    if row is None:
        raise Missing(Noun.PREVIEW)
    return _preview(row)


def newest(tx: Tx, service_id: str, number: int) -> Preview | None:
    """The newest preview of a pull request, also where that is closed; until the transaction ends nobody else looks."""
    tx.lock(f"previews.{service_id}")
    mine = (_c.service_id == service_id, _c.number == number)
    row = tx.execute(_EVERY.where(*mine).order_by(_c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _preview(row)


def of_service(tx: Tx, service_id: str) -> list[Preview]:
    """A service's previews, the newest first."""
    mine = _EVERY.where(_c.service_id == service_id, _LIVE)
    return [_preview(row) for row in tx.execute(mine.order_by(_c.seq.desc()))]


def ids(organization_id: str) -> Select[tuple[str]]:
    """Selects the previews that an organisation has."""
    there = (_s.organization_id == organization_id, _s.deleted_at.is_(None), _LIVE)
    return select(_c.preview_id).join(services, _s.service_id == _c.service_id).where(*there)


def within(tx: Tx, organization_id: str, reach: Visibility) -> list[Preview]:
    """An organisation's previews of services as far as the reach goes, the newest first."""
    mine = _EVERY.where(_s.organization_id == organization_id, _s.deleted_at.is_(None), _LIVE)
    if not reach.everything:
        mine = mine.where(_s.project_id.in_(reach.projects) | _s.service_id.in_(reach.services))
    if reach.within is not None:
        mine = mine.where(_s.project_id.in_(reach.within))
    return [_preview(row) for row in tx.execute(mine.order_by(_c.seq.desc()))]


def every(tx: Tx) -> list[Preview]:
    """All previews that there are."""
    return [_preview(row) for row in tx.execute(_EVERY.where(_LIVE).order_by(_c.seq))]


def expired(tx: Tx) -> list[Preview]:
    """Those whose time is over."""
    return [_preview(row) for row in tx.execute(_EVERY.where(_LIVE, _c.expires_at <= tx.now))]


def running(tx: Tx, service_id: str) -> list[Preview]:
    """Those of which something may run, the oldest first."""
    mine = (_c.service_id == service_id, _LIVE, _c.preview_id.in_(_THERE))
    return [_preview(row) for row in tx.execute(_EVERY.where(*mine).order_by(_c.seq))]


def tired(tx: Tx) -> list[Preview]:
    """Those that are to sleep now: their time is over, and nothing of them waits or runs."""
    busy = select(deployments.c.subject_id).where(or_(PENDING, RUNNING))
    mine = (_LIVE, _c.sleeps_at <= tx.now, _c.asleep_since.is_(None), _c.preview_id.not_in(busy))
    return [_preview(row) for row in tx.execute(_EVERY.where(*mine))]


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
    joined = select(_s.organization_id, _s.project_id).join(previews, _c.service_id == _s.service_id)
    mine = (_c.preview_id == preview_id, _LIVE, _s.deleted_at.is_(None))
    row = tx.execute(joined.where(*mine)).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def add(tx: Tx, preview: Preview) -> None:
    """Adds a preview."""
    values = {**asdict(preview), "labels": list(preview.labels)}
    values.pop("service_type")  # which its service has
    tx.execute(insert(previews).values(**values))


def set_fields(tx: Tx, preview_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one preview."""
    tx.execute(update(previews).where(_c.preview_id == preview_id).values(**fields))


def changed_states(tx: Tx) -> list[UnreportedState]:
    """The states of previews that are others than their forge was told last, closed ones too; not those that it could
    not be told and that are to be told again later. A new one waits for no try of an old one.
    """
    columns = (
        *(_c.preview_id, _c.number, _c.head, _c.approved_head, _c.closed_why, _c.asleep_since),
        *(_c.reported, _c.report_error, _c.report_at, _c.report_tried, _c.report_attempts, _c.report_since),
    )
    newest = _newest(_c.preview_id).scalar_subquery().label("newest")
    whose = services.alias()
    joined = (
        select(*columns, _s.status, newest, whose.c.organization_id)
        .join(whose, whose.c.service_id == _c.service_id)
        .outerjoin(services, _s.service_id == _c.preview_id)
    )
    found = []
    for row in tx.execute(joined.order_by(_c.seq)):
        status = "asleep" if row.asleep_since else row.status
        state = row.closed_why or f"{status}.{row.head[:12]}.{(row.approved_head or '')[:12]}.{row.newest}"
        again = row.report_tried == state
        is_later = again and row.report_at is not None and row.report_at > tx.now
        if state != row.reported and not is_later:
            found.append(
                UnreportedState(
                    preview_id=row.preview_id,
                    organization_id=row.organization_id,
                    number=row.number,
                    state=state,
                    attempts=row.report_attempts if again else 0,
                    since=(row.report_since if again else None) or tx.now,
                    error=row.report_error,
                )
            )
    return found


def newest_deployment(tx: Tx, preview_id: str) -> str | None:
    """The preview's newest deployment."""
    found: str | None = tx.scalar(_newest(preview_id))
    return found


def _newest(preview_id: str | ColumnElement[str]) -> Select[tuple[str]]:
    d = deployments.c
    mine = (d.subject_type == SubjectType.PREVIEW, d.subject_id == preview_id)
    return select(d.deployment_id).where(*mine).order_by(d.seq.desc()).limit(1)


def of_pull(tx: Tx, service_ids: list[str], number: int) -> list[Preview]:
    """The newest preview of each of these services for one pull request."""
    mine = (_c.service_id.in_(service_ids), _c.number == number)
    newest_ones = select(func.max(_c.seq)).where(*mine).group_by(_c.service_id)
    return [_preview(row) for row in tx.execute(_EVERY.where(_c.seq.in_(newest_ones)).order_by(_c.seq))]


def forget_closed(tx: Tx, before: datetime) -> None:
    """Removes what is only remembered, and of which nothing is left that runs."""
    tx.execute(delete(previews).where(_c.closed_at < before, _c.preview_id.not_in(_THERE)))


def _preview(row: Row[Any]) -> Preview:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    why = values["closed_why"]
    read = {"labels": tuple(values["labels"]), "closed_why": ClosedWhy(why) if why else None}
    return Preview(**{**values, **read, "service_type": SubjectType(row.service_type)})
