"""What is asked of a server's runtimes and edge: the calls by name, with the types that each takes and gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, get_type_hints

from headway.drivers.edge.first_answer import Answered
from headway.drivers.edge.issuance import Issuance
from headway.drivers.edge.route_probe import PROOF_SECONDS
from headway.drivers.edge.traefik import EdgeAccounts
from headway.drivers.runtimes.container.exec_sessions import Visiting
from headway.drivers.runtimes.container.start_networks import StartNetworks
from headway.drivers.runtimes.contract.machine import Machine
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.kernel.artifacts import KeyPair, Route
from headway.kernel.dataclass import dataclass

# What no JSON holds: both ends have their own of these.
_OWN = frozenset({"work", "masked", "return"})


class RemoteEdgeContract(Protocol):
    """The proxy of a server; ``drivers.edge.edge.Edge`` fits it."""

    async def ensure(self) -> None:
        """Starts it unless it is there."""
        ...

    async def watch(self) -> list[str]:
        """The same where it has a route; how it has ended since this was asked last."""
        ...

    async def set_route(self, route: Route) -> None:
        """Leads an application's requests to a release."""
        ...

    async def remove_route(self, application_id: str) -> None:
        """Takes the application's route away."""
        ...

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        """Returns once requests by each way end at the release."""
        ...

    async def taken_up(self, route: Route) -> None:
        """Returns once the edge works by the route's file."""
        ...

    async def answered(self, route: Route) -> Answered:
        """What a visitor is answered now."""
        ...

    async def routes(self) -> dict[str, Route]:
        """Every route that stands."""
        ...

    async def route(self, application_id: str) -> Route | None:
        """The application's route."""
        ...

    async def try_out(self, route: Route) -> None:
        """Returns if the proxy takes the route."""
        ...

    async def set_certificates(self, pairs: Sequence[KeyPair]) -> None:
        """Shows these certificates."""
        ...


class Issuing(Protocol):
    """What authorities have issued to the proxy; ``drivers.edge.issuance.IssuanceFiles`` fits it."""

    async def read(self) -> Issuance | None:
        """All of it; None where it cannot be read now."""
        ...


class Closing(Protocol):
    """What keeps native applications of a server from ports of others; ``NativeRuntime`` fits it."""

    async def close_ports(self, ports: Collection[int]) -> None:
        """Keeps them from these as well."""
        ...


CONTRACTS: Mapping[str, Any] = {
    "beginning": StartNetworks,
    "closing": Closing,
    "native": Runtime,
    "container": Runtime,
    "edge": RemoteEdgeContract,
    "issuance": Issuing,
    "machine": Machine,
    "visits": Visiting,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the program on the server works by. ``root`` is the folder of all that it keeps; the paths of ``edge`` and
    ``site`` are those of Traefik and of the file server. ``edge_accounts`` are for a server where we are root,
    ``accounts`` those of applications, from the first to the one after the last. The groups of its runs go by the name
    ``runs``.
    """

    root: str
    panel_id: str
    use_cgroups: bool | None
    edge_host: str
    edge_port: int
    https_port: int | None
    certificate_mail: str | None
    certificate_authority: str | None
    certificate_roots: str | None
    edge: str
    site: str
    engine: str
    edge_accounts: EdgeAccounts
    accounts: tuple[int, int] | None = None
    runs: str | None = None


@cache
def types_of(part: str, method: str) -> tuple[Mapping[str, Any], Any]:
    """The types of a call's arguments by name, and of its answer. Raises KeyError for what is no call."""
    called = vars(CONTRACTS[part])[method]
    hints = get_type_hints(called)
    return {name: hint for name, hint in hints.items() if name not in _OWN}, hints["return"]
