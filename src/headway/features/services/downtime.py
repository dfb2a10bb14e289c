"""What of services does not run although it is to, as their machines tell it now: a read, asked of the policy."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, reach
from headway.core.deployments.model import SubjectType
from headway.core.engine.concurrency import at_once
from headway.features.services import overview_store
from headway.features.services.model import DesiredState, ServiceStatus, type_of
from headway.features.services.overview_store import ServiceOverview
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.clock import Clock
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_FRESH_SECONDS = 2.0  # many pages that look at the same moment are one look
_SECONDS_OF_A_LOOK = 1.5
_AWAY = "its server does not answer"
_SILENT = f"it was not answered within {_SECONDS_OF_A_LOOK:g} seconds"
_UNFORESEEN = "its machine answered what the panel does not understand"
GONE = "nothing of it is on its machine any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downtime:
    """That something of a service does not run: the ``names`` of those of its processes, or of the services of its
    file, of which no copy does, and whether that ``is_all`` of it. ``since`` is when the last of them ended (None: its
    machine does not tell), ``exits`` how often they have by themselves, ``last_exit`` how it was, ``why`` what keeps
    them from running, where that is known.
    """

    names: tuple[str, ...]
    is_all: bool
    since: datetime | None
    exits: int
    last_exit: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """That it cannot be told whether a service runs: since when, and why."""

    since: datetime
    why: str


class DowntimeOf(Protocol):
    """Looks at what serves of a service of one kind on its machine."""

    async def __call__(self, service_id: str, /) -> Downtime | None:
        """None where all of it runs. Raises HeadwayError where that cannot be told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeReader:
    """What callers may see of that. ``of`` looks at a service of each type, ``refusals`` tells by their ids what keeps
    services from being brought up.
    """

    db: Database
    clock: Clock
    of: Mapping[SubjectType, DowntimeOf]
    refusals: Callable[[], Mapping[str, str]]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: dict[str, tuple[float, Downtime | Untold | None]] = field(default_factory=dict)
    _untold: dict[str, datetime] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    async def all(self, actor: Actor) -> Mapping[str, Downtime | Untold]:
        """By their ids, those services that the caller may see of which something is down, or may be."""
        found = await self.db.read(lambda tx: overview_store.within(tx, actor.organization_id, reach(actor)))
        return await self._among(found)

    async def one(self, actor: Actor, permission: Permission, service_id: str) -> Mapping[str, Downtime | Untold]:
        """The same of one service. Raises Missing."""

        def look(tx: Tx) -> ServiceOverview:
            found = overview_store.find(tx, service_id)
            if found is None:
                raise Missing(Noun.SERVICE)
            place = (found.place.organization_id, found.place.project_id)
            permit(actor, permission, *place, service_id=service_id, noun=Noun.SERVICE)
            return found

        return await self._among([await self.db.read(look)])

    async def _among(self, services: Sequence[ServiceOverview]) -> Mapping[str, Downtime | Untold]:
        wanted = [each for each in services if _is_to_run(each)]
        away = {each.service_id: each.away_since for each in wanted if each.away_since is not None}
        asked = [each for each in wanted if each.service_id not in away]
        kinds = {each.service_id: type_of(each.kind) for each in asked}
        async with self._turn:
            now = time.monotonic()
            for service_id in [each for each, (at, _) in self._seen.items() if now - at > _FRESH_SECONDS]:
                del self._seen[service_id]
            await at_once(self._look(each, kinds[each]) for each in kinds.keys() - self._seen.keys())
            seen = {each: self._seen[each][1] for each in kinds}
        refusals = self.refusals()
        told: dict[str, Downtime | Untold] = {each: Untold(since=at, why=_AWAY) for each, at in away.items()}
        for each in asked:
            found = seen[each.service_id]
            if isinstance(found, Downtime):
                found = replace(found, why=refusals.get(each.service_id, found.why))
            if found is not None:
                told[each.service_id] = found
        return told

    async def _look(self, service_id: str, kind: SubjectType) -> None:
        found = await self._told_of(service_id, kind)
        if not isinstance(found, Untold):
            self._untold.pop(service_id, None)
        self._seen[service_id] = (time.monotonic(), found)

    async def _told_of(self, service_id: str, kind: SubjectType) -> Downtime | Untold | None:
        """What cannot be told of one service is said of it, and keeps nobody from the others."""
        try:
            async with asyncio.timeout(_SECONDS_OF_A_LOOK):
                return await self.of[kind](service_id)
        except HeadwayError as error:
            return self._cannot_tell(service_id, error.message)
        except TimeoutError:
            return self._cannot_tell(service_id, _SILENT)
        except OSError as error:
            return self._cannot_tell(service_id, f"its machine cannot be asked: {error.strerror or error}")
        except Exception:  # what nobody foresaw of one service is no other's
            if service_id not in self._told:  # each look meets it again: once is enough
                self._told.add(service_id)
                log.exception("what runs of service %s cannot be told", service_id)
            return self._cannot_tell(service_id, _UNFORESEEN)

    def _cannot_tell(self, service_id: str, why: str) -> Untold:
        return Untold(since=self._untold.setdefault(service_id, self.clock.now()), why=why)


def _is_to_run(service: ServiceOverview) -> bool:
    """Whether it should serve, and nothing is being deployed or started of it."""
    is_wanted = service.wanted is DesiredState.UP and service.status is not ServiceStatus.RUNNING
    return is_wanted and service.serving is not None
