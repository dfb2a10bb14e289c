"""Sees compose services serve that somebody has started again, or says that they do not."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from headway.core.engine.concurrency import at_once
from headway.drivers.runtimes.compose.observation import Container, ContainerVerdict, judged
from headway.features.services import starts_store
from headway.features.services.compose import store
from headway.features.services.compose.lifecycle import ComposeLifecycle
from headway.features.services.compose.model import Compose, ComposeRelease, Record
from headway.features.services.compose.presence import of_release
from headway.features.services.model import COMPOSES, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

_PROOF_SECONDS = 1.0
_UP_SECONDS = 1.0  # a container without a check has to have stayed up for so long


@dataclass(slots=True, kw_only=True)
class ComposeStarts:
    """Those of one host. A start that nobody has seen to its end goes on with the next panel."""

    host_id: str
    lifecycle: ComposeLifecycle
    vault: Vault
    _since: dict[str, float] = field(default_factory=dict)
    _up: dict[str, float] = field(default_factory=dict)

    async def round(self) -> bool:
        """One look at each; whether there was none."""
        found = await self.lifecycle.db.read(lambda tx: starts_store.starting(tx, self.host_id, COMPOSES))
        for known in (self._since, self._up):
            for gone in known.keys() - set(found):
                del known[gone]
        await at_once(self._look(each) for each in found)
        return not found

    async def _look(self, compose_id: str) -> None:
        since = self._since.setdefault(compose_id, time.monotonic())
        compose = await self.lifecycle.db.read(lambda tx: store.find(tx, compose_id, self.vault))
        given, usual = compose.settings.health.deadline_seconds, self.lifecycle.tools.defaults.health_seconds
        try:
            status = await self._status(compose)
        except HeadwayError as error:  # of a host that is away, or an edge that is being started
            log.debug("compose service %s is not seen to serve yet: %s", compose_id, error.message)
            status = None
        if status is None and time.monotonic() - since > (usual if given is None else given):
            status = ServiceStatus.ERROR
        if status is not None:
            ended = status

            def write(tx: Tx) -> None:
                starts_store.started(tx, compose_id, ended)

            await self.lifecycle.db.run(write)

    async def _status(self, compose: Compose) -> ServiceStatus | None:
        """What its start has come to, None while that is open."""
        tools = self.lifecycle.contexts.at(compose.host_id)
        release = await tools.release(compose.serving_release_id)
        if release is None:
            return None
        record = release.record
        if record.stack:
            services = await tools.stacks.services(compose.service_id)
            running = {name: sum(task.runs for task in each.tasks) for name, each in services.items()}
            is_up = all(running.get(name, 0) >= each.replicas for name, each in record.services.items() if each.stays)
        else:
            containers = await self.lifecycle.containers(compose.service_id)
            standings = _standings(record, containers)
            if ContainerVerdict.FAILED in standings:
                return ServiceStatus.ERROR
            is_up = all(each in {ContainerVerdict.UP, ContainerVerdict.FINISHED} for each in standings)
        if not is_up:
            self._up.pop(compose.service_id, None)
            return None
        if time.monotonic() - self._up.setdefault(compose.service_id, time.monotonic()) < _UP_SECONDS:
            return None
        await self._require_led(compose, release)
        return ServiceStatus.DONE

    async def _require_led(self, compose: Compose, release: ComposeRelease) -> None:
        """Whether requests arrive at what answered when it came to serve. Raises RouteNotProven."""
        routing = self.lifecycle.contexts.at(compose.host_id).routing
        route = await routing.standing(compose.service_id)
        if route is not None and release.record.answers is not None:
            route = await routing.answering(route, release.record.answers)
        if route is not None:
            await routing.proven(route, timeout_seconds=_PROOF_SECONDS)


def _standings(record: Record, containers: Sequence[Container]) -> list[ContainerVerdict]:
    """Of every container that is to run; one that is not there is still to come."""
    found = []
    for name, service in record.services.items():
        mine = of_release(record, name, containers) if service.stays else []
        found += [judged(each, settled=True).standing for each in mine]
        found += [ContainerVerdict.COMING] * (service.replicas - len(mine) if service.stays else 0)
    return found
