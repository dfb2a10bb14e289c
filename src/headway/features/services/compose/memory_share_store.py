"""What the compose services of one organisation run on one host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from headway.core.access.machine_store import has_machine
from headway.drivers.runtimes.compose import memory
from headway.features.services.compose.model import ComposeDesiredState, ComposeReleaseState, Record
from headway.infra.db.tables.composes import compose_releases, composes
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c, _r = composes.c, compose_releases.c


def files_beside(tx: Tx, compose_id: str, vault: Vault) -> list[Mapping[str, Any]] | None:
    """The files that serve of the organisation's other compose services on the same host; None for one that has
    the machine, as the first has.
    """
    mine = tx.execute(select(_c.organization_id, _c.host_id).where(_c.compose_id == compose_id)).one()
    if has_machine(tx, mine.organization_id):
        return None
    others = (_c.organization_id == mine.organization_id, _c.host_id == mine.host_id, _c.compose_id != compose_id)
    serve = (
        _r.compose_id == _c.compose_id,
        _r.state == ComposeReleaseState.SERVING,
        _c.wanted != ComposeDesiredState.DOWN,
    )
    records = tx.execute(select(_r.record).where(*others, *serve)).scalars()
    return [Record.load(vault.open(record)).file for record in records]


def demand_of_composes(tx: Tx, organization_id: str, host_id: str, *, vault: Vault) -> int:
    """The memory that the containers of an organisation's compose services on a host may take, in bytes."""
    mine = (_c.organization_id == organization_id, _c.host_id == host_id)
    serve = (
        _r.compose_id == _c.compose_id,
        _r.state == ComposeReleaseState.SERVING,
        _c.wanted != ComposeDesiredState.DOWN,
    )
    records = tx.execute(select(_r.record).where(*mine, *serve)).scalars()
    return sum(memory.demand(Record.load(vault.open(record)).file) for record in records)
