"""Sees services serve that somebody has started again, or says that they do not."""

from __future__ import annotations

import logging
import time
from dataclasses import field
from typing import Any

from headway.core.access.topics import topics_of_services
from headway.core.deployments.ledger import Ledger
from headway.core.engine.concurrency import at_once
from headway.features.services import starts_store
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import ServiceStatus
from headway.infra.db.engine import DatabaseAway
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_UP_SECONDS = 1.0
_GAP_SECONDS = 10.0  # between two rounds: nobody could bring anything up meanwhile, as its server was away


@dataclass(slots=True, kw_only=True)
class ServiceStarts:
    """Those of the services of one kind on one host. A start that nobody has seen to its end goes on with the next
    panel.
    """

    host_id: str
    lifecycle: ServiceLifecycle[Any, Any]
    ledger: Ledger
    _since: dict[str, float] = field(default_factory=dict)
    _up: dict[str, float] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _looked_at: float = field(default_factory=time.monotonic)

    def begin_round(self) -> None:
        """The round has begun in which ``round`` will look. Time in which there was none is none that a start took."""
        if time.monotonic() - self._looked_at > _GAP_SECONDS:
            self._since.clear()
            self._up.clear()

    async def round(self) -> bool:
        """One look at each; whether there was none."""
        found = await self.lifecycle.db.read(self._starting)
        for known in (self._since, self._up):
            for gone in known.keys() - set(found):
                del known[gone]
        self._told.intersection_update(found)
        await at_once(self._look(each) for each in found)
        self._looked_at = time.monotonic()
        return not found

    def _starting(self, tx: Tx) -> list[str]:
        return starts_store.starting(tx, self.host_id, self.lifecycle.driver.reader.kinds)

    async def _look(self, service_id: str) -> None:
        reader, vault = self.lifecycle.driver.reader, self.lifecycle.vault
        since = self._since.setdefault(service_id, time.monotonic())
        seconds, status = self.lifecycle.tools.defaults.health_seconds, None
        try:
            service = await self.lifecycle.db.read(lambda tx: reader.find(tx, service_id, vault))
            given = service.settings.health.deadline_seconds
            seconds = seconds if given is None else given
            status = await self.lifecycle.driver.start_status(service, self._settled)
        except DatabaseAway:
            raise
        except HeadwayError as error:  # of a host that is away, or an edge that is being started
            log.debug("%s %s is not seen to serve yet: %s", self.lifecycle.noun, service_id, error.message)
        except Exception:
            if service_id not in self._told:  # each look meets it again: once is enough
                self._told.add(service_id)
                log.exception("%s %s cannot be seen to serve", self.lifecycle.noun, service_id)
        if status is None and time.monotonic() - since > seconds:
            status = ServiceStatus.ERROR
        if status is not None:
            await self._write(service_id, status)

    async def _write(self, service_id: str, status: ServiceStatus) -> None:
        def write(tx: Tx) -> None:
            if (whose := starts_store.started(tx, service_id, status)) is not None:
                self.ledger.changed(tx, whose, *topics_of_services(service_id))

        await self.lifecycle.db.run(write)

    def _settled(self, service_id: str, *, is_up: bool) -> bool:
        if not is_up:
            self._up.pop(service_id, None)
            return False
        return time.monotonic() - self._up.setdefault(service_id, time.monotonic()) >= _UP_SECONDS
