"""Reads and writes of git providers; their secrets are sealed before they come here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.drivers.forges.base import ForgeName
from headway.features.git.providers_model import GitProvider
from headway.infra.db.tables.git_providers import git_providers
from headway.infra.db.transaction import Tx

_c = git_providers.c
_SHOWN_COLUMNS = tuple(column for column in _c if column.name != "secrets")


def find(tx: Tx, provider_id: str) -> GitProvider:
    """The provider with this id, without its secrets. Raises Missing."""
    row = tx.execute(select(*_SHOWN_COLUMNS).where(_c.provider_id == provider_id)).one_or_none()
    if row is None:
        raise Missing(Noun.GIT_PROVIDER)
    return _record(row)


def of_organization(tx: Tx, organization_id: str) -> list[GitProvider]:
    """An organisation's providers, newest first."""
    mine = select(*_SHOWN_COLUMNS).where(_c.organization_id == organization_id)
    return [_record(row) for row in tx.execute(mine.order_by(_c.created_at.desc(), _c.provider_id))]


def of_forge(tx: Tx, forge: ForgeName) -> list[GitProvider]:
    """Every provider of a forge, of whomever."""
    return [_record(row) for row in tx.execute(select(*_SHOWN_COLUMNS).where(_c.forge == forge))]


def sealed_secrets(tx: Tx, provider_id: str) -> str:
    """What is sealed of a provider. Raises Missing."""
    sealed: str | None = tx.scalar(select(_c.secrets).where(_c.provider_id == provider_id))
    if sealed is None:
        raise Missing(Noun.GIT_PROVIDER)
    return sealed


def add(tx: Tx, provider: GitProvider, sealed: str) -> None:
    """Writes a new provider."""
    tx.execute(insert(git_providers).values(**_values(provider), secrets=sealed))


def change(tx: Tx, provider: GitProvider, sealed: str) -> None:
    """Writes all of an existing one."""
    mine = update(git_providers).where(_c.provider_id == provider.provider_id)
    tx.execute(mine.values(**_values(provider), secrets=sealed))


def remove(tx: Tx, provider_id: str) -> None:
    """Deletes a provider."""
    tx.execute(delete(git_providers).where(_c.provider_id == provider_id))


def _values(provider: GitProvider) -> dict[str, Any]:
    return {
        "provider_id": provider.provider_id,
        "organization_id": provider.organization_id,
        "forge": provider.forge,
        "name": provider.name,
        "url": provider.url,
        "api_url": provider.api_url,
        "facts": dict(provider.facts),
        "has": sorted(provider.has),
        "created_by": provider.created_by,
        "created_at": provider.created_at,
        "shared": provider.shared,
        "guarded": provider.guarded,
    }


def _record(row: Row[Any]) -> GitProvider:
    return GitProvider(
        provider_id=row.provider_id,
        organization_id=row.organization_id,
        forge=ForgeName(row.forge),
        name=row.name,
        url=row.url,
        api_url=row.api_url,
        facts=row.facts,
        has=frozenset(row.has),
        created_by=row.created_by,
        created_at=row.created_at,
        shared=row.shared,
        guarded=row.guarded,
    )
