"""Keeps the services of one kind on one host as they are wanted: what the reconcilers of all kinds have in common."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import field
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Generic

from headway.core.access.allowances import NotAllowed
from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.retention import Attempts
from headway.core.deployments.status import Status
from headway.core.engine.concurrency import at_once
from headway.core.engine.host_work import ByHost
from headway.core.engine.troubles import Trouble
from headway.features.services import store
from headway.features.services.downtime_watch import DowntimeWatch
from headway.features.services.driver import C
from headway.features.services.lifecycle import D, ServiceLifecycle
from headway.features.services.model import AtRest, DesiredState, Service
from headway.features.services.starts import ServiceStarts
from headway.infra.db.engine import DatabaseAway
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable

log = logging.getLogger(__name__)

ONCE = 24 * 3600.0
"""Seconds to rest after what is done once."""

_REST_WHILE_STARTING = 0.2
_LOOP = "services"
_MAY_NOT = " that may not run"
_GOES = " that goes"
_NOT_AS_WANTED, _NOT_GONE = "as it is wanted", "gone from its host yet"


class NotAsWanted(HeadwayError):
    """A service could not be brought up or ended as it is wanted."""


@dataclass(kw_only=True)
class ServiceReconciler(Generic[C, D]):
    """Each kind has a ``keep_round``, one round of its loop, and a ``restore``, which is done once when the panel
    starts, and when the link to a server is a new one. What happened less than ``watch_time`` after a deployment is
    put down to it. By ``troubles`` each service is seen to by itself, whatever nobody foresaw of one.
    """

    host_id: str
    lifecycle: ServiceLifecycle[C, D]
    ledger: Ledger
    watch_time: timedelta
    troubles: Attempts
    rest_seconds: ClassVar[float]
    _told: dict[str, str] = field(default_factory=dict)
    _failing: set[str] = field(default_factory=set)
    _met: set[str] = field(default_factory=set)
    _starts: ServiceStarts = field(init=False)
    downtime: DowntimeWatch = field(init=False)

    def __post_init__(self) -> None:
        self._starts = ServiceStarts(host_id=self.host_id, lifecycle=self.lifecycle, ledger=self.ledger)
        self.downtime = DowntimeWatch(
            host_id=self.host_id,
            kinds=self.lifecycle.driver.reader.kinds,
            db=self.lifecycle.db,
            ledger=self.ledger,
        )

    async def release(self) -> None:
        """Ends what is under way beside the rounds; the next panel begins it again."""

    async def finish_deletions(self) -> None:
        """Those that were cut off: by the end of a panel, or because an engine was away. What is still being deployed
        to is left to whoever deletes it, who ends that first.
        """
        reader = self.lifecycle.driver.reader
        begun = await self.lifecycle.db.read(lambda tx: reader.ids_being_deleted(tx, at_rest_on=self.host_id))
        await at_once(
            self._by_itself(f"{each}{_GOES}", partial(self._finish_deletion, each))
            for each in begun
            if not self._is_taken(each, f"{each}{_GOES}")
        )

    def _is_taken(self, service_id: str, item: str) -> bool:
        """Whether somebody acts on a service, perhaps for as long as its containers take to end: no round waits for
        that, and the next one looks again.
        """
        is_taken = self.lifecycle.turns[service_id].locked()
        if is_taken:
            self._met.add(item)
        return is_taken

    async def _finish_deletion(self, service_id: str) -> None:
        try:
            async with self.lifecycle.turn(service_id):
                for service in await self.lifecycle.db.read(lambda tx: self._being_deleted(tx, service_id)):
                    await self.lifecycle.remove(service)
        except HeadwayError as error:
            self._tell(service_id, error, _NOT_GONE)
            if not isinstance(error, Unavailable):  # it does not get better by asking again
                raise

    def _being_deleted(self, tx: Tx, service_id: str) -> list[Service[Any]]:
        reader, vault = self.lifecycle.driver.reader, self.lifecycle.vault
        return reader.being_deleted(tx, vault, at_rest_on=self.host_id, service_id=service_id)

    async def _by_itself(self, item: str, work: Callable[[], Awaitable[object]]) -> bool:
        """Does what is to be done in this round with one service or release; whether that broke nowhere."""
        self._met.add(item)
        is_done = await self.troubles.attempt(_LOOP, item, work)
        if is_done:
            self._failing.discard(item)
        else:
            self._failing.add(item)
        return is_done

    def _aside(self, ending: ByHost, key: str, item: str) -> None:
        """Begins what waits for processes or containers to end, unless it is under way: no round waits for that, since
        they take as long as they may.
        """
        self._met.add(item)
        ending.start(key)

    async def _bring_in_line(self, service_id: str) -> bool:
        """Lets it run, or not, as it is wanted; whether that went well. Raises NotAsWanted where it does not get better
        by asking again at once.
        """
        lifecycle, name = self.lifecycle, service_id
        try:
            async with lifecycle.turn(service_id):
                service = await lifecycle.db.read(
                    lambda tx: lifecycle.driver.reader.find(tx, service_id, lifecycle.vault)
                )
                name = service.name
                if service.wanted is DesiredState.UP:
                    await lifecycle.up(service)
                elif await lifecycle.db.read(lambda tx: store.is_at_rest(tx, service_id)):
                    await lifecycle.down(service)
        except (HostUnreachable, DatabaseAway) as away:
            self._tell(service_id, away)
            return False
        except HeadwayError as error:
            self._tell(service_id, error)
            told = NotAsWanted(f"{name} is not {_NOT_AS_WANTED}: {error.message}")
            if isinstance(error, NotAllowed):  # which the database tells alone: once it may, it runs in the next round
                await self._note(f"{service_id}{_MAY_NOT}", told)
                return False
            raise told from error
        self._told.pop(service_id, None)
        return True

    async def _note(self, item: str, failure: Exception) -> None:
        """Shows what could not be done, and is tried again in the next round all the same. What a host or the database
        that is away keeps from being done is shown by whoever looks after those.
        """
        if isinstance(failure, (HostUnreachable, DatabaseAway)):
            return

        async def failed() -> None:
            raise failure

        await self._by_itself(item, failed)

    async def _note_runtime(self, name: str, failure: Exception) -> None:
        """Shows that what keeps releases alive is not there."""
        what = "engine" if isinstance(failure, EngineAway) else f"runtime {name}"
        await self._note(f"{what} of {self.host_id}", failure)

    def _tell(self, service_id: str, error: HeadwayError, what: str = _NOT_AS_WANTED) -> None:
        """Says that a service ("": any of them) is not so."""
        if self._told.get(service_id) != error.message:  # each round meets it again: once is enough
            self._told[service_id] = error.message
            log.warning("%s %s is not %s: %s", self.lifecycle.noun, service_id or "(any)", what, error.message)

    def forget_past(self) -> None:
        """Forgets what could not be done and was not met since the last call: there is nothing more to be done."""
        for item in self._failing - self._met:
            self._failing.discard(item)
            self.troubles.forget(_LOOP, item)
        self._met.clear()

    async def _rest(self) -> float:
        """Looks at what somebody has started, after all else of a round; seconds to rest."""
        self.forget_past()
        return self.rest_seconds if await self._starts.round() else _REST_WHILE_STARTING

    @property
    def _tools(self) -> C:
        return self.lifecycle.contexts.at(self.host_id)

    def _at_rest(self, tx: Tx) -> list[AtRest]:
        return store.at_rest(tx, self.host_id, self.lifecycle.driver.reader.kinds)

    def _mark_unstable(self, tx: Tx, deployment_id: str, why: str) -> None:
        mark_unstable(tx, self.ledger, deployment_id, why)


def refusals(troubles: Iterable[Trouble]) -> Mapping[str, str]:
    """What keeps services from being as they are wanted, by their ids: among these troubles."""
    return {each.item.removesuffix(_MAY_NOT): each.sentence for each in troubles if each.loop == _LOOP}


def mark_unstable(tx: Tx, ledger: Ledger, deployment_id: str, why: str) -> None:
    """Marks the deployment of what has crashed, with a sentence, unless it has one."""
    told = deployments.find(tx, deployment_id).error_message
    deployments.set_fields(tx, deployment_id, unstable=True, error_message=told or why)
    marked = deployments.find(tx, deployment_id)
    deployments.add_end_to_outbox(tx, marked, "unstable")
    ledger.shown_changed(tx, marked, Status.DONE)
