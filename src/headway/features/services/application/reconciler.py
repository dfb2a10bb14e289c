"""Keeps what is on the machine and what is wanted of it the same: brings up, retires, watches, sweeps."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from headway.core.access import allowances
from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.status import Status
from headway.core.engine.concurrency import at_once
from headway.features.services import store as services_store
from headway.features.services.application import health_store, store
from headway.features.services.application.lifecycle import ApplicationLifecycle
from headway.features.services.application.loopback_memory import look_back
from headway.features.services.application.model import Application
from headway.features.services.application.port_guard import Guard
from headway.features.services.application.starts import ApplicationStarts
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.model import APPLICATIONS, AtRest, DesiredState, Release
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

_REST = 1.0
_BY_ENGINES = frozenset({"container", "swarm"})  # what engines start again by themselves
_REST_WHILE_STARTING = 0.2
_ONCE = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationReconciler:
    """Keeps one host. ``keep_round`` is one round of its loop; ``restore`` is done once when the panel starts, and when
    the link to a server is a new one.
    """

    host_id: str
    lifecycle: ApplicationLifecycle
    ledger: Ledger
    vault: Vault
    watch_time: timedelta
    guard: Guard = field(init=False)
    _starts: ApplicationStarts = field(init=False)
    _told: dict[str, str] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        guard = Guard(host_id=self.host_id, lifecycle=self.lifecycle, unstable=self._mark_unstable)
        object.__setattr__(self, "guard", guard)
        object.__setattr__(
            self, "_starts", ApplicationStarts(host_id=self.host_id, lifecycle=self.lifecycle, vault=self.vault)
        )

    async def restore(self) -> float:
        """After a start of the panel, perhaps after a reboot: what is wanted serves again, what was being deleted is
        gone, the edge leads where the rows say, and what no row names is gone too. Seconds to rest: it is done once.
        """
        await self.finish_deletions()
        await look_back(self.lifecycle.db, self._tools, self.vault)
        await self._tools.close_ports_of_containers()  # before an application of processes may be the first to start
        await self._tools.runtimes.ensure()
        at_rest = await self.lifecycle.db.read(self._at_rest)
        await at_once(self._bring_in_line(each.service_id) for each in at_rest if each.wanted is DesiredState.UP)
        await self._tools.routing.settle_all(self._tools.edge)
        await self._sweep()
        return _ONCE

    async def keep_round(self) -> float:
        """Brings what runs in line with what is wanted, retires what is due, and looks whether what serves still does;
        seconds to rest.
        """
        lifecycle = self.lifecycle
        await self.finish_deletions()  # first: also from a server that lacks what keeps applications up
        await self._tools.close_ports_of_containers()
        await self._tools.runtimes.watch()
        if self.host_id != lifecycle.tools.host_id:  # there it has a loop of its own
            await self.guard.guard_round()
        up = await self._tools.runtimes.running()
        at_rest = await lifecycle.db.read(self._at_rest)
        await at_once(self._bring_in_line(application_id) for application_id in _out_of_line(at_rest, up))
        await self._hold(up)
        due = await lifecycle.db.read(lambda tx: store.due_to_retire(tx, self.host_id))
        await at_once(_unless_away(lifecycle.retire(each)) for each in due if each.runtime in up)
        since = self.watch_time
        for release in await lifecycle.db.read(lambda tx: health_store.watched(tx, self.host_id, tx.now - since)):
            if release.runtime in up and await lifecycle.runtime(release).crashed(release.release_id):
                await lifecycle.db.run(lambda tx, found=release: self._mark_unstable(tx, found))  # type: ignore[misc]
        await lifecycle.tools.routing.catch_up()
        return _REST if await self._starts.round() else _REST_WHILE_STARTING

    async def _hold(self, up: Collection[str]) -> None:
        """What may not be started again now is not by the engine either: what runs goes on. A swarm would start it
        again whatever it is told, so that copies there end. Once it may, the panel starts it again where it is down.
        """
        lost = await self.lifecycle.db.read(allowances.without_machine)
        self._held.intersection_update(lost)
        for application_id in lost - self._held:
            release = await self.lifecycle.db.read(lambda tx, id_=application_id: store.serving(tx, id_))  # type: ignore[misc]
            mine = release is not None and release.host_id == self.host_id and release.runtime in _BY_ENGINES
            if release is None or not mine or (release.runtime in up and await self._is_held(release)):
                self._held.add(application_id)

    async def _is_held(self, release: Release) -> bool:
        try:
            if release.runtime == "swarm":
                await self.lifecycle.runtime(release).stop(release.release_id)
            else:
                await self._tools.imaging.hold(release.release_id)
        except Unavailable as away:
            log.warning("left for later: %s", away.message)
            return False
        return True

    @property
    def _tools(self) -> ApplicationContext:
        return self.lifecycle.contexts.at(self.host_id)

    def _at_rest(self, tx: Tx) -> list[AtRest]:
        return services_store.at_rest(tx, self.host_id, APPLICATIONS)

    def _being_deleted(self, tx: Tx) -> list[Application]:
        return store.being_deleted(tx, self.vault, at_rest_on=self.host_id)

    async def finish_deletions(self) -> None:
        """Those that were cut off: by the end of a panel, or because an engine was away."""
        await at_once(self._finish_deletion(each) for each in await self.lifecycle.db.read(self._being_deleted))

    async def _finish_deletion(self, application: Application) -> None:
        try:
            async with self.lifecycle.turn(application.service_id):
                left = await self.lifecycle.db.read(self._being_deleted)
                if application.service_id in {each.service_id for each in left}:
                    await self.lifecycle.remove(application)
        except HeadwayError as error:
            self._tell(application.service_id, "gone from its host yet", error)

    async def _bring_in_line(self, application_id: str) -> None:
        lifecycle = self.lifecycle
        try:
            async with lifecycle.turn(application_id):
                application = await lifecycle.db.read(lambda tx: store.find(tx, application_id, self.vault))
                if application.wanted is DesiredState.UP:
                    await lifecycle.up(application)
                elif await lifecycle.db.read(lambda tx: services_store.is_at_rest(tx, application_id)):
                    await lifecycle.down(application)
        except HeadwayError as error:
            self._tell(application_id, "as it is wanted", error)
        else:
            self._told.pop(application_id, None)

    def _tell(self, application_id: str, what: str, error: HeadwayError) -> None:
        if self._told.get(application_id) != error.message:  # each round meets it again: once is enough
            self._told[application_id] = error.message
            log.warning("application %s is not %s: %s", application_id, what, error.message)

    async def _sweep(self) -> None:
        """Removes releases that no row names: their deployment was undone while the machine was going down."""
        rows = {each.release_id for each in await self.lifecycle.db.read(store.every_release)}
        for runtime, known in (await self._tools.runtimes.known()).items():
            for release_id in known - rows:
                claims = await self.lifecycle.db.read(lambda tx, id_=release_id: deployments.claims(tx, [id_]))  # type: ignore[misc]
                if release_id not in claims or claims[release_id].status.ended:
                    await self._tools.runtimes.of(runtime).remove(release_id)

    def _mark_unstable(self, tx: Tx, release: Release) -> None:
        mark_unstable(tx, self.ledger, release)


def mark_unstable(tx: Tx, ledger: Ledger, release: Release) -> None:
    """Marks the deployment of a release that has crashed."""
    deployments.set_fields(tx, release.deployment_id, unstable=True)
    deployments.tell_later(tx, deployments.find(tx, release.deployment_id), "unstable")
    ledger.touched(tx, release.deployment_id, Status.DONE)


def _out_of_line(at_rest: Sequence[AtRest], up: Mapping[str, Collection[str]]) -> list[str]:
    """The applications of which something runs that is not to, or nothing although it is to."""
    return [
        each.service_id
        for each in at_rest
        if each.runtime in up and (each.release_id in up[each.runtime]) is not (each.wanted is DesiredState.UP)
    ]


async def _unless_away(work: Awaitable[None]) -> None:
    """What an engine that is away, or a disk, keeps from being done is done later; the rest does not wait for it."""
    try:
        await work
    except Unavailable as away:
        log.warning("left for later: %s", away.message)
    except OSError as error:
        log.warning("left for later: %s", error)
