"""What the compose services of one organisation run on one host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from headway.core.access.machine_store import has_machine
from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.runtimes.compose import memory
from headway.features.services import releases_store
from headway.features.services.compose.model import Record
from headway.features.services.model import COMPOSES
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c, _r = services.c, releases.c


def files_beside(tx: Tx, compose_id: str, vault: Vault) -> list[Mapping[str, Any]] | None:
    """The files that serve of the organisation's other compose services on the same host; None for one that has
    the machine, as the first has.
    """
    mine = tx.execute(select(_c.organization_id, _c.host_id).where(_c.service_id == compose_id)).one()
    if has_machine(tx, mine.organization_id):
        return None
    others = releases_store.serving_on(_r.record, mine.host_id, mine.organization_id, COMPOSES, but=compose_id)
    records = tx.execute(others).scalars()
    return [Record.load(vault.open(record)).file for record in records]


def demand_of_composes(tx: Tx, organization_id: str, *, vault: Vault) -> int:
    """The memory that an organisation's compose services may take of the panel's machine, in bytes."""
    records = tx.execute(releases_store.serving_on(_r.record, LOCAL_HOST, organization_id, COMPOSES)).scalars()
    return sum(memory.demand(Record.load(vault.open(record)).file) for record in records)
