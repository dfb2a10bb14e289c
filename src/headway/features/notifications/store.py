"""Channels, notices and the outbox in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, exists, func, insert, inspect, literal, or_, select, union_all, update

from headway.core.access.machine_store import is_guarded
from headway.core.access.policy import Missing, Noun
from headway.features.notifications.model import (
    LONGEST_WAIT,
    NOWHERE,
    Channel,
    ChannelTarget,
    Due,
    Happening,
    Notice,
    NoticeState,
)
from headway.infra.db.tables.backups import backups, volume_backups
from headway.infra.db.tables.deployments import outbox
from headway.infra.db.tables.notifications import WAITING, channels, notices
from headway.infra.db.tables.previews import previews
from headway.infra.db.tables.projects import projects
from headway.infra.db.tables.schedules import schedules
from headway.infra.db.tables.services import services as services_table
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c = channels.c
_n = notices.c
_NO_FAILURES = (".done", ".started", ".cancelled", ".superseded")
_MOST_DUE = 1_000
_OLD_NEWS = "Headway was restored from a backup in which this waited. It is old news, and was not sent."
_NOTICE = tuple(column for column in _n if column.name != "sameness")


def add(tx: Tx, channel: Channel, vault: Vault) -> None:
    """Adds a channel."""
    tx.execute(insert(channels).values({**asdict(channel), "target": vault.seal(asdict(channel.target))}))


def replace_with(tx: Tx, channel: Channel, vault: Vault) -> None:
    """Writes a channel anew."""
    values = {**asdict(channel), "target": vault.seal(asdict(channel.target))}
    tx.execute(update(channels).where(_c.channel_id == channel.channel_id).values(values))


def remove(tx: Tx, channel_id: str) -> None:
    """Removes a channel with all that was told on it."""
    tx.execute(delete(notices).where(_n.channel_id == channel_id))
    tx.execute(delete(channels).where(_c.channel_id == channel_id))


def find(tx: Tx, channel_id: str, vault: Vault) -> Channel:
    """The channel with this id. Raises Missing."""
    row = tx.execute(select(channels).where(_c.channel_id == channel_id)).one_or_none()
    if row is None:
        raise Missing(Noun.NOTIFICATION)
    return _channel(row, vault)


def find_unopened(tx: Tx, channel_id: str) -> Channel | None:
    """The same, without where it leads; None where there is none any more."""
    row = tx.execute(select(channels).where(_c.channel_id == channel_id)).one_or_none()
    return None if row is None else _bare(row)


def find_to_tell(tx: Tx, channel_id: str, vault: Vault) -> Channel:
    """The channel, to be told on: where it may lead now is in it. Raises Missing."""
    found = find(tx, channel_id, vault)
    guarded = is_guarded(tx, found.organization_id, found.target.guarded)
    return replace(found, target=replace(found.target, guarded=guarded))


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Channel]:
    """An organisation's channels, the oldest first."""
    mine = select(channels).where(_c.organization_id == organization_id).order_by(_c.created_at, _c.channel_id)
    return [_channel(row, vault) for row in tx.execute(mine)]


def count_of(tx: Tx, organization_id: str) -> int:
    """How many channels an organisation has."""
    return int(tx.scalar(select(func.count()).where(_c.organization_id == organization_id)) or 0)


def every_unopened(tx: Tx) -> list[Channel]:
    """All channels, without where they lead: one that cannot be opened is still one that wants to be told."""
    return [_bare(row) for row in tx.execute(select(channels))]


def set_failing(tx: Tx, channel_id: str, error: str | None) -> None:
    """Since when a channel fails, and how last; None: it does not."""
    since = None if error is None else func.coalesce(_c.failing_since, literal(tx.now, _c.failing_since.type))
    mine = update(channels).where(_c.channel_id == channel_id)
    tx.execute(mine.values(failing_since=since, last_error=error))


# The outbox: what was written with the transactions of those to whom it happened.


def written(tx: Tx, limit: int, *, but: Collection[int] = ()) -> list[Row[Any]]:
    """The oldest rows of the outbox ``but`` for these."""
    others = select(outbox).where(outbox.c.seq.not_in(but)) if but else select(outbox)
    return list(tx.execute(others.order_by(outbox.c.seq).limit(limit)))


def written_as(tx: Tx, seq: int) -> list[Row[Any]]:
    """The row of the outbox of that number, if it is still there."""
    return list(tx.execute(select(outbox).where(outbox.c.seq == seq)))


def strike_out(tx: Tx, seqs: Sequence[int]) -> None:
    """These were handed out."""
    tx.execute(delete(outbox).where(outbox.c.seq.in_(seqs)))


def services_of(tx: Tx, subject_id: str) -> list[str]:
    """What a thing happened to, and the service that this is a preview, a backup or a schedule of."""
    owners = (
        select(previews.c.service_id).where(previews.c.preview_id == subject_id),
        select(schedules.c.target_id).where(schedules.c.schedule_id == subject_id),
        select(backups.c.service_id).where(backups.c.backup_id == subject_id),
        select(volume_backups.c.service_id).where(volume_backups.c.volume_backup_id == subject_id),
    )
    return [subject_id, *(each for (each,) in tx.execute(union_all(*owners)) if each is not None)]


def names_of(tx: Tx, services: Sequence[str], project_id: str | None) -> tuple[str | None, str | None]:
    """(name of the service, name of the project) as far as there are such."""
    s = services_table.c
    named = select(s.service_id, s.name).where(s.service_id.in_(services))
    names: dict[str, str] = {row.service_id: row.name for row in tx.execute(named)}
    project = tx.scalar(select(projects.c.name).where(projects.c.project_id == project_id)) if project_id else None
    return next((names[each] for each in services if each in names), None), project


# Notices.


def add_notice(tx: Tx, notice: Notice, sameness: str) -> None:
    """Adds a notice."""
    values = asdict(notice)
    values.pop("seq")
    tx.execute(insert(notices).values({**values, "payload": dict(notice.payload), "sameness": sameness}))


def told_since(tx: Tx, channel_id: str, sameness: str, since: datetime) -> bool:
    """Whether the same was told on this channel since then, or is about to be."""
    mine = (_n.channel_id == channel_id, _n.sameness == sameness, _n.state != NoticeState.QUIET)
    told = _n.created_at.between(since, tx.now)  # what is of later is of a clock that was ahead
    return tx.execute(select(_n.seq).where(*mine, told).limit(1)).first() is not None


def kept_quiet(tx: Tx, channel_id: str, sameness: str) -> int:
    """How often the same was kept quiet since it was told last."""
    mine = (_n.channel_id == channel_id, _n.sameness == sameness)
    last = select(func.max(_n.seq)).where(*mine, _n.state != NoticeState.QUIET).scalar_subquery()
    counted = select(func.count()).where(*mine, _n.state == NoticeState.QUIET, _n.seq > func.coalesce(last, 0))
    return int(tx.scalar(counted) or 0)


def due(tx: Tx, most: int, *, but: Collection[str] = ()) -> list[Due]:
    """What is to be told now: of each channel and thing the oldest that waits, so that news come in their order; the
    oldest so many of each organisation, ``but`` for these.
    """
    earlier = notices.alias()
    first = ~exists().where(
        and_(
            earlier.c.channel_id == _n.channel_id,
            earlier.c.about == _n.about,
            earlier.c.seq < _n.seq,
            earlier.c.state == NoticeState.WAITING,
        )
    )
    whose = func.row_number().over(partition_by=_c.organization_id, order_by=_n.seq).label("turn")
    mine = select(_n.seq, _c.organization_id, whose).join_from(notices, channels)
    # Nothing waits for longer than that: where it seems so, the clock was ahead when it was written down.
    is_due = or_(_n.due_at <= tx.now, _n.attempts == 0, _n.due_at > tx.now + LONGEST_WAIT)
    ready = mine.where(WAITING, is_due, first, _n.notice_id.not_in(but)).subquery()
    asked = select(*_NOTICE, ready.c.organization_id).join(ready, ready.c.seq == _n.seq)
    found = tx.execute(asked.where(ready.c.turn <= most).order_by(ready.c.turn, _n.seq).limit(_MOST_DUE))
    return [Due(notice=_notice(row, "organization_id"), organization_id=row.organization_id) for row in found]


def settle(tx: Tx, notice: Notice, **values: Any) -> bool:  # noqa: ANN401 - column values
    """Writes what became of an attempt; False where somebody else has settled it."""
    mine = (_n.notice_id == notice.notice_id, _n.attempts == notice.attempts)
    return tx.execute(update(notices).where(*mine).values(attempts=notice.attempts + 1, **values)).rowcount == 1


def wait_again(tx: Tx, notice_id: str) -> None:
    """It is told again, as if it were new."""
    values = {"state": NoticeState.WAITING, "attempts": 0, "due_at": tx.now, "last_error": None}
    tx.execute(update(notices).where(_n.notice_id == notice_id).values(values))


def give_up_waiting(tx: Tx) -> int:
    """Has nothing told any more of what waits, in a database that was put back from a copy, and gives how much that
    was: it is old, and the panel of the copy has told it. The schema may be one of before there were channels.
    """
    if not inspect(tx.connection).has_table(channels.name):
        return 0
    is_heard = tx.execute(select(_c.channel_id).limit(1)).first() is not None
    happened = tx.execute(delete(outbox)).rowcount
    given_up = tx.execute(update(notices).where(WAITING).values(state=NoticeState.FAILED, last_error=_OLD_NEWS))
    return given_up.rowcount + (happened if is_heard else 0)


def notice(tx: Tx, notice_id: str) -> Notice:
    """The notice with this id. Raises Missing."""
    row = tx.execute(select(*_NOTICE).where(_n.notice_id == notice_id)).one_or_none()
    if row is None:
        raise Missing(Noun.NOTIFICATION)
    return _notice(row)


def page(tx: Tx, channel_id: str, *, state: NoticeState | None, before: int | None, limit: int) -> list[Notice]:
    """What is told on a channel, the newest first, older than the one with the number ``before``."""
    mine = [_n.channel_id == channel_id]
    mine += [] if state is None else [_n.state == state]
    mine += [] if before is None else [_n.seq < before]
    return [_notice(row) for row in tx.execute(select(*_NOTICE).where(*mine).order_by(_n.seq.desc()).limit(limit))]


def forget_old(tx: Tx, before: datetime) -> None:
    """Removes what was told before that, and does not wait."""
    tx.execute(delete(notices).where(_n.created_at < before, _n.state != NoticeState.WAITING))


def happening_of(tx: Tx, row: Row[Any]) -> Happening:
    """What a row of the outbox tells of, with the names that things have."""
    subject_id = row.payload.get("subjectId")
    services = [] if subject_id is None else services_of(tx, subject_id)
    name, project = names_of(tx, services, row.payload.get("projectId"))
    payload = {**row.payload, "subjectName": name, "projectName": project}
    whose = subject_id or payload.get("channelId") or payload.get("serverId") or payload.get("loop")
    same = f"{row.topic}\n{whose}\n{payload.get('errorMessage')}"
    return Happening(
        event=row.topic,
        about=str(payload.get("deploymentId") or payload.get("channelId") or row.topic),
        organization_id=payload.get("organizationId"),
        project_id=payload.get("projectId"),
        services=frozenset(services),
        payload=payload,
        sameness="" if row.topic.endswith(_NO_FAILURES) else hashlib.sha256(same.encode()).hexdigest(),
    )


def _channel(row: Row[Any], vault: Vault) -> Channel:
    return replace(_bare(row), target=ChannelTarget(**vault.open(row.target)))


def _bare(row: Row[Any]) -> Channel:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Channel(**{**values, "target": NOWHERE})


def _notice(row: Row[Any], *but: str) -> Notice:
    values = {name: value for name, value in row._mapping.items() if name not in but}  # noqa: SLF001 - as above
    return Notice(**{**values, "state": NoticeState(values["state"])})
