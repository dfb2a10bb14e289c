"""What works on servers: made for a host, or once for each link to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Generic, TypeVar

from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.drivers.runtimes.remote.contract import Setting
from headway.drivers.runtimes.remote.edge import RemoteEdge
from headway.infra.docker.api import DockerApi
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLink:
    """What works on one server; ``panel_id`` is what this panel is called there."""

    host: SshHost
    agent: RuntimeAgentClient
    api: DockerApi
    panel_id: str


@dataclass(kw_only=True)
class OfLink(Generic[T]):
    """What ``make`` gives for a server, made once for each link to it. What was learned over one (where an engine keeps
    its images) says nothing of the next: then it is made anew, and nothing is kept while there is no link.
    """

    host: Callable[[str], SshHost]
    make: Callable[[SshHost], T]
    _made: dict[str, tuple[SshHost, int, T]] = field(default_factory=dict)

    def at(self, server_id: str) -> T:
        """What works there. Raises HostUnreachable where there is no such server any more."""
        try:
            host = self.host(server_id)
        except HostUnreachable:
            self._made.pop(server_id, None)
            raise
        known, link = self._made.get(server_id), host.link
        if known is not None and known[0] is host and known[1] == link:
            return known[2]
        self._made.pop(server_id, None)
        made = self.make(host)
        if link is not None:
            self._made[server_id] = (host, link, made)
        return made


@dataclass(kw_only=True)
class Links:
    """The servers by id, each as its row says; ``setting`` is what is told to what works there for the panel, and
    ``docker_of`` its engine.
    """

    host: Callable[[str], SshHost]
    setting: Callable[[SshHost], Setting]
    docker_of: Callable[[SshHost], DockerApi]
    _attended: dict[str, tuple[SshHost, RuntimeAgentClient]] = field(default_factory=dict)

    def of_link(self, make: Callable[[ServerLink], T]) -> Callable[[str], T]:
        """What ``make`` gives for a server, kept for as long as the link to it."""
        return OfLink(host=self.host, make=lambda host: make(self._there(host))).at

    def edge(self, server_id: str) -> RemoteEdge:
        """The edge of a server. Raises HostUnreachable where there is no such server any more."""
        return RemoteEdge(agent=self._attends(self.host(server_id)))

    def _there(self, host: SshHost) -> ServerLink:
        agent = self._attends(host)
        return ServerLink(host=host, agent=agent, api=self.docker_of(host), panel_id=agent.setting.panel_id)

    def _attends(self, host: SshHost) -> RuntimeAgentClient:
        """As long as the row says the same of the server, whatever becomes of links to it."""
        known = self._attended.get(host.host_id)
        if known is None or known[0] is not host:
            known = self._attended[host.host_id] = (host, RuntimeAgentClient(host, self.setting(host)))
        return known[1]
