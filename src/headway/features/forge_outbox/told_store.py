"""The commit statuses that stand at forges and are to be changed there once more."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, and_, delete, insert, or_, select

from headway.drivers.forges.base import CommitState
from headway.features.forge_outbox.outbox import ForgeMessage, Letter, ToldStatus
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.statuses import told_statuses
from headway.infra.db.transaction import Tx

_c = told_statuses.c


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
        tx.execute(insert(told_statuses).values(**asdict(told)))


def _told(row: Row[Any]) -> ToldStatus:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return ToldStatus(**{**values, "state": CommitState(row.state)})
