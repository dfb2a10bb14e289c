"""Ends and clears what is left of previews: those that were closed, have expired, or whose pull request is no more."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from headway.core.deployments.model import Request, SubjectType, Trigger
from headway.core.deployments.retention import Attempts
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.core.engine.concurrency import at_once
from headway.drivers.forges.base import ForgeAway, OpenPull, is_same, is_whole
from headway.features.git.providers import GitProviderService, OpenedRepository
from headway.features.previews import store
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.previews.services import rest
from headway.features.services import store as services_store
from headway.features.services.model import Service
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import Events, PreviewsCounted

log = logging.getLogger(__name__)

_REST = 1.0
_LOOP, _SWEEP = "previews", "open pull requests"
_SWEEP_SECONDS = 600.0
_LIST_SECONDS = 60.0  # for all the parts of a list, and for all the files of pull requests
_ASKED_AT_ONCE, _OF_ORGANIZATION = 16, 2
_FRESH = timedelta(minutes=2)  # a list that was asked for before a pull request was opened does not tell of it
_REMEMBERED = timedelta(days=7)

Passes = Callable[[Service[Any], int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class _Seats:
    """How many are asked at a time: of an organisation so few that its forge holds up no other one's."""

    all: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_ASKED_AT_ONCE))
    of: dict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_OF_ORGANIZATION))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewCleanup:
    """``clear_round`` and ``sweep_round`` are the rounds of two loops; by ``troubles`` each preview, and what is asked
    of each service's forge, is seen to by itself. ``passes`` says whether a service watches none of the files of a pull
    request.
    """

    db: Database
    stopping: Stopping
    events: Events
    lifecycle: PreviewLifecycle
    providers: GitProviderService
    troubles: Attempts
    passes: Passes
    _told: dict[str, str] = field(default_factory=dict)

    async def clear_round(self) -> float:
        """Ends what runs of previews that are closed, so that the reconciler can remove them; seconds to rest."""
        expired, tired, counted, ending = await self.db.read(_look)
        work = {f"{each} that has expired": partial(self._close, preview_id=each) for each in expired}
        work |= {f"{each} that is to sleep": partial(self._put_to_sleep, preview_id=each) for each in tired}
        for item, write in work.items():
            await self.troubles.attempt(_LOOP, item, partial(self.db.run, write))
        if work:
            _, _, counted, ending = await self.db.read(_look)
        self.events.announce(PreviewsCounted(states=counted))
        self.troubles.forget_others(_LOOP, {*work, *ending})  # they have ended by themselves
        await at_once(self.troubles.attempt(_LOOP, each, partial(self._end, each)) for each in ending)
        return _REST

    async def sweep_round(self) -> float:
        """Asks the forges which pull requests are open, and catches up with what nobody told; seconds to rest."""
        grouped: dict[tuple[SubjectType, str], list[Preview]] = defaultdict(list)
        for preview in await self.db.read(store.every):
            grouped[preview.service_type, preview.service_id].append(preview)
        self.troubles.forget_others(_SWEEP, {service_id for _, service_id in grouped})
        seats = _Seats()
        sweeps = (
            self.troubles.attempt(_SWEEP, service_id, partial(self._sweep, service_type, service_id, previews, seats))
            for (service_type, service_id), previews in grouped.items()
        )
        await at_once(sweeps, max(1, len(grouped)))
        await self.db.run(lambda tx: store.forget_closed(tx, tx.now - _REMEMBERED))
        return _SWEEP_SECONDS

    async def _sweep(
        self, service_type: SubjectType, service_id: str, previews: Sequence[Preview], seats: _Seats
    ) -> None:
        asked = await self.db.read(lambda tx: self._asked(tx, service_type, service_id))
        if asked is None:
            return
        service, repository = asked
        try:
            async with seats.of[service.organization_id], seats.all:
                heads = await self._heads(repository, previews)
                passed = await self._passed(service, previews, heads)
        except HeadwayError as error:
            if self._told.get(service_id) != error.message:  # once is enough
                self._told[service_id] = error.message
                extra = {"service": service_id, "reason": error.message}
                log.warning("pull requests could not be asked after", extra=extra)
            return
        self._told.pop(service_id, None)
        await self.db.run(lambda tx: self._catch_up(tx, service, previews, heads, passed))

    async def _end(self, preview_id: str) -> None:
        await end_unfinished(self.db, self.stopping, SubjectType.PREVIEW, preview_id, Intent.CANCEL)

    async def _open_pulls(self, repository: OpenedRepository) -> Sequence[OpenPull]:
        connection, path = repository.connection, repository.path
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                return await self.providers.ask(connection, lambda api: api.open_pulls(connection, path))
        except TimeoutError:
            name = connection.forge.named
            raise ForgeAway(f"{name} takes longer than {_LIST_SECONDS:.0f} seconds for its pull requests.") from None

    async def _heads(self, repository: OpenedRepository, previews: Sequence[Preview]) -> Mapping[int, str]:
        """The commits of the open pull requests. Where the forge lists the beginning of a hash alone it is asked for
        the rest, of what has moved on and of what somebody is to approve.
        """
        heads = {each.number: each.head for each in await self._open_pulls(repository)}
        with suppress(TimeoutError):
            async with asyncio.timeout(_LIST_SECONDS):
                for each in previews:
                    head = heads.get(each.number)
                    if head is not None and not is_whole(head):
                        heads[each.number] = await self._whole(repository, each, head)
        return heads

    async def _whole(self, repository: OpenedRepository, preview: Preview, head: str) -> str:
        """As much of the hash that begins so as is known, or has to be."""
        known = [each for each in (preview.head, preview.passed_head) if each is not None and is_same(each, head)]
        if known and (is_whole(known[0]) or not preview.fork):
            return known[0]
        connection, path, number = repository.connection, repository.path, preview.number
        try:
            return await self.providers.ask(connection, lambda api: api.whole_head(connection, path, number, head))
        except HeadwayError:  # it is asked again with the next sweep
            return head

    async def _passed(
        self, service: Service[Any], previews: Sequence[Preview], heads: Mapping[int, str]
    ) -> Collection[int]:
        """The pull requests that have moved on to what the service does not watch, as a push that was told would be
        passed by. What takes too long to find out is not passed by.
        """
        passed = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LIST_SECONDS):
                for each in previews:
                    head = heads.get(each.number)
                    is_known = head is None or head == each.passed_head or is_same(head, each.head)
                    if not is_known and await self.passes(service, each.number):
                        passed.add(each.number)
        return passed

    def _close(self, tx: Tx, preview_id: str) -> None:
        for preview in store.expired(tx):
            if preview.preview_id == preview_id:
                self.lifecycle.close(tx, preview, ClosedWhy.EXPIRED)

    def _put_to_sleep(self, tx: Tx, preview_id: str) -> None:
        if preview_id in {each.preview_id for each in store.tired(tx)}:
            store.set_fields(tx, preview_id, asleep_since=tx.now)
            rest(tx, preview_id)

    def _asked(
        self, tx: Tx, service_type: SubjectType, service_id: str
    ) -> tuple[Service[Any], OpenedRepository] | None:
        """A service that has previews, and how its forge is asked; None where it has no provider."""
        try:
            service = self.lifecycle.services.kinds.find(tx, service_type, service_id)
            given = service.settings
            mine = self.providers.repository(tx, given.source_type, given.extra, service.organization_id)
        except HeadwayError:  # its provider is gone, or it is itself
            return None
        return None if mine is None else (service, mine)

    def _catch_up(
        self,
        tx: Tx,
        service: Service[Any],
        previews: Sequence[Preview],
        heads: Mapping[int, str],
        passed: Collection[int],
    ) -> None:
        for before in previews:
            preview = store.newest(tx, service.service_id, before.number)
            if preview is None or preview.closed_at is not None or preview.created_at > tx.now - _FRESH:
                continue
            head = heads.get(preview.number)
            if head is None:
                self.lifecycle.close(tx, preview, ClosedWhy.MISSED)
            elif head in {preview.head, preview.passed_head} or preview.head != before.head:
                continue
            elif is_same(head, preview.head):  # the rest of its hash
                store.set_fields(tx, preview.preview_id, head=max(head, preview.head, key=len))
            elif preview.number in passed:
                store.set_fields(tx, preview.preview_id, passed_head=head)
            else:
                store.set_fields(tx, preview.preview_id, head=head, passed_head=None)
                if not preview.fork:
                    self._deploy(tx, store.find(tx, preview.preview_id))

    def _deploy(self, tx: Tx, preview: Preview) -> None:
        try:
            self.lifecycle.deploy(tx, preview, _swept)
        except HeadwayError as error:
            log.warning("preview %s: %s", preview.preview_id, error.message)


def _swept(request: Request) -> Request:
    return replace(request, trigger=Trigger.WEBHOOK, triggered_by_name="Headway, which missed a push")


def _look(tx: Tx) -> tuple[list[str], list[str], Mapping[str, int], list[str]]:
    """The time of which is over, and of which to be awake; how many there are, and which are ending."""
    expired, tired = ([each.preview_id for each in found(tx)] for found in (store.expired, store.tired))
    return expired, tired, store.counted(tx), services_store.ending(tx)
