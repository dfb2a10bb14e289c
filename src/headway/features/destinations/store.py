"""Reads and writes of destinations, which are sealed at rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from headway.core.access import allowances
from headway.core.access.machine_store import is_guarded
from headway.core.access.policy import Missing, Noun
from headway.core.access.survey import Line, of_needs
from headway.features.destinations.model import Destination, StorageConfig, needs_of
from headway.infra.db.tables.backups import backups, destinations, volume_backups
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c = destinations.c
_USED = (backups.c.destination_id, volume_backups.c.destination_id)


def find(tx: Tx, destination_id: str, vault: Vault) -> Destination:
    """The destination with this id. Raises Missing."""
    row = tx.execute(select(destinations).where(_c.destination_id == destination_id)).one_or_none()
    if row is None:
        raise Missing(Noun.DESTINATION)
    return _record(row, vault)


def find_to_reach(tx: Tx, destination_id: str, vault: Vault) -> Destination:
    """The same, to be reached: where it may lead now is in it. Raises Missing."""
    found = find(tx, destination_id, vault)
    guarded = is_guarded(tx, found.organization_id, found.reach.guarded)
    return replace(found, reach=replace(found.reach, guarded=guarded))


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Destination]:
    """An organisation's destinations, newest first."""
    mine = select(destinations).where(_c.organization_id == organization_id)
    return [_record(row, vault) for row in tx.execute(mine.order_by(_c.created_at.desc(), _c.destination_id))]


def names(tx: Tx, organization_id: str) -> dict[str, str]:
    """What an organisation's destinations are called, by their ids."""
    mine = select(_c.destination_id, _c.name).where(_c.organization_id == organization_id)
    return {row.destination_id: row.name for row in tx.execute(mine)}


def add(tx: Tx, destination: Destination, vault: Vault) -> None:
    """Writes a new destination."""
    tx.execute(
        insert(destinations).values(
            destination_id=destination.destination_id,
            organization_id=destination.organization_id,
            name=destination.name,
            reach=vault.seal(destination.reach.dump()),
            created_at=destination.created_at,
            account=destination.account,
        )
    )


def change(tx: Tx, destination_id: str, name: str, reach: StorageConfig, vault: Vault) -> None:
    """Writes what a destination is called, and how it is reached."""
    values = {"name": name, "reach": vault.seal(reach.dump())}
    tx.execute(update(destinations).where(_c.destination_id == destination_id).values(**values))


def is_used(tx: Tx, destination_id: str) -> bool:
    """Whether backups go there."""
    return any(tx.execute(select(each).where(each == destination_id).limit(1)).first() for each in _USED)


def remove(tx: Tx, destination_id: str) -> None:
    """Deletes a destination."""
    allowances.forget(tx, destination_id)
    tx.execute(delete(destinations).where(_c.destination_id == destination_id))


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    for each in _every(tx, vault):
        what = f"destination {each.name} ({each.destination_id})"
        yield from of_needs(tx, each.organization_id, each.destination_id, what, needs_of(each.reach))


def adopt_all(tx: Tx, vault: Vault) -> None:
    """Writes down what was so before anybody wrote down who allowed it."""
    for each in _every(tx, vault):
        allowances.adopt(tx, each.organization_id, each.destination_id, needs_of(each.reach))


def _every(tx: Tx, vault: Vault) -> list[Destination]:
    """Those of all organisations; also in the schema of the version before, so by the names of their columns."""
    columns = (_c.destination_id, _c.organization_id, _c.name, _c.reach, _c.created_at)
    return [_record(row, vault) for row in tx.execute(select(*columns).order_by(_c.name))]


def _record(row: Row[Any], vault: Vault) -> Destination:
    return Destination(
        destination_id=row.destination_id,
        organization_id=row.organization_id,
        name=row.name,
        reach=StorageConfig.load(vault.open(row.reach)),
        created_at=row.created_at,
        account=row.account,
    )
