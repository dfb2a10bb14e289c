"""Writes down since when what serves on one host is down, and tells of it once, whoever looks or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import timedelta
from functools import partial
from typing import Any

from headway.core.access.topics import topics_of_services
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.store import add_to_outbox
from headway.features.services import downtime_store
from headway.features.services.downtime import Downtime, DowntimeOf
from headway.features.services.downtime_store import MarkedService
from headway.features.services.model import AtRest, DesiredState, Kinds
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import Whose

_SECONDS_OF_A_LOOK = 5.0


@dataclass(slots=True)
class _Seen:
    """What was seen of a release at each look since a moment of this process's own clock."""

    release_id: str
    is_down: bool
    at: float


@dataclass(kw_only=True)
class DowntimeWatch:
    """What is down at each look for ``sure_seconds`` is written to be, and so is what is up again: a program that ends
    and is started again and again is up for a moment each time. Where each has to be asked for by itself, it is looked
    at each ``each_seconds``, and they take turns.
    """

    host_id: str
    kinds: Kinds
    db: Database
    ledger: Ledger
    sure_seconds: float = 10.0
    each_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _marked: set[str] | None = None

    def due(self, at_rest: Sequence[AtRest]) -> list[AtRest]:
        """Those of these services that are to be looked at now."""
        now, live = self.clock(), [each for each in at_rest if _is_to_run(each)]
        for place, each in enumerate(live):
            self._due.setdefault(each.service_id, now + self.each_seconds * place / len(live))
        for gone in self._due.keys() - {each.service_id for each in live}:
            del self._due[gone]
        found = [each for each in live if self._due[each.service_id] <= now]
        for each in found:
            self._due[each.service_id] = now + self.each_seconds
        return found

    async def look(self, each: AtRest, of: DowntimeOf) -> None:
        """Asks for one service. What cannot be told now stays as it was written: nobody knows better."""
        if each.release_id is None:
            return
        try:
            async with asyncio.timeout(_SECONDS_OF_A_LOOK):
                down = await of(each.service_id)
        except (HeadwayError, OSError):  # a time that is up is one, too
            return
        await self.saw(each.service_id, each.release_id, down)
        if self._is_doubtful(each.service_id):
            self._due[each.service_id] = self.clock() + self.sure_seconds

    async def saw(self, service_id: str, release_id: str, down: Downtime | None) -> None:
        """Takes what was seen of a release that is to run, and writes it down once it is sure."""
        marked, now = await self._read_marked(), self.clock()
        seen = self._seen.get(service_id)
        if seen is None or (seen.release_id, seen.is_down) != (release_id, down is not None):
            seen = self._seen[service_id] = _Seen(release_id=release_id, is_down=down is not None, at=now)
        if seen.is_down is (release_id in marked) or now - seen.at < self.sure_seconds:
            return
        if down is None:
            await self._clear(release_id)
        elif await self.db.run(partial(self._mark, release_id=release_id, down=down, ago=now - seen.at)):
            marked.add(release_id)

    async def forget_others(self, at_rest: Sequence[AtRest]) -> None:
        """Takes back what is written of those that are not to run any more: they are stopped, and no more than that.
        What something is done to is seen anew afterwards.
        """
        marked = await self._read_marked()
        to_run = {each.service_id for each in at_rest if _is_to_run(each)}
        for gone in self._seen.keys() - to_run:
            del self._seen[gone]
        for each in at_rest:
            if each.service_id not in to_run and each.release_id is not None and each.release_id in marked:
                await self._clear(each.release_id)

    def _is_doubtful(self, service_id: str) -> bool:
        seen = self._seen.get(service_id)
        return seen is not None and seen.is_down is not (seen.release_id in (self._marked or ()))

    async def _read_marked(self) -> set[str]:
        """Those that are written to be down, by this panel or the one before it: nobody else writes them."""
        if self._marked is None:
            self._marked = await self.db.read(lambda tx: downtime_store.marked_on(tx, self.host_id, self.kinds))
        return self._marked

    async def _clear(self, release_id: str) -> None:
        await self.db.run(partial(self._cleared, release_id=release_id))
        if self._marked is not None:
            self._marked.discard(release_id)

    def _mark(self, tx: Tx, release_id: str, down: Downtime, ago: float) -> bool:
        """Whether it is written now; it is told by whoever wrote it, within the same transaction."""
        service = downtime_store.mark(tx, release_id, down.since or tx.now - timedelta(seconds=ago))
        if service is None:
            return downtime_store.is_marked(tx, release_id)
        add_to_outbox(tx, f"{service.subject_type}.down", _told(tx, service, down))
        self._changed(tx, service)
        return True

    def _cleared(self, tx: Tx, release_id: str) -> None:
        service = downtime_store.clear(tx, release_id)
        if service is not None:
            self._changed(tx, service)

    def _changed(self, tx: Tx, service: MarkedService) -> None:
        whose = Whose(
            organization_id=service.organization_id, project_id=service.project_id, service_id=service.service_id
        )
        self.ledger.changed(tx, whose, *topics_of_services(service.service_id))


def _is_to_run(each: AtRest) -> bool:
    return each.release_id is not None and each.wanted is DesiredState.UP


def _told(tx: Tx, service: MarkedService, down: Downtime) -> dict[str, Any]:
    """Without how often it has ended: what ends again is the same, and is told no more often than channels want."""
    how = "it is not there" if down.why is None else down.why
    if down.exits:
        how = f"ended by itself, {f'last by {down.last_exit}' if down.last_exit else 'nobody knows how'}"
    names = ", ".join(down.names)[:300] or "all of it"
    return {
        "deploymentId": service.deployment_id,
        "title": None if down.is_all else "a part of it",
        "errorMessage": f"{names}: {how}",
        "subjectType": service.subject_type,
        "subjectId": service.service_id,
        "projectId": service.project_id,
        "organizationId": service.organization_id,
        "time": tx.now.isoformat(timespec="milliseconds"),
    }
