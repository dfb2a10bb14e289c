"""Keeps the edge's route of each service as the rows have it; each kind knows where its requests go."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.drivers.edge.route_probe import PROOF_SECONDS
from headway.features.edge.domain_snapshots import Restoring
from headway.features.edge.domains_model import EdgeFacts
from headway.features.services import store
from headway.features.services.edges import ServiceEdge
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route, Upstream
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.vault import Vault

NO_SERVER = Upstream(port=9)  # of a route that is written down and never set: nothing answers at discard
ReadRoute = Callable[[Tx], Route | None]


class NotFollowed(Unavailable):
    """What was changed is kept, and the edge does not work by it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRouting:
    """Writes routes, one at a time for each service: whoever moves one to a release and whoever changes its domains
    both write what the rows say at that moment, so neither undoes the other. ``subject_type`` is what domains call such
    a service, ``noun`` what callers do.
    """

    db: Database
    edge: ServiceEdge
    vault: Vault
    facts: EdgeFacts
    noun: Noun
    subject_type: SubjectType
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def remove(self, service_id: str) -> None:
        """Leads the service's requests nowhere."""
        async with self._turns[service_id]:
            await self.edge.remove_route(service_id)

    async def standing(self, service_id: str) -> Route | None:
        """The route that stands now."""
        return await self.edge.route(service_id)

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
        async with self._turns[service_id]:
            return await self._set_or_remove(service_id, read)

    async def _lead_if(self, service_id: str, read: ReadRoute) -> Route | None:
        """Leads requests as the rows say, as before where they have no route; gives the route."""
        async with self._turns[service_id]:
            return await self._set(read)

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


def unless_same(before: Sequence[Upstream], upstreams: Sequence[Upstream]) -> tuple[Upstream, ...]:
    """The servers of before, none where one of them is a server of now."""
    return () if set(before) & set(upstreams) else tuple(before)
