"""Sees services serve that somebody has started again, or says that they do not."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from headway.core.access.topics import topics_of_services
from headway.core.deployments.ledger import Ledger
from headway.core.engine.concurrency import at_once
from headway.features.services import starts_store
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import Service, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.events import Whose

log = logging.getLogger(__name__)

_UP_SECONDS = 1.0


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

    async def round(self) -> bool:
        """One look at each; whether there was none."""
        found = await self.lifecycle.db.read(self._starting)
        here = {each.service_id for each in found}
        for known in (self._since, self._up):
            for gone in known.keys() - here:
                del known[gone]
        await at_once(self._look(each) for each in found)
        return not found

    def _starting(self, tx: Tx) -> list[Service[Any]]:
        reader, vault = self.lifecycle.driver.reader, self.lifecycle.vault
        return [reader.find(tx, each, vault) for each in starts_store.starting(tx, self.host_id, reader.kinds)]

    async def _look(self, service: Service[Any]) -> None:
        service_id, driver = service.service_id, self.lifecycle.driver
        since = self._since.setdefault(service_id, time.monotonic())
        given, usual = service.settings.health.deadline_seconds, self.lifecycle.tools.defaults.health_seconds
        try:
            status = await driver.start_status(service, self._settled)
        except HeadwayError as error:  # of a host that is away, or an edge that is being started
            log.debug("%s %s is not seen to serve yet: %s", self.lifecycle.noun, service_id, error.message)
            status = None
        if status is None and time.monotonic() - since > (usual if given is None else given):
            status = ServiceStatus.ERROR
        if status is not None:
            ended = status

            def write(tx: Tx) -> None:
                if starts_store.started(tx, service_id, ended):
                    self.ledger.changed(tx, _whose(service), *topics_of_services(service_id))

            await self.lifecycle.db.run(write)

    def _settled(self, service_id: str, *, is_up: bool) -> bool:
        if not is_up:
            self._up.pop(service_id, None)
            return False
        return time.monotonic() - self._up.setdefault(service_id, time.monotonic()) >= _UP_SECONDS


def _whose(service: Service[Any]) -> Whose:
    return Whose(organization_id=service.organization_id, project_id=service.project_id, service_id=service.service_id)
