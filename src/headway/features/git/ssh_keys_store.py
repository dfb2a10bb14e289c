"""Reads and writes of ssh keys; the private part is sealed before it comes here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.features.git.ssh_keys_model import SshKey
from headway.infra.db.tables.ssh_keys import ssh_keys
from headway.infra.db.transaction import Tx

_c = ssh_keys.c
_PUBLIC_COLUMNS = tuple(column for column in _c if column.name != "private_key")


def find(tx: Tx, ssh_key_id: str) -> SshKey:
    """The key with this id, without its private part. Raises Missing."""
    row = tx.execute(select(*_PUBLIC_COLUMNS).where(_c.ssh_key_id == ssh_key_id)).one_or_none()
    if row is None:
        raise Missing(Noun.SSH_KEY)
    return _record(row)


def of_organization(tx: Tx, organization_id: str) -> list[SshKey]:
    """An organisation's keys, newest first."""
    rows = tx.execute(
        select(*_PUBLIC_COLUMNS)
        .where(_c.organization_id == organization_id)
        .order_by(_c.created_at.desc(), _c.ssh_key_id)
    )
    return [_record(row) for row in rows]


def add(tx: Tx, key: SshKey, sealed_private_key: str) -> None:
    """Writes a new key."""
    tx.execute(
        insert(ssh_keys).values(
            ssh_key_id=key.ssh_key_id,
            organization_id=key.organization_id,
            name=key.name,
            description=key.description,
            public_key=key.public_key,
            private_key=sealed_private_key,
            created_at=key.created_at,
        )
    )


def change(tx: Tx, ssh_key_id: str, *, name: str | None, description: str | None) -> None:
    """Writes what is given; None leaves a field as it is."""
    changes = {key: value for key, value in {"name": name, "description": description}.items() if value is not None}
    if changes:
        tx.execute(update(ssh_keys).where(_c.ssh_key_id == ssh_key_id).values(**changes))


def remove(tx: Tx, ssh_key_id: str) -> None:
    """Deletes a key."""
    tx.execute(delete(ssh_keys).where(_c.ssh_key_id == ssh_key_id))


def sealed_private_key(tx: Tx, ssh_key_id: str, organization_id: str) -> str:
    """The sealed private part of an organisation's key. Raises Missing."""
    sealed: str | None = tx.scalar(
        select(_c.private_key).where(_c.ssh_key_id == ssh_key_id, _c.organization_id == organization_id)
    )
    if sealed is None:
        raise Missing(Noun.SSH_KEY)
    return sealed


def sealed_private_keys(tx: Tx, ssh_key_ids: Collection[str]) -> dict[tuple[str, str], str]:
    """The sealed private parts of several keys, by their id and organisation."""
    rows = tx.execute(
        select(_c.ssh_key_id, _c.organization_id, _c.private_key).where(_c.ssh_key_id.in_(list(ssh_key_ids)))
    )
    return {(row.ssh_key_id, row.organization_id): row.private_key for row in rows}


def _record(row: Row[Any]) -> SshKey:
    return SshKey(
        ssh_key_id=row.ssh_key_id,
        organization_id=row.organization_id,
        name=row.name,
        description=row.description,
        public_key=row.public_key,
        created_at=row.created_at,
    )
