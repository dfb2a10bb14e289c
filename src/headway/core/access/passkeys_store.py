"""Reads and writes of passkeys."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from headway.core.access.passkeys import NewCredential, Passkey, PasskeyHost, Use
from headway.infra.db.tables.access import passkeys
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id

_c = passkeys.c


def passkeys_of(tx: Tx, user_id: str) -> list[Passkey]:
    """Those of somebody, the first that was made first."""
    found = select(passkeys).where(_c.user_id == user_id).order_by(_c.created_at, _c.passkey_id)
    return [Passkey(**row) for row in tx.execute(found).mappings()]


def by_credential(tx: Tx, credential_id: str) -> Passkey | None:
    """The one whose authenticator calls it so, None where there is none."""
    row = tx.execute(select(passkeys).where(_c.credential_id == credential_id)).mappings().one_or_none()
    return None if row is None else Passkey(**row)


def add(tx: Tx, user_id: str, host: PasskeyHost, name: str, made: NewCredential) -> Passkey:
    """Keeps a new one."""
    passkey = Passkey(
        passkey_id=new_id(),
        user_id=user_id,
        credential_id=made.credential_id,
        credential=made.credential,
        host=host.name,
        name=name,
        counter=made.counter,
        synced=made.synced,
        created_at=tx.now,
        last_used_at=None,
    )
    values = {column.name: getattr(passkey, column.name) for column in _c}
    tx.execute(insert(passkeys).values(**values))
    return passkey


def note_use(tx: Tx, passkey_id: str, use: Use) -> None:
    """It has just been used."""
    values = {"counter": use.counter, "synced": use.synced, "last_used_at": tx.now}
    tx.execute(update(passkeys).where(_c.passkey_id == passkey_id).values(**values))


def rename(tx: Tx, passkey_id: str, name: str) -> None:
    """Its person calls it this from now on."""
    tx.execute(update(passkeys).where(_c.passkey_id == passkey_id).values(name=name))


def remove(tx: Tx, passkey_id: str) -> None:
    """It opens nothing any more."""
    tx.execute(delete(passkeys).where(_c.passkey_id == passkey_id))


def remove_all(tx: Tx, user_id: str) -> None:
    """None of somebody's opens anything any more."""
    tx.execute(delete(passkeys).where(_c.user_id == user_id))
