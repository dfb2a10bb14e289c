"""What of services does not serve although it is to, as their machines tell it now: a read, asked of the policy."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, reach
from headway.core.deployments.model import SubjectType
from headway.core.engine.concurrency import AT_ONCE
from headway.features.services import overview_store
from headway.features.services.model import DesiredState, ServiceStatus, type_of
from headway.features.services.overview_store import ServiceOverview
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.logs.mask import masker_of
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_FRESH_SECONDS = 2.0  # many pages that look at the same moment are one look
_KEPT_SECONDS = 15.0  # an answer that is no older stands for one that does not come in time
_SECONDS_OF_A_LOOK = 10.0
_SECONDS_OF_A_WAIT = 1.5
_AWAY = "its server does not answer"
_SILENT = f"it was not answered within {_SECONDS_OF_A_WAIT:g} seconds"
_LOOP_EXITS = 3
_STAYS = timedelta(seconds=10)
_LONGEST_WHY = 600
_UNFORESEEN = "its machine answered what the panel does not understand"
GONE = "nothing of it is on its machine any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downtime:
    """That something of a service does not serve: the ``names`` of those of its processes, or of the services of its
    file, of which no copy does, and whether that ``is_all`` of it. ``since`` is when the last of them ended, or since
    when they were seen not to serve (None: neither is known), ``exits`` how often they have ended by themselves,
    ``last_exit`` how it was, ``why`` what keeps them from it, where that is known. What ``runs`` all the same is
    paused, or fails its own check.
    """

    names: tuple[str, ...]
    is_all: bool
    since: datetime | None
    exits: int
    last_exit: str | None
    why: str | None = None
    runs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """That it cannot be told whether a service runs: since when, and why."""

    since: datetime
    why: str


class DowntimeOf(Protocol):
    """Looks at what serves of a service of one kind on its machine."""

    async def __call__(self, service_id: str, /) -> Downtime | None:
        """None where all of it serves. Raises HeadwayError where that cannot be told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a look saw, and when."""

    at: float
    found: Downtime | Untold | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeReader:
    """What callers may see of that. ``of`` looks at a service of each type, ``refusals`` tells by their ids what keeps
    services from being brought up. A look belongs to nobody who waits for it: it goes on when they have gone, and no
    machine and no organisation holds up another.
    """

    db: Database
    clock: Clock
    of: Mapping[SubjectType, DowntimeOf]
    refusals: Callable[[], Mapping[str, str]]
    _looks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _seats: dict[tuple[str, str], asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
    )
    _seen: dict[str, _Seen] = field(default_factory=dict)
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

    async def release(self) -> None:
        """Ends what is under way."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    async def _among(self, services: Sequence[ServiceOverview]) -> Mapping[str, Downtime | Untold]:
        wanted = [each for each in services if _is_to_run(each)]
        away = {each.service_id: each.away_since for each in wanted if each.away_since is not None}
        asked = [each for each in wanted if each.service_id not in away]
        self._forget(time.monotonic() - _KEPT_SECONDS)
        await self._look_at(asked)
        refusals = self.refusals()
        told: dict[str, Downtime | Untold] = {each: Untold(since=at, why=_AWAY) for each, at in away.items()}
        for each in asked:
            found = self._known(each.service_id)
            if isinstance(found, Downtime):
                seen = None if each.serving is None else each.serving.down_since
                found = replace(found, since=found.since or seen, why=refusals.get(each.service_id, found.why))
            if found is not None:
                told[each.service_id] = found
        return told

    async def _look_at(self, services: Iterable[ServiceOverview]) -> None:
        """Looks at those of which no look is fresh, and waits for a while until all have been seen."""
        stale = time.monotonic() - _FRESH_SECONDS
        looks = []
        for each in services:
            seen, look = self._seen.get(each.service_id), self._looks.get(each.service_id)
            if look is None and (seen is None or seen.at < stale):
                look = self._begin(each)
            if look is not None:
                looks.append(look)
        if looks:
            await asyncio.wait(looks, timeout=_SECONDS_OF_A_WAIT)

    def _begin(self, service: ServiceOverview) -> asyncio.Task[None]:
        service_id = service.service_id
        look = asyncio.get_running_loop().create_task(self._look(service), name=f"look at {service_id}")
        self._looks[service_id] = look
        look.add_done_callback(lambda _look: self._looks.pop(service_id, None))
        return look

    async def _look(self, service: ServiceOverview) -> None:
        # The machine of one may be slow, and its engine more so: nobody else's services wait for that.
        async with self._seats[service.place.organization_id, service.host_id]:
            found = await self._told_of(service.service_id, type_of(service.kind))
        if not isinstance(found, Untold):
            self._untold.pop(service.service_id, None)
        self._seen[service.service_id] = _Seen(at=time.monotonic(), found=found)

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

    def _known(self, service_id: str) -> Downtime | Untold | None:
        seen = self._seen.get(service_id)
        return self._cannot_tell(service_id, _SILENT) if seen is None else seen.found

    def _forget(self, older: float) -> None:
        for service_id in [each for each, seen in self._seen.items() if seen.at < older]:
            del self._seen[service_id]
        for service_id in self._untold.keys() - self._seen.keys() - self._looks.keys():
            del self._untold[service_id]


def is_in_a_loop(exits: int, since: datetime | None, now: datetime) -> bool:
    """Whether what runs ``since`` then has ended again and again, and may in a moment."""
    # The clock is that of its machine: where that goes wrong it is taken for what has stayed up.
    return exits >= _LOOP_EXITS and since is not None and timedelta(0) <= now - since < _STAYS


async def masked(down: Downtime, secrets: Callable[[], Awaitable[set[str]]]) -> Downtime:
    """It in one line and without secrets, where it quotes what a check has said."""
    if down.why is None or down.why == GONE:
        return down
    masker = await masker_of(await secrets())
    return replace(down, why=" ".join(masker.mask_text(down.why).split())[:_LONGEST_WHY])


def _is_to_run(service: ServiceOverview) -> bool:
    """Whether it should serve, and nothing is being deployed or started of it."""
    is_wanted = service.wanted is DesiredState.UP and service.status is not ServiceStatus.RUNNING
    return is_wanted and service.serving is not None
