"""The edges of all hosts as one: each service's requests come in at the edge of the host that it is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from headway.drivers.edge.first_answer import Answered
from headway.drivers.edge.route_probe import PROOF_SECONDS
from headway.features.services import store
from headway.infra.db.engine import Database
from headway.kernel.artifacts import Route
from headway.kernel.dataclass import dataclass


class ServiceEdge(Protocol):
    """The proxy in front of what serves; a service's id is called as the route calls it, ``application_id``."""

    async def set_route(self, route: Route) -> None:
        """Leads a service's requests as the route says."""
        ...

    async def remove_route(self, application_id: str) -> None:
        """Leads them nowhere."""
        ...

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        """Returns once a request by each way has reached what the route leads to. Raises HeadwayError after a
        deadline.
        """
        ...

    async def taken_up(self, route: Route) -> None:
        """Returns once the edge works by the route, whether or not what it leads to answers. Raises HeadwayError
        after a deadline.
        """
        ...

    async def answered(self, route: Route) -> Answered:
        """What a visitor is answered now. Raises HeadwayError."""
        ...

    async def route(self, application_id: str) -> Route | None:
        """The route that stands."""
        ...

    async def routes(self) -> Mapping[str, Route]:
        """Every route that stands, by its service."""
        ...

    async def try_out(self, route: Route) -> None:
        """Returns if the proxy takes the route, which is not set. Raises InvalidInput."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEdges:
    """Fits ``ServiceEdge``. ``here`` is the edge of the panel's machine, ``there`` gives that of a server."""

    db: Database
    here: ServiceEdge
    here_id: str
    there: Callable[[str], ServiceEdge]

    async def set_route(self, route: Route) -> None:
        await (await self._of(route.application_id)).set_route(route)

    async def remove_route(self, application_id: str) -> None:
        await (await self._of(application_id)).remove_route(application_id)

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        await (await self._of(route.application_id)).proven(route, timeout_seconds=timeout_seconds)

    async def taken_up(self, route: Route) -> None:
        await (await self._of(route.application_id)).taken_up(route)

    async def answered(self, route: Route) -> Answered:
        return await (await self._of(route.application_id)).answered(route)

    async def route(self, application_id: str) -> Route | None:
        return await (await self._of(application_id)).route(application_id)

    async def routes(self) -> Mapping[str, Route]:
        """Those of the panel's machine."""
        return await self.here.routes()

    async def near(self, application_id: str) -> ServiceEdge:
        """The edge of the host that a service is on, the panel's where there is none. Raises HostUnreachable."""
        return await self._of(application_id)

    async def try_out(self, route: Route) -> None:
        """See ``ServiceEdge``; what the user's own words come to is the same everywhere."""
        await self.here.try_out(route)

    async def _of(self, application_id: str) -> ServiceEdge:
        host_id = await self.db.read(lambda tx: store.host_of(tx, application_id))
        return self.here if host_id in {None, self.here_id} else self.there(host_id or "")
