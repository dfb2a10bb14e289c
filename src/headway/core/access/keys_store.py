"""Reads and writes of API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update

from headway.core.access.model import ApiKey, Role
from headway.core.access.store import terms_of
from headway.infra.db.tables.access import api_keys, members
from headway.infra.db.transaction import Tx

_c = api_keys.c
_SHOWN = select(
    *(column for column in _c if column.name != "digest"),
    members.c.role,
).join(members, (members.c.user_id == _c.user_id) & (members.c.organization_id == _c.organization_id))


def find_key(tx: Tx, api_key_id: str) -> ApiKey | None:
    """The key, None when there is none."""
    row = tx.execute(_SHOWN.where(_c.api_key_id == api_key_id)).one_or_none()
    return None if row is None else _key(row)


def keys_of(tx: Tx, organization_id: str, user_id: str | None = None) -> list[ApiKey]:
    """An organisation's keys, the newest first; with a user those of that user only."""
    where: list[ColumnElement[bool]] = [_c.organization_id == organization_id]
    if user_id is not None:
        where.append(_c.user_id == user_id)
    found = tx.execute(_SHOWN.where(*where).order_by(_c.created_at.desc(), _c.api_key_id))
    return [_key(row) for row in found]


def change_key(tx: Tx, api_key_id: str, **fields: Any) -> None:  # noqa: ANN401 - values of columns
    """Sets columns of a key."""
    tx.execute(update(api_keys).where(_c.api_key_id == api_key_id).values(**fields))


def remove_key(tx: Tx, api_key_id: str) -> None:
    """The key is no more."""
    tx.execute(delete(api_keys).where(_c.api_key_id == api_key_id))


def save_uses(tx: Tx, uses: Mapping[str, datetime]) -> None:
    """Keeps when keys were last used; what another panel saw later stays."""
    for api_key_id, at in uses.items():
        later = or_(_c.last_used_at.is_(None), _c.last_used_at < at)
        tx.execute(update(api_keys).where(_c.api_key_id == api_key_id, later).values(last_used_at=at))


def _key(row: Any) -> ApiKey:  # noqa: ANN401 - a row of _SHOWN
    return ApiKey(
        api_key_id=row.api_key_id,
        name=row.name,
        prefix=row.prefix,
        start=row.start,
        user_id=row.user_id,
        organization_id=row.organization_id,
        role=Role.of(row.role),
        terms=terms_of(row),
        enabled=row.disabled_at is None,
        last_used_at=row.last_used_at,
        created_at=row.created_at,
    )
