"""Reads and writes of organisations, users, memberships and API keys."""

from __future__ import annotations

from sqlalchemy import insert, select

from headway.core.access.model import Actor, Role
from headway.infra.db.tables.access import api_keys, members, organizations, users
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id


def actor_by_digest(tx: Tx, digest: str) -> Actor | None:
    """Whoever holds the key with this digest, None when there is no such key or its holder has left."""
    row = tx.execute(
        select(api_keys.c.api_key_id, api_keys.c.organization_id, users.c.user_id, users.c.name, members.c.role)
        .join(users, users.c.user_id == api_keys.c.user_id)
        .join(
            members,
            (members.c.user_id == api_keys.c.user_id) & (members.c.organization_id == api_keys.c.organization_id),
        )
        .where(api_keys.c.digest == digest)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Actor(
        user_id=row.user_id,
        organization_id=row.organization_id,
        role=Role.of(row.role),
        api_key_id=row.api_key_id,
        name=row.name,
    )


def first_owner(tx: Tx) -> tuple[str, str] | None:
    """(user, organisation) of the first owner, None before the first start."""
    row = tx.execute(
        select(members.c.user_id, members.c.organization_id)
        .where(members.c.role == Role.OWNER.word)
        .order_by(members.c.created_at, members.c.member_id)
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.user_id, row.organization_id)


def add_organization(tx: Tx, name: str) -> str:
    """A new organisation's id."""
    organization_id = new_id()
    tx.execute(insert(organizations).values(organization_id=organization_id, name=name, created_at=tx.now))
    return organization_id


def add_user(tx: Tx, organization_id: str, name: str, role: Role) -> str:
    """The id of a new user who belongs to the organisation."""
    user_id = new_id()
    tx.execute(insert(users).values(user_id=user_id, name=name, created_at=tx.now))
    tx.execute(
        insert(members).values(
            member_id=new_id(), organization_id=organization_id, user_id=user_id, role=role.word, created_at=tx.now
        )
    )
    return user_id


def add_key(tx: Tx, *, digest: str, name: str, user_id: str, organization_id: str) -> str:
    """The id of a new API key."""
    api_key_id = new_id()
    tx.execute(
        insert(api_keys).values(
            api_key_id=api_key_id,
            digest=digest,
            name=name,
            user_id=user_id,
            organization_id=organization_id,
            created_at=tx.now,
        )
    )
    return api_key_id


def has_key(tx: Tx, digest: str) -> bool:
    """Whether a key with this digest exists."""
    return tx.scalar(select(api_keys.c.api_key_id).where(api_keys.c.digest == digest)) is not None
