"""Finds, once after an upgrade, which ports of the loopback the applications of a host use, so that these stay open."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from headway.drivers.runtimes.contract.machine import Reached
from headway.features.services.application import loopback_store
from headway.features.services.application.loopback import lines_of, named_ports
from headway.features.services.application.model import Application
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.application.variables import variables_of
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)


async def look_back(db: Database, tools: ApplicationContext, vault: Vault) -> None:
    """Notes for each application that an earlier version made what it is connected to, and what its variables name."""
    unasked = await db.read(lambda tx: loopback_store.unasked(tx, tools.host_id, vault))
    if not unasked:
        return
    reached = _by_account(await tools.machine.reached())
    for each in unasked:
        named = await db.read(lambda tx, found=each: _named(tx, found, vault))  # type: ignore[misc]
        ports = sorted(named | (reached.get(each.run_uid, set()) if each.run_uid is not None else set()))
        noted = await db.run(
            lambda tx, id_=each.service_id, found=ports: loopback_store.answer(tx, id_, found, vault)  # type: ignore[misc]
        )
        if noted and ports:
            log.warning(
                "application %s uses ports of the loopback, which stay open to it: %s",
                each.service_id,
                ", ".join(map(str, ports)),
            )


def _named(tx: Tx, application: Application, vault: Vault) -> set[int]:
    try:
        return named_ports(variables_of(tx, application, vault).run)
    except HeadwayError:  # a reference that leads nowhere: it cannot be deployed either
        return named_ports(lines_of(application.env))


def _by_account(found: Iterable[Reached]) -> dict[int, set[int]]:
    ports: dict[int, set[int]] = defaultdict(set)
    for each in found:
        ports[each.account].add(each.port)
    return ports
