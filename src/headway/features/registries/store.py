"""Reads and writes of registries; the password is sealed before it comes here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.features.registries.model import Registry
from headway.infra.db.tables.registries import registries
from headway.infra.db.transaction import Tx

_c = registries.c
_SHOWN_COLUMNS = tuple(column for column in _c if column.name != "password")


def find(tx: Tx, registry_id: str) -> Registry:
    """The registry with this id, without its password. Raises Missing."""
    row = tx.execute(select(*_SHOWN_COLUMNS).where(_c.registry_id == registry_id)).one_or_none()
    if row is None:
        raise Missing(Noun.REGISTRY)
    return _record(row)


def of_organization(tx: Tx, organization_id: str) -> list[Registry]:
    """An organisation's registries, newest first."""
    mine = select(*_SHOWN_COLUMNS).where(_c.organization_id == organization_id)
    return [_record(row) for row in tx.execute(mine.order_by(_c.created_at.desc(), _c.registry_id))]


def add(tx: Tx, registry: Registry, sealed_password: str) -> None:
    """Writes a new registry."""
    tx.execute(
        insert(registries).values(
            registry_id=registry.registry_id,
            organization_id=registry.organization_id,
            name=registry.name,
            url=registry.url,
            image_prefix=registry.image_prefix,
            username=registry.username,
            password=sealed_password,
            guarded=registry.guarded,
            created_at=registry.created_at,
        )
    )


def set_fields(tx: Tx, registry_id: str, **fields: str | bool | None) -> None:
    """Writes columns of one registry."""
    if fields:
        tx.execute(update(registries).where(_c.registry_id == registry_id).values(**fields))


def remove(tx: Tx, registry_id: str) -> None:
    """Deletes a registry."""
    tx.execute(delete(registries).where(_c.registry_id == registry_id))


def sealed_password(tx: Tx, registry_id: str, organization_id: str) -> str:
    """The sealed password of an organisation's registry. Raises Missing."""
    sealed: str | None = tx.scalar(
        select(_c.password).where(_c.registry_id == registry_id, _c.organization_id == organization_id)
    )
    if sealed is None:
        raise Missing(Noun.REGISTRY)
    return sealed


def _record(row: Row[Any]) -> Registry:
    return Registry(
        registry_id=row.registry_id,
        organization_id=row.organization_id,
        name=row.name,
        url=row.url,
        image_prefix=row.image_prefix,
        username=row.username,
        guarded=row.guarded,
        created_at=row.created_at,
    )
