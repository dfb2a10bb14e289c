"""The commit statuses that stand at forges and are to be changed there once more."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, delete, exists, insert, or_, select, update

from headway.drivers.forges.base import CommitState
from headway.features.forge_outbox.outbox import ForgeMessage, Letter, ToldStatus
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.previews import previews
from headway.infra.db.tables.statuses import told_statuses
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_c = told_statuses.c
_MOST = 1_000  # as of what is to be told of deployments


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftStatus(ForgeMessage):
    """A status of something that is gone."""

    told: ToldStatus


def find(tx: Tx, about: str) -> ToldStatus | None:
    """What a forge has of it; None where nothing of it is to be changed."""
    row = tx.execute(select(told_statuses).where(_c.about == about)).one_or_none()
    return None if row is None else _told(row)


def of_commit(tx: Tx, service_id: str, commit_hash: str) -> ToldStatus | None:
    """What a forge has of the newest deployment of a service from a commit of which something is to be changed."""
    mine = (deployments.c.subject_id == service_id, _c.commit_hash == commit_hash)
    joined = select(told_statuses).join(deployments, deployments.c.deployment_id == _c.about).where(*mine)
    row = tx.execute(joined.order_by(deployments.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _told(row)


def left(tx: Tx, within: timedelta) -> list[LeftStatus]:
    """What is to be taken back now: nothing is there any more of what it is about. It is tried for so long."""
    is_there = (
        exists().where(deployments.c.deployment_id == _c.about),
        exists().where(previews.c.preview_id == _c.about),
    )
    due = or_(_c.tell_at.is_(None), _c.tell_at <= tx.now)
    rows = tx.execute(select(told_statuses).where(~is_there[0], ~is_there[1], due).order_by(_c.about).limit(_MOST))
    return [
        LeftStatus(
            about=row.about,
            organization_id=row.organization_id,
            turn=row.about,
            last_at=(row.since or tx.now) + within,
            attempts=row.attempts,
            error=row.error,
            told=_told(row),
        )
        for row in rows
    ]


def put_off(tx: Tx, message: LeftStatus, since: datetime, why: str, until: datetime) -> None:
    """It could not be taken back, as since then."""
    values = {"attempts": message.attempts + 1, "since": since, "tell_at": until, "error": why}
    tx.execute(update(told_statuses).where(_c.about == message.about).values(**values))


def note(tx: Tx, message: ForgeMessage, letter: Letter | None, *, is_final: bool) -> None:
    """The forge has the status of this letter from now on, if there is one, in the place of whatever stood there. One
    that ``is_final`` is not to be changed any more.
    """
    if letter is None or letter.status is None:
        tx.execute(delete(told_statuses).where(_c.about == message.about))
        return
    status = letter.status
    told = ToldStatus(
        about=message.about,
        organization_id=message.organization_id,
        provider_id=letter.connection.provider_id,
        path=letter.path,
        commit_hash=status.commit_hash,
        context=status.context,
        state=status.state,
    )
    place = (_c.provider_id, told.provider_id), (_c.path, told.path), (_c.context, told.context)
    there = and_(_c.commit_hash == told.commit_hash, *(column == value for column, value in place))
    tx.execute(delete(told_statuses).where(or_(_c.about == told.about, there)))
    if not is_final:
        tx.execute(insert(told_statuses).values(**asdict(told), attempts=0))


def _told(row: Row[Any]) -> ToldStatus:
    values = {each.name: getattr(row, each.name) for each in fields(ToldStatus)}
    return ToldStatus(**{**values, "state": CommitState(row.state)})
