"""Gives requests back to the containers before, which drain, where those that took them over end by themselves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from headway.core.deployments.ledger import Ledger
from headway.core.engine.by_host import ByHost
from headway.drivers.runtimes.compose.observation import Container, ended_by_itself
from headway.features.services.compose import handover_store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.handover_store import ComposeHandover
from headway.features.services.compose.model import Record
from headway.features.services.compose.presence import of_release
from headway.features.services.compose.reconciler import retire
from headway.features.services.reconciler import mark_unstable
from headway.infra.db.transaction import Tx
from headway.kernel.events import DeploymentEnded

log = logging.getLogger(__name__)

_PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeFailback:
    """Watches what a deployment of a compose service has put beside the containers that served, for the ``window``
    after it came to serve. What was replaced in place has nothing to go back to, and a swarm goes back by itself.
    """

    lifecycle: ComposeLifecycle
    ledger: Ledger
    window: timedelta
    _watching: ByHost = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_watching", ByHost("watch of deployment", self._watch))

    def ended(self, deployment: DeploymentEnded) -> None:
        """Begins to watch what a deployment has left, where that is a compose service."""
        if deployment.kind in handover_store.KINDS and deployment.reason is None:
            self._watching.start(deployment.deployment_id)

    async def release(self) -> None:
        """Ends what is under way."""
        await self._watching.release()

    async def _watch(self, deployment_id: str) -> None:
        moved = await self.lifecycle.db.read(lambda tx: handover_store.of(tx, deployment_id, self.lifecycle.vault))
        if moved is None:
            return
        end, seen = time.monotonic() + self.window.total_seconds(), dict[str, int]()
        while time.monotonic() < end:
            containers = await self.lifecycle.driver.containers(moved.new.service_id)
            if not _still_serve(moved.old.record, containers):
                return
            if (fallen := _fallen(moved, containers, seen)) is not None:
                async with self.lifecycle.turn(moved.new.service_id):
                    is_given_back = await self._give_back(moved, fallen)
                if is_given_back:
                    await retire(self.lifecycle, moved.new.service_id)
                return
            await asyncio.sleep(_PAUSE)

    async def _give_back(self, moved: ComposeHandover, fallen: Container) -> bool:
        """Leads requests to the containers before, first of all; whether they serve again."""
        if not await self.lifecycle.db.read(lambda tx: handover_store.is_standing(tx, moved)):
            return False
        compose_id = moved.new.service_id
        tools = await self.lifecycle.driver.tools_of(compose_id)
        await tools.routing.lead(compose_id, moved.old, alone=True)
        why = (
            f"A container of {fallen.service} ended by itself soon after requests came to it; the containers before "
            "serve again."
        )

        def write(tx: Tx) -> bool:
            is_given_back = handover_store.hand_back(tx, moved, why)
            if is_given_back:
                mark_unstable(tx, self.ledger, moved.new.deployment_id)
            return is_given_back

        if not await self.lifecycle.db.run(write):
            return False
        log.warning("compose service %s: deployment %s: %s", compose_id, moved.new.deployment_id, why)
        # Once more: the reconciler may have followed the newer ones meanwhile.
        await tools.routing.lead(compose_id, moved.old, alone=True)
        return True


def _fallen(moved: ComposeHandover, containers: Sequence[Container], seen: dict[str, int]) -> Container | None:
    """A container of the newer release that has ended by itself since it was ``seen`` first, with how often it had been
    started again by then.
    """
    for each in containers:
        if each.deployment_id != moved.new.deployment_id or each.service not in moved.new.record.services:
            continue
        before = seen.setdefault(each.container_id, each.restarts)
        if moved.new.record.services[each.service].stays and (each.restarts > before or ended_by_itself(each)):
            return each
    return None


def _still_serve(record: Record, containers: Sequence[Container]) -> bool:
    """Whether all that a release is to run does."""
    return all(
        sum(each.runs for each in of_release(record, name, containers)) >= service.replicas
        for name, service in record.services.items()
        if service.stays
    )
