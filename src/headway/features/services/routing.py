"""Keeps the edge's route of each service as the rows have it; each kind knows where its requests go."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import field, replace
from typing import TypeVar

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.drivers.edge.edge import HostTaken
from headway.drivers.edge.first_answer import Answered
from headway.drivers.edge.route_probe import PROOF_SECONDS
from headway.features.edge import domains_store
from headway.features.edge.domain_snapshots import Restoring
from headway.features.edge.domains_model import EdgeFacts
from headway.features.edge.route_target import RouteTargetFacts
from headway.features.services import store
from headway.features.services.edges import ServiceEdge, ServiceEdges
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Entrance, Route, Upstream, Way
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.vault import Vault

NO_SERVER = Upstream(port=9)  # of a route that is written down and never set: nothing answers at discard
ReadRoute = Callable[[Tx], Route | None]
R = TypeVar("R")

_PARKED = "parked.invalid"  # no name that anybody could have


class NotFollowed(Unavailable):
    """What was changed is kept, and the edge does not work by it yet."""


def new_turns() -> dict[str, asyncio.Lock]:
    """One lock for each service, made when it is first asked for."""
    return defaultdict(asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRouting:
    """Writes routes, one at a time for each service: whoever moves one to a release and whoever changes its domains
    both write what the rows say at that moment, so neither undoes the other. ``subject_type`` is what domains call such
    a service, ``noun`` what callers do; ``turns`` are those of the services of every kind.
    """

    db: Database
    edge: ServiceEdges
    vault: Vault
    facts: EdgeFacts
    noun: Noun
    subject_type: SubjectType
    turns: dict[str, asyncio.Lock] = field(default_factory=new_turns)

    async def remove(self, service_id: str) -> None:
        """Leads the service's requests nowhere."""
        async with self.turns[service_id]:
            await self.edge.remove_route(service_id)

    def front(self, tx: Tx, service_id: str) -> RouteTargetFacts | None:
        """What a service is to those who come, None when there is none of this kind."""
        raise NotImplementedError

    async def standing(self, service_id: str) -> Route | None:
        """The route that stands now."""
        return await self.edge.route(service_id)

    async def answered(self, service_id: str, host: str, path: str) -> Answered | None:
        """See ``RouteTarget``."""
        route = await self.edge.route(service_id)
        ways = () if route is None else tuple(way for way in route.ways if (way.host, way.path) == (host, path))
        return await self.edge.answered(replace(route, ways=ways[:1])) if route is not None and ways else None

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        """Returns once requests by each way end at what the route leads to. Raises HeadwayError."""
        await self.edge.proven(route, timeout_seconds=timeout_seconds)

    async def taken_up(self, route: Route) -> None:
        """Returns once the edge works by the route, whoever answers. Raises HeadwayError."""
        await self.edge.taken_up(route)

    def restoring(self, service_id: str, organization_id: str) -> Restoring:
        """What brings back the domains that led to a service at an earlier time."""
        return Restoring(
            subject_type=self.subject_type,
            subject_id=service_id,
            organization_id=organization_id,
            facts=self.facts,
            named=store.named,
        )

    async def _lead(self, service_id: str, read: ReadRoute) -> Route | None:
        """Leads requests as the rows say, nowhere where they have no route; gives the route."""
        return await self._in_turn(service_id, lambda: self._set_or_remove(service_id, read))

    async def _lead_if(self, service_id: str, read: ReadRoute) -> Route | None:
        """Leads requests as the rows say, as before where they have no route; gives the route."""
        return await self._in_turn(service_id, lambda: self._set(read))

    async def _in_turn(self, service_id: str, act: Callable[[], Awaitable[R]]) -> R:
        """What is done while the service has its turn; once more where its hosts stood in the routes of others, which
        have given them up and could not be told the edge yet. Nobody waits for two turns at once.
        """
        try:
            async with self.turns[service_id]:
                return await act()
        except HostTaken:
            if not await self._make_way(service_id):
                raise
        async with self.turns[service_id]:
            return await act()

    async def _make_way(self, service_id: str) -> bool:
        """Takes what is the service's by the rows out of the routes of others; whether anything was."""
        near = await self.edge.near(service_id)
        wanted = await self.db.read(lambda tx: self._ways_of(tx, service_id))
        others = [name for name, route in (await near.routes()).items() if wanted & _ways(route)]
        freed = [await self._narrow(near, other, service_id) for other in others if other != service_id]
        return any(freed)

    async def _narrow(self, near: ServiceEdge, other: str, service_id: str) -> bool:
        async with self.turns[other]:  # so that what the rows say is not another's again by the time it is written
            wanted, standing = await self.db.read(lambda tx: self._ways_of(tx, service_id)), await near.route(other)
            if standing is None or not wanted & _ways(standing):
                return False
            await near.set_route(_without(standing, wanted))
            return True

    def _ways_of(self, tx: Tx, service_id: str) -> set[tuple[str, str]]:
        """The hosts and paths that are the service's, and nobody else's, by the rows."""
        front = self.front(tx, service_id)
        found = [] if front is None else domains_store.standing(tx, self.subject_type, service_id, front, self.facts)
        return {(each.wish.host, each.wish.path) for each in found if each.wish.enabled}

    async def _set_or_remove(self, service_id: str, read: ReadRoute) -> Route | None:
        """As ``_lead``, for whoever has the service's turn."""
        route = await self._set(read)
        if route is None:
            await self.edge.remove_route(service_id)
        return route

    async def _set(self, read: ReadRoute) -> Route | None:
        """As ``_lead_if``, for whoever has the service's turn."""
        route = await self.db.read(read)
        if route is not None:
            await self.edge.set_route(route)
        return route

    async def _settled(self, written: Awaitable[Route | None]) -> None:
        """Returns when the edge works by what was ``written``. Raises NotFollowed."""
        try:
            route = await written
            if route is not None:
                await self.edge.taken_up(route)
        except HeadwayError as error:
            raise NotFollowed(
                f"The change is kept, but the edge does not work by it yet; Headway goes on trying: {error.message}"
            ) from error


def _ways(route: Route) -> set[tuple[str, str]]:
    return {(way.host, way.path) for way in route.ways}


def _without(route: Route, gone: Collection[tuple[str, str]]) -> Route:
    """The route by its other ways; where there is none, by one that nobody comes: what it leads to stays known, and is
    led to as soon as the rows say by which name.
    """
    kept = tuple(way for way in route.ways if (way.host, way.path) not in gone)
    parked = Way(host=_PARKED, path=f"/{route.application_id}", entrance=Entrance.HTTP, issued=False)
    return replace(route, ways=kept or (replace(parked, upstreams=route.ways[0].upstreams),))


def unless_same(before: Sequence[Upstream], upstreams: Sequence[Upstream]) -> tuple[Upstream, ...]:
    """The servers of before, none where one of them is a server of now."""
    return () if set(before) & set(upstreams) else tuple(before)
