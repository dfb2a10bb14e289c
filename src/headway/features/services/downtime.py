"""What of services does not run although it is to, as their machines tell it now: a read, asked of the policy."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_FRESH_SECONDS = 2.0  # many pages that look at the same moment are one look
_SECONDS_OF_A_LOOK = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Downtime:
    """That something of a service has ended by itself and does not run: the ``names`` of those of its processes, or of
    the services of its file, of which no copy does, and whether that ``is_all`` of it. ``since`` is when the last of
    them ended (None: its machine does not tell), ``exits`` how often they have, ``last_exit`` how it was.
    """

    names: tuple[str, ...]
    is_all: bool
    since: datetime | None
    exits: int
    last_exit: str | None


class DowntimeOf(Protocol):
    """Looks at what serves of a service of one kind on its machine."""

    async def __call__(self, service_id: str, /) -> Downtime | None:
        """None where all of it runs, or it is not known what does. Raises HeadwayError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeReader:
    """What callers may see of that. ``of`` looks at a service of each type."""

    db: Database
    of: Mapping[SubjectType, DowntimeOf]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: dict[str, tuple[float, Downtime | None]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    async def all(self, actor: Actor) -> Mapping[str, Downtime]:
        """By their ids, those services that the caller may see of which something is down."""
        found = await self.db.read(lambda tx: overview_store.within(tx, actor.organization_id, reach(actor)))
        return await self._among(found)

    async def one(self, actor: Actor, permission: Permission, service_id: str) -> Mapping[str, Downtime]:
        """The same of one service. Raises Missing."""

        def look(tx: Tx) -> ServiceOverview:
            found = overview_store.find(tx, service_id)
            if found is None:
                raise Missing(Noun.SERVICE)
            place = (found.place.organization_id, found.place.project_id)
            permit(actor, permission, *place, service_id=service_id, noun=Noun.SERVICE)
            return found

        return await self._among([await self.db.read(look)])

    async def _among(self, services: Sequence[ServiceOverview]) -> Mapping[str, Downtime]:
        ids = {each.service_id: type_of(each.kind) for each in services if _is_to_run(each)}
        async with self._turn:
            now = time.monotonic()
            for service_id in [each for each, (at, _) in self._seen.items() if now - at > _FRESH_SECONDS]:
                del self._seen[service_id]
            await at_once(self._look(each, ids[each]) for each in ids.keys() - self._seen.keys())
            return {each: down for each in ids if (down := self._seen[each][1]) is not None}

    async def _look(self, service_id: str, kind: SubjectType) -> None:
        """What cannot be told of one service now is not said of it, and keeps nobody from the others."""
        down = None
        try:
            async with asyncio.timeout(_SECONDS_OF_A_LOOK):
                down = await self.of[kind](service_id)
        except (HeadwayError, OSError):  # a time that is up is one, too
            pass
        except Exception:  # what nobody foresaw of one service is no other's
            if service_id not in self._told:  # each look meets it again: once is enough
                self._told.add(service_id)
                log.exception("what runs of service %s cannot be told", service_id)
        self._seen[service_id] = (time.monotonic(), down)


def _is_to_run(service: ServiceOverview) -> bool:
    """Whether it should serve, and nothing is being deployed or started of it."""
    is_wanted = service.wanted is DesiredState.UP and service.status is not ServiceStatus.RUNNING
    return is_wanted and service.serving is not None and service.away_since is None
