"""The edges of all hosts as one: each service's requests come in at the edge of the host that it is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headway.drivers.runtimes.first_answer import Answered
from headway.drivers.runtimes.route_probe import PROOF_SECONDS
from headway.features.services.application.routing import ApplicationEdge
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Fits ``routing.Edge``. ``here`` is the edge of the panel's machine, ``there`` gives that of a server, ``host_of``
    tells on which host a service is.
    """

    db: Database
    here: ApplicationEdge
    here_id: str
    there: Callable[[str], ApplicationEdge]
    host_of: Callable[[Tx, str], str | None]

    async def set_route(self, route: Route) -> None:
        """See ``ApplicationEdge``."""
        await (await self._of(route.application_id)).set_route(route)

    async def remove_route(self, application_id: str) -> None:
        """See ``ApplicationEdge``."""
        await (await self._of(application_id)).remove_route(application_id)

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        """See ``ApplicationEdge``."""
        await (await self._of(route.application_id)).proven(route, timeout_seconds=timeout_seconds)

    async def taken_up(self, route: Route) -> None:
        """See ``ApplicationEdge``."""
        await (await self._of(route.application_id)).taken_up(route)

    async def answered(self, route: Route) -> Answered:
        """See ``ApplicationEdge``."""
        return await (await self._of(route.application_id)).answered(route)

    async def route(self, application_id: str) -> Route | None:
        """See ``ApplicationEdge``."""
        return await (await self._of(application_id)).route(application_id)

    async def routes(self) -> Mapping[str, Route]:
        """Those of the panel's machine."""
        return await self.here.routes()

    async def try_out(self, route: Route) -> None:
        """See ``ApplicationEdge``; what the user's own words come to is the same everywhere."""
        await self.here.try_out(route)

    async def _of(self, application_id: str) -> ApplicationEdge:
        host_id = await self.db.read(lambda tx: self.host_of(tx, application_id))
        return self.here if host_id in {None, self.here_id} else self.there(host_id or "")
