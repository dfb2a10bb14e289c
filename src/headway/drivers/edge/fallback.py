"""The servers of a release, and those of the one before it, which are asked where nobody answers at the first."""

from __future__ import annotations

from typing import Any

from headway.kernel.artifacts import Upstream
from headway.kernel.dataclass import dataclass

Section = dict[str, Any]

# As Traefik says that it could not reach a server, or not in time: the address of a container that is gone is silent.
_UNREACHED = ("502", "504")
_DIAL_SECONDS = "250ms"
# The rest is asked of the release before only where nothing of it was sent to this one, as nobody took the connection:
# its server is out for a moment after so many in a row, and is tried again by then.
_REFUSALS, _OUT = 5, "1500ms"
_RETRY_SECONDS = "5s"
# Of so many requests one goes to the release before, which is well; a larger share costs Traefik more than it saves.
_SHARE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A service of the name, and where it has some ``before`` it what leads to those where nobody answers."""

    name: str
    upstreams: tuple[Upstream, ...]
    before: tuple[Upstream, ...]

    @property
    def either(self) -> str:
        """The service for what may be asked of both."""
        return f"{self.name}.either/"

    @property
    def rest(self) -> str:
        """The service for what may not."""
        return f"{self.name}.rest/"

    @property
    def dial(self) -> str:
        """The transport to both."""
        return f"{self.name}.dial/"

    @property
    def retry(self) -> str:
        """The middleware before that."""
        return f"{self.name}.retry/"

    def services(self) -> Section:
        """In Traefik's words."""
        if not self.before:
            return {self.name: _balancer(self.upstreams)}
        other, failover = f"{self.name}.before/", {"service": self.name, "errors": {"status": [*_UNREACHED]}}
        found = {
            self.name: _balancer(self.upstreams),
            other: _balancer(self.before),
            self.rest: _preferring(self.upstreams, self.before),
        }
        for each in found.values():
            each["loadBalancer"]["serversTransport"] = self.dial
        return found | {self.either: {"failover": failover | {"fallback": other}}}

    def transports(self) -> Section:
        """How long they are waited for, in Traefik's words: the other is asked soon where one does not answer."""
        return {self.dial: {"forwardingTimeouts": {"dialTimeout": _DIAL_SECONDS}}} if self.before else {}

    def middlewares(self) -> Section:
        """In Traefik's words."""
        attempts = 2 * _REFUSALS * len(self.upstreams) + 1
        return {self.retry: {"retry": {"attempts": attempts, "timeout": _RETRY_SECONDS}}} if self.before else {}


def _balancer(upstreams: tuple[Upstream, ...]) -> Section:
    servers = [{"url": f"{each.scheme}://{_bracketed(each.address)}:{each.port}"} for each in upstreams]
    return {"loadBalancer": {"servers": servers, "passHostHeader": True}}


def _preferring(first: tuple[Upstream, ...], other: tuple[Upstream, ...]) -> Section:
    """A balancer that leads to the other servers where the first take no connection."""
    balancer = _balancer((*first, *other))["loadBalancer"]
    for server in balancer["servers"][: len(first)]:
        server["weight"] = _SHARE
    return {"loadBalancer": {**balancer, "passiveHealthCheck": {"maxFailedAttempts": _REFUSALS, "failureWindow": _OUT}}}


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
