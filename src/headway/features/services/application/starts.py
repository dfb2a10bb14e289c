"""Sees applications serve that somebody has started again, or says that they do not."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from headway.core.engine.concurrency import at_once
from headway.drivers.runtimes.base import ProcessState
from headway.drivers.runtimes.patience import CRASHES
from headway.features.services import starts_store
from headway.features.services.application import store
from headway.features.services.application.lifecycle import ApplicationLifecycle
from headway.features.services.application.model import Application
from headway.features.services.model import APPLICATIONS, Release, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

_PROOF_SECONDS = 1.0
_UP_SECONDS = 1.0  # what takes no requests has to have stayed up for so long


@dataclass(slots=True, kw_only=True)
class ApplicationStarts:
    """Those of one host. A start that nobody has seen to its end goes on with the next panel."""

    host_id: str
    lifecycle: ApplicationLifecycle
    vault: Vault
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

    def _starting(self, tx: Tx) -> list[Application]:
        return [store.find(tx, each, self.vault) for each in starts_store.starting(tx, self.host_id, APPLICATIONS)]

    async def _look(self, application: Application) -> None:
        application_id = application.service_id
        since = self._since.setdefault(application_id, time.monotonic())
        given, usual = application.settings.health.deadline_seconds, self.lifecycle.tools.defaults.health_seconds
        try:
            release = await self.lifecycle.db.read(lambda tx: store.serving(tx, application_id))
            status = None if release is None else await self._status(release)
        except HeadwayError as error:  # of a host that is away, or an edge that is being started
            log.debug("application %s is not seen to serve yet: %s", application_id, error.message)
            status = None
        if status is None and time.monotonic() - since > (usual if given is None else given):
            status = ServiceStatus.ERROR
        if status is not None:
            ended = status

            def write(tx: Tx) -> None:
                starts_store.started(tx, application_id, ended)

            await self.lifecycle.db.run(write)

    async def _status(self, release: Release) -> ServiceStatus | None:
        """What its start has come to, None while that is open."""
        now = await self.lifecycle.runtime(release).status(release.release_id)
        if any(each.exits >= CRASHES or each.state is ProcessState.GIVEN_UP for each in now.processes):
            return ServiceStatus.ERROR
        if not now.started:
            self._up.pop(release.service_id, None)
            return None
        if not release.ports or release.health is None or not release.health.answers:
            up = self._up.setdefault(release.service_id, time.monotonic())
            return ServiceStatus.DONE if time.monotonic() - up >= _UP_SECONDS else None
        routing = self.lifecycle.tools.routing
        route = await routing.standing(release.service_id)
        if route is None or route.release_id != release.release_id:
            return None
        await routing.proven(route, timeout_seconds=_PROOF_SECONDS)
        return ServiceStatus.DONE
