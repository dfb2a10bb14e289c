"""Deliveries and their payloads in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, exists, func, insert, select, update

from headway.core.access.policy import Missing, Noun, Visibility
from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.status import Status
from headway.drivers.forges.events import sender_of
from headway.features.webhooks.model import Delivery, HookOutcome, Outcome, Wanted
from headway.features.webhooks.parser import Signature
from headway.infra.db.tables.deployments import PENDING, deployments
from headway.infra.db.tables.hooks import hook_addresses, hook_deliveries, hook_payloads
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx

_c = hook_deliveries.c
_p = hook_payloads.c
_s = services.c
_COLUMNS = tuple(column for column in _c if column.name != "once_key")
_INSERT = insert(hook_deliveries)
_INSERT_PAYLOAD = insert(hook_payloads)
_OF_KEY = select(*_COLUMNS).where(
    _c.subject_type == bindparam("subject_type"),
    _c.subject_id == bindparam("subject_id"),
    _c.once_key == bindparam("once_key"),
)
_AT_A_TIME = 500
_LARGE_BYTES = 256 << 10


def find(tx: Tx, delivery_id: str) -> Delivery:
    """The delivery with this id. Raises Missing."""
    row = tx.execute(select(*_COLUMNS).where(_c.delivery_id == delivery_id)).one_or_none()
    if row is None:
        raise Missing(Noun.DELIVERY)
    return _delivery(row)


def came_before(tx: Tx, subject_type: SubjectType, subject_id: str, once_key: str) -> Delivery | None:
    """The delivery that this one repeats; until the transaction ends nobody else looks under this key."""
    tx.lock(f"hooks.{subject_id}.{once_key}")
    row = tx.execute(
        _OF_KEY, {"subject_type": subject_type, "subject_id": subject_id, "once_key": once_key}
    ).one_or_none()
    return None if row is None else _delivery(row)


def count_repeat(tx: Tx, delivery_id: str) -> None:
    """It has come again."""
    tx.execute(update(hook_deliveries).where(_c.delivery_id == delivery_id).values(repeats=_c.repeats + 1))


def add(
    tx: Tx,
    delivery: Delivery,
    *,
    once_key: str | None,
    headers: Mapping[str, str],
    packed: bytes,
    most_bytes: int,
) -> None:
    """Keeps a delivery with its payload; of the service's payloads the oldest go that have no room left."""
    values = asdict(delivery)
    values.pop("seq")
    values["services"] = [each.dump() for each in delivery.services]
    tx.execute(_INSERT, {**values, "once_key": once_key})
    mine = {"subject_type": delivery.subject_type, "subject_id": delivery.subject_id}
    tx.execute(
        _INSERT_PAYLOAD,
        {
            "delivery_id": delivery.delivery_id,
            **mine,
            "headers": dict(headers),
            "body": packed,
            "bytes": len(packed),
        },
    )
    if len(packed) > _LARGE_BYTES:  # many of these would fill a disk before anybody looks
        _trim(tx, most_bytes, _p.subject_type == delivery.subject_type, _p.subject_id == delivery.subject_id)


def payload_of(tx: Tx, delivery_id: str) -> tuple[dict[str, str], bytes] | None:
    """Headers and packed body of a delivery; None where they are not kept any more."""
    row = tx.execute(select(_p.headers, _p.body).where(_p.delivery_id == delivery_id)).one_or_none()
    return None if row is None else (row.headers, row.body)


def page(
    tx: Tx, subject_type: SubjectType, subject_id: str, *, outcome: Outcome | None, before: int | None, limit: int
) -> list[Delivery]:
    """A service's deliveries, the newest first, those older than the one that has the number ``before``."""
    mine = [_c.subject_type == subject_type, _c.subject_id == subject_id]
    mine += [] if outcome is None else [_c.outcome == outcome]
    mine += [] if before is None else [_c.seq < before]
    rows = tx.execute(select(*_COLUMNS).where(*mine).order_by(_c.seq.desc()).limit(limit))
    return [_delivery(row) for row in rows]


def search(
    tx: Tx, organization_id: str, reach: Visibility, wanted: Wanted, *, before: int | None, limit: int
) -> list[Delivery]:
    """The deliveries of an organisation's services as far as the reach goes, the newest first, those older than the one
    that has the number ``before``.
    """
    seen = [_s.service_id == _c.subject_id, _s.kind == _c.subject_type, _s.organization_id == organization_id]
    if not reach.everything:
        seen.append(_s.project_id.in_(reach.projects) | _s.service_id.in_(reach.services))
    if reach.within is not None:
        seen.append(_s.project_id.in_(reach.within))
    mine = [_c.organization_id == organization_id, exists().where(*seen)]
    if wanted.subject is not None:
        mine += [_c.subject_type == wanted.subject[0], _c.subject_id == wanted.subject[1]]
    mine += [] if wanted.outcome is None else [_c.outcome == wanted.outcome]
    mine += [] if wanted.since is None else [_c.created_at >= wanted.since]
    mine += [] if wanted.until is None else [_c.created_at < wanted.until]
    mine += [] if before is None else [_c.seq < before]
    rows = tx.execute(select(*_COLUMNS).where(*mine).order_by(_c.seq.desc()).limit(limit))
    return [_delivery(row) for row in rows]


def waiting_of_track(tx: Tx, subject_type: SubjectType, subject_id: str, track: str) -> list[str]:
    """The waiting deployments that earlier pushes of the same branch, tag or image have queued."""
    d = deployments.c
    mine = (d.subject_type == subject_type, d.subject_id == subject_id, d.trigger == Trigger.WEBHOOK)
    rows = tx.execute(select(d.deployment_id, d.input).where(PENDING, *mine).order_by(d.seq))
    return [row.deployment_id for row in rows if row.input.get("track") == track]


def newest_heads(tx: Tx) -> list[tuple[SubjectType, str, str, str, str]]:
    """Of each service the last delivery that named a commit: (type, id, what it is a track of, commit, delivery)."""
    newest = select(func.max(_c.seq)).where(_c.head.is_not(None)).group_by(_c.subject_type, _c.subject_id)
    columns = (_c.subject_type, _c.subject_id, _c.track, _c.head, _c.delivery_id)
    rows = tx.execute(select(*columns).where(_c.seq.in_(newest), _c.track.is_not(None)).order_by(_c.seq)).all()
    return [(SubjectType(row.subject_type), row.subject_id, row.track, row.head, row.delivery_id) for row in rows]


def deploys_already(tx: Tx, subject_type: SubjectType, subject_id: str, track: str, head: str) -> str | None:
    """The deployment that the newest push of this track has queued, where it was of this very commit and has not ended
    in an error.
    """
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id, _c.outcome == Outcome.QUEUED)
    newest = select(_c.head, _c.services).where(*mine, _c.track == track).order_by(_c.seq.desc()).limit(1)
    row = tx.execute(newest).one_or_none()
    if row is None or row.head != head:
        return None
    d = deployments.c
    wanted = (d.deployment_id == row.services[0]["deployment_id"], d.status != Status.ERROR)
    found: str | None = tx.scalar(select(d.deployment_id).where(*wanted))
    return found


def forget_old(tx: Tx, before: datetime, most_bytes: int) -> bool:
    """Removes deliveries that are older, those of services that are gone, and of each service the oldest payloads that
    do not fit into ``most_bytes``. Whether there may be more of them.
    """
    gone = ~exists().where(
        and_(hook_addresses.c.subject_type == _c.subject_type, hook_addresses.c.subject_id == _c.subject_id)
    )
    chosen = select(_c.delivery_id).where((_c.created_at < before) | gone).order_by(_c.seq).limit(_AT_A_TIME)
    old = list(tx.execute(chosen).scalars())
    _remove(tx, old)
    return len(old) == _AT_A_TIME or _trim(tx, most_bytes)


def _trim(tx: Tx, most_bytes: int, *of_service: ColumnElement[bool]) -> bool:
    """Removes the oldest payloads that do not fit; whether there may be more of them."""
    more = False
    total = func.sum(_p.bytes)
    grouped = (
        select(_p.subject_type, _p.subject_id, total.label("total"))
        .where(*of_service)
        .group_by(_p.subject_type, _p.subject_id)
    )
    for row in tx.execute(grouped.having(total > most_bytes)).mappings().all():
        left = int(row["total"])
        mine = (_p.subject_type == row["subject_type"], _p.subject_id == row["subject_id"])
        joined = select(_p.delivery_id, _p.bytes).join(hook_deliveries, _c.delivery_id == _p.delivery_id)
        goes: list[str] = []
        for oldest in tx.execute(joined.where(*mine).order_by(_c.seq).limit(_AT_A_TIME)).mappings():
            if left <= most_bytes:
                break
            goes.append(oldest["delivery_id"])
            left -= oldest["bytes"]
        tx.execute(delete(hook_payloads).where(_p.delivery_id.in_(goes)))
        more = more or left > most_bytes
    return more


def _remove(tx: Tx, delivery_ids: Sequence[str]) -> None:
    for table in (hook_payloads, hook_deliveries):
        tx.execute(delete(table).where(table.c.delivery_id.in_(delivery_ids)))


def _delivery(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["subject_type"] = SubjectType(values["subject_type"])
    values["sender"] = sender_of(values["sender"])
    values["signature"] = Signature(values["signature"])
    values["outcome"] = Outcome(values["outcome"])
    values["services"] = tuple(HookOutcome.load(each) for each in values["services"])
    return Delivery(**values)
