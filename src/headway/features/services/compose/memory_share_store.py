"""What the compose services of one organisation run on one host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from headway.core.access.machine_store import has_machine
from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.runtimes.compose import memory
from headway.features.services.compose.model import Record
from headway.features.services.model import DesiredState, ReleaseState
from headway.infra.db.tables.services import COMPOSE, releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c, _r = services.c, releases.c
_SERVE = (
    _r.service_id == _c.service_id,
    _r.runtime == COMPOSE,
    _r.state == ReleaseState.SERVING,
    _c.wanted != DesiredState.DOWN,
)


def files_beside(tx: Tx, compose_id: str, vault: Vault) -> list[Mapping[str, Any]] | None:
    """The files that serve of the organisation's other compose services on the same host; None for one that has
    the machine, as the first has.
    """
    mine = tx.execute(select(_c.organization_id, _c.host_id).where(_c.service_id == compose_id)).one()
    if has_machine(tx, mine.organization_id):
        return None
    others = (_c.organization_id == mine.organization_id, _c.host_id == mine.host_id, _c.service_id != compose_id)
    records = tx.execute(select(_r.record).where(*others, *_SERVE)).scalars()
    return [Record.load(vault.open(record)).file for record in records]


def demand_of_composes(tx: Tx, organization_id: str, *, vault: Vault) -> int:
    """The memory that an organisation's compose services may take of the panel's machine, in bytes."""
    mine = (_c.organization_id == organization_id, _c.host_id == LOCAL_HOST)
    records = tx.execute(select(_r.record).where(*mine, *_SERVE)).scalars()
    return sum(memory.demand(Record.load(vault.open(record)).file) for record in records)
