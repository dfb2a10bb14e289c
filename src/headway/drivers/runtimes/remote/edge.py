"""The edge of a server, asked over the link."""

from __future__ import annotations

from collections.abc import Sequence

from headway.drivers.edge.first_answer import Answered
from headway.drivers.edge.issuance import Issuance
from headway.drivers.edge.route_probe import PROOF_SECONDS
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.kernel.artifacts import KeyPair, Route
from headway.kernel.dataclass import dataclass

_PART = "edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEdge:
    """Traefik on a server, there from the first route on. Everything may raise HostUnreachable too."""

    agent: RuntimeAgentClient

    async def ensure(self) -> None:
        """Starts it where it has a route, unless it is there."""
        if await self.routes():
            await self.agent.call(_PART, "ensure")

    async def watch(self) -> list[str]:
        """Starts it where it has a route, unless it is there; how it has ended since this was asked last, in words."""
        ends: list[str] = await self.agent.call(_PART, "watch")
        return ends

    async def set_route(self, route: Route) -> None:
        """Sends an application's requests to a release."""
        await self.agent.provide("traefik", self.agent.setting.edge)
        await self.agent.call(_PART, "set_route", route=route)

    async def remove_route(self, application_id: str) -> None:
        """Sends them nowhere."""
        await self.agent.call(_PART, "remove_route", application_id=application_id)

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        """Returns once a request by each way has reached the release."""
        await self.agent.call(_PART, "proven", route=route, timeout_seconds=timeout_seconds)

    async def taken_up(self, route: Route) -> None:
        """Returns once the edge works by the route."""
        await self.agent.call(_PART, "taken_up", route=route)

    async def answered(self, route: Route) -> Answered:
        """What a visitor is answered now."""
        found: Answered = await self.agent.call(_PART, "answered", route=route)
        return found

    async def route(self, application_id: str) -> Route | None:
        """The route that stands."""
        found: Route | None = await self.agent.call(_PART, "route", application_id=application_id)
        return found

    async def routes(self) -> dict[str, Route]:
        """Every route that stands, by its application."""
        found: dict[str, Route] = await self.agent.call(_PART, "routes")
        return found

    async def try_out(self, route: Route) -> None:
        """Returns if the proxy takes the route."""
        await self.agent.provide("traefik", self.agent.setting.edge)
        await self.agent.call(_PART, "try_out", route=route)

    async def set_certificates(self, pairs: Sequence[KeyPair]) -> None:
        """Shows these certificates."""
        await self.agent.call(_PART, "set_certificates", pairs=pairs)

    async def issuance(self) -> Issuance | None:
        """What authorities have issued to it; None where that cannot be read now."""
        found: Issuance | None = await self.agent.call("issuance", "read")
        return found
