"""The numbers of accounts: each is given once, and never again."""

from __future__ import annotations

from sqlalchemy import insert, select

from headway.infra.db.tables.services import accounts
from headway.infra.db.transaction import Tx

_c = accounts.c


def new(tx: Tx, owner: str) -> int:
    """A number that was never given before."""
    key = tx.execute(insert(accounts).values(owner=owner)).inserted_primary_key
    if key is None:  # both databases give it
        msg = "the database gave no number"
        raise AssertionError(msg)
    return int(key[0])


def new_of_git(tx: Tx, service_id: str) -> int:
    """The number of the account that git has for a service: it reads no other's mirror."""
    return new(tx, _git(service_id))


def of_git(tx: Tx, service_id: str) -> int:
    """The one that a service was given."""
    found: int | None = tx.scalar(select(_c.number).where(_c.owner == _git(service_id)))
    if found is None:
        msg = f"git has no account for {service_id}"
        raise AssertionError(msg)
    return found


def _git(service_id: str) -> str:
    return f"git {service_id}"
