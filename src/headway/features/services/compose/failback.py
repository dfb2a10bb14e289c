"""Gives requests back to the containers before, which drain, where those that took them over end by themselves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import field
from datetime import timedelta

from headway.core.deployments import store
from headway.core.deployments.ledger import Ledger
from headway.core.engine.host_work import ByHost
from headway.drivers.runtimes.compose.observation import Container, ended_by_itself
from headway.features.services.compose import handover_store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.handover_store import ComposeHandover
from headway.features.services.compose.model import ComposeRelease, Record
from headway.features.services.compose.presence import of_release
from headway.features.services.compose.reconciler import retire
from headway.features.services.compose.routing import ComposeRouting
from headway.features.services.reconciler import ONCE, mark_unstable
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
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

    async def resume(self) -> float:
        """Goes on, after a start of the panel, with what had come to serve a short while before. Seconds to rest: it is
        done once.
        """
        for deployment_id in await self.lifecycle.db.read(lambda tx: handover_store.young(tx, tx.now - self.window)):
            self._watching.start(deployment_id)
        return ONCE

    async def release(self) -> None:
        """Ends what is under way."""
        await self._watching.release()

    async def _watch(self, deployment_id: str) -> None:
        moved, left = await self.lifecycle.db.read(lambda tx: self._moved(tx, deployment_id))
        if moved is None:
            return
        end, seen = time.monotonic() + left.total_seconds(), dict[str, int]()
        failure: HeadwayError | None = None
        while time.monotonic() < end:
            try:
                if await self._is_over(moved, seen):
                    return
                failure = None
            except HeadwayError as error:  # an engine, a server or an edge that is silent may answer at the next look
                failure = error
            await asyncio.sleep(_PAUSE)
        if failure is not None:
            raise failure

    def _moved(self, tx: Tx, deployment_id: str) -> tuple[ComposeHandover | None, timedelta]:
        """What a deployment took over, and how long that is to be watched yet."""
        since = store.find(tx, deployment_id).finished_at or tx.now
        return handover_store.of(tx, deployment_id, self.lifecycle.vault), self.window - (tx.now - since)

    async def _is_over(self, moved: ComposeHandover, seen: dict[str, int]) -> bool:
        """One look; whether there is nothing more to be watched."""
        compose_id = moved.new.service_id
        containers = await self.lifecycle.driver.containers(compose_id)
        if not _still_serve(moved.old.record, containers):
            return True
        fallen = _fallen(moved, containers, seen)
        if fallen is None:
            return False
        if _was_started_since(moved, fallen, containers):
            return True
        async with self.lifecycle.turn(compose_id):
            is_given_back = await self._give_back(moved, _ended(fallen))
        if is_given_back:
            await retire(self.lifecycle, compose_id)
        return True

    async def hand_back(self, moved: ComposeHandover, what: str) -> bool:
        """Leads requests to the containers before, if they run; whether they serve again. ``what`` is the beginning of
        the sentence that says why.
        """
        compose_id = moved.new.service_id
        async with self.lifecycle.turn(compose_id):
            containers = await self.lifecycle.driver.containers(compose_id)
            return _still_serve(moved.old.record, containers) and await self._give_back(moved, what)

    async def _give_back(self, moved: ComposeHandover, what: str) -> bool:
        """Leads requests to the containers before, first of all; whether they serve again."""
        if not await self.lifecycle.db.read(lambda tx: handover_store.is_standing(tx, moved)):
            return False
        compose_id = moved.new.service_id
        tools = await self.lifecycle.driver.tools_of(compose_id)
        await tools.routing.lead(compose_id, moved.old, alone=True)
        why = f"{what} soon after requests came to it; the containers before serve again."

        def write(tx: Tx) -> bool:
            is_given_back = handover_store.hand_back(tx, moved, why)
            if is_given_back:
                mark_unstable(tx, self.ledger, moved.new.deployment_id, why)
            return is_given_back

        if not await self.lifecycle.db.run(write):
            return False
        log.warning("compose service %s: deployment %s: %s", compose_id, moved.new.deployment_id, why)
        # Once more: the reconciler may have followed the newer ones meanwhile.
        await tools.routing.lead(compose_id, moved.old, alone=True)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedContainers:
    """Fits ``last_look.Replaced``: the containers of a compose service that newer ones were put beside, where these
    answered HTTP when they came to serve.
    """

    failback: ComposeFailback
    compose_id: str
    watch_time: timedelta
    _seen: dict[str, int] = field(default_factory=dict)

    @property
    def routing(self) -> ComposeRouting:
        """See ``Replaced``."""
        return self.failback.lifecycle.tools.routing

    async def route(self) -> Route | None:
        """See ``Replaced``: what led to containers that serve on as before need not be asked."""
        moved = await self._moved()
        if moved is None or not _still_serve(moved.old.record, await self._containers(moved)):
            return None
        route = await self.routing.standing(self.compose_id)
        if route is None or route.release_id != moved.new.release_id:
            return None
        return await self.routing.answering(route, _newly_answering(moved.new))

    async def fallen(self) -> str | None:
        """See ``Replaced``: since the first look."""
        moved = await self._moved()
        fallen = None if moved is None else _fallen(moved, await self._containers(moved), self._seen)
        return None if fallen is None else _ended(fallen)

    async def keep(self, time: timedelta) -> None:
        """See ``Replaced``: they stay until they are told to end."""

    async def hand_back(self, what: str) -> bool:
        """See ``Replaced``."""
        moved = await self._moved()
        return moved is not None and await self.failback.hand_back(moved, what)

    async def _moved(self) -> ComposeHandover | None:
        vault = self.failback.lifecycle.vault
        return await self.failback.lifecycle.db.read(
            lambda tx: handover_store.stand_in(tx, self.compose_id, vault, tx.now - self.watch_time)
        )

    async def _containers(self, moved: ComposeHandover) -> Sequence[Container]:
        found = await self.failback.lifecycle.driver.containers(self.compose_id)
        _fallen(moved, found, self._seen)
        return found


def _ended(fallen: Container) -> str:
    return f"A container of {fallen.service} ended by itself"


def _newly_answering(release: ComposeRelease) -> list[str]:
    """The ports (SERVICE:PORT) that answered when a release came to serve, of what it has made itself."""
    services = release.record.services
    made = {name for name, each in services.items() if each.deployment_id == release.deployment_id}
    return [each for each in release.record.answers or () if each.partition(":")[0] in made]


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


def _was_started_since(moved: ComposeHandover, fallen: Container, containers: Sequence[Container]) -> bool:
    """Whether those before were started after the one that fell: an engine that was away has ended both, and whoever
    comes up first is no better than the other.
    """
    old, name = moved.old.record, fallen.service
    return name in old.services and any(
        each.started_at > fallen.started_at for each in of_release(old, name, containers)
    )


def _still_serve(record: Record, containers: Sequence[Container]) -> bool:
    """Whether all that a release is to run does."""
    return all(
        sum(each.runs for each in of_release(record, name, containers)) >= service.replicas
        for name, service in record.services.items()
        if service.stays
    )
