"""The addresses at which services are told of pushes: each ends in a token that is known by its digest."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import bindparam, delete, insert, select, update

from headway.core.deployments.model import SubjectType
from headway.infra.db.tables.hooks import hook_addresses
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c = hook_addresses.c
_BYTES = 24
_AT = (_c.subject_type == bindparam("subject_type"), _c.digest == bindparam("digest"))
_BY_DIGEST = select(_c.subject_id).where(*_AT)
_WHOSE = select(services.c.organization_id).join(hook_addresses, _c.subject_id == services.c.service_id).where(*_AT)


def add(tx: Tx, vault: Vault, subject_type: SubjectType, subject_id: str) -> None:
    """Gives a new service its address."""
    tx.execute(insert(hook_addresses).values(subject_type=subject_type, subject_id=subject_id, **_new(tx, vault)))


def renew(tx: Tx, vault: Vault, subject_type: SubjectType, subject_id: str, token: str | None = None) -> None:
    """Gives a service another address, with this token where one is given; the one before leads nowhere from now on.
    Raises IntegrityError where another service has that token.
    """
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id)
    tx.execute(update(hook_addresses).where(*mine).values(**_new(tx, vault, token)))


def token_of(tx: Tx, vault: Vault, subject_type: SubjectType, subject_id: str) -> str | None:
    """What the address of a service ends in; None where it has none yet."""
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id)
    sealed = tx.scalar(select(_c.token).where(*mine))
    return None if sealed is None else str(vault.open(sealed))


def service_at(tx: Tx, subject_type: SubjectType, token: str) -> str | None:
    """The service of this type that is told at the address which ends so."""
    found: str | None = tx.scalar(_BY_DIGEST, {"subject_type": subject_type, "digest": _digest(token)})
    return found


def organization_at(tx: Tx, subject_type: SubjectType, token: str) -> str | None:
    """Whose organisation's that service is."""
    found: str | None = tx.scalar(_WHOSE, {"subject_type": subject_type, "digest": _digest(token)})
    return found


def forget(tx: Tx, subject_type: SubjectType, subject_id: str) -> None:
    """The service is gone, and its address with it."""
    tx.execute(delete(hook_addresses).where(_c.subject_type == subject_type, _c.subject_id == subject_id))


def add_missing(tx: Tx, vault: Vault) -> None:
    """Gives one to every service that was made before there were any."""
    for subject_type in (SubjectType.APPLICATION, SubjectType.COMPOSE):
        known = select(_c.subject_id).where(_c.subject_type == subject_type)
        mine = (services.c.kind == subject_type, services.c.preview_of.is_(None))
        missing = select(services.c.service_id).where(*mine, services.c.service_id.not_in(known))
        for subject_id in tx.execute(missing).scalars().all():
            add(tx, vault, subject_type, subject_id)


def _new(tx: Tx, vault: Vault, token: str | None = None) -> dict[str, object]:
    token = token or secrets.token_urlsafe(_BYTES)
    return {"digest": _digest(token), "token": vault.seal(token), "created_at": tx.now}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
