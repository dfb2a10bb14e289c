"""Calls that start their work once, however often they are sent: what the first one with a key has started is kept."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, insert, select

from headway.core.access.model import Actor
from headway.infra.db.tables.idempotency import idempotency_keys
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, Unprocessable

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255

_c = idempotency_keys.c


class NoKey(InvalidInput):
    """What was given as a key cannot be one."""

    def __init__(self) -> None:
        super().__init__(f"An Idempotency-Key is 1 to {LONGEST_KEY} printable ASCII characters, for instance a UUID.")


class KeyReused(Unprocessable):
    """The key stands for another call already."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key {key!r} was used for another call within the last 24 hours; "
            "send the call that it was first sent with, or a new key."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A call as it is told from others: the caller's key, which belongs to that caller alone, the call's position in a
    batch that has one key, and a fingerprint of what is called with what.
    """

    organization_id: str
    user_id: str
    key: str
    position: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The deployment that a call has started; ``again`` tells that an earlier one with the same key did."""

    deployment_id: str
    again: bool = False


def once(actor: Actor, key: str, procedure: str, given: bytes, position: int = 0) -> Once:
    """A call by its key. ``given`` is its input, written the same way for the same values. Raises NoKey."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise NoKey
    return Once(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        key=key,
        position=position,
        fingerprint=hashlib.sha256(b"%s\n%s" % (procedure.encode(), given)).hexdigest(),
    )


def started_by(tx: Tx, call: Once) -> str | None:
    """What the first call with this key has started, None when this is the first. Until the transaction ends nobody
    else looks under this key. Raises KeyReused.
    """
    tx.lock(f"once.{call.organization_id}.{call.user_id}.{call.key}")
    row = tx.execute(
        select(_c.fingerprint, _c.deployment_id).where(*_of(call), _c.created_at > tx.now - KEPT_FOR)
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != call.fingerprint:
        raise KeyReused(call.key)
    deployment_id: str = row.deployment_id
    return deployment_id


def keep(tx: Tx, call: Once, deployment_id: str) -> None:
    """Keeps what the first call with this key has started, with the commit of that very work."""
    tx.execute(delete(idempotency_keys).where(*_of(call)))  # one that is too old to count
    tx.execute(
        insert(idempotency_keys).values(
            organization_id=call.organization_id,
            user_id=call.user_id,
            key=call.key,
            position=call.position,
            fingerprint=call.fingerprint,
            deployment_id=deployment_id,
            created_at=tx.now,
        )
    )


def forget_old(tx: Tx) -> None:
    """Removes the keys that do not count any more."""
    tx.execute(delete(idempotency_keys).where(_c.created_at <= tx.now - KEPT_FOR))


def _of(call: Once) -> tuple[ColumnElement[bool], ...]:
    return (
        _c.organization_id == call.organization_id,
        _c.user_id == call.user_id,
        _c.key == call.key,
        _c.position == call.position,
    )
