"""What works on a server, for as long as the link to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from headway.features.servers.links import OfLink
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh import SshHost


@dataclass
class Linked:
    """As much of a host as is asked: the number of its link."""

    link: int | None = None


@dataclass
class Servers:
    """The servers that there are, and how often something was made for one."""

    hosts: dict[str, Linked] = field(default_factory=dict)
    made: int = 0

    def host(self, server_id: str) -> SshHost:
        """As the fleet does."""
        if server_id not in self.hosts:
            raise HostUnreachable("The server was removed.")
        return cast("SshHost", self.hosts[server_id])

    def make(self, _host: SshHost) -> int:
        """Something of its own each time."""
        self.made += 1
        return self.made


@pytest.fixture
def servers() -> Servers:
    """One server, linked."""
    return Servers(hosts={"s": Linked(link=1)})


def of(servers: Servers) -> OfLink[int]:
    """What works on them."""
    return OfLink(host=servers.host, make=servers.make)


def test_it_is_made_once_for_each_link(servers: Servers) -> None:
    there = of(servers)
    assert (there.at("s"), there.at("s")) == (1, 1)
    servers.hosts["s"].link = 2
    assert (there.at("s"), there.at("s")) == (2, 2)


def test_nothing_is_kept_while_there_is_no_link(servers: Servers) -> None:
    there = of(servers)
    assert there.at("s") == 1
    servers.hosts["s"].link = None
    assert (there.at("s"), there.at("s")) == (2, 3)
    servers.hosts["s"].link = 1
    assert there.at("s") == 4


def test_another_host_of_the_same_server_has_its_own(servers: Servers) -> None:
    there = of(servers)
    assert there.at("s") == 1
    servers.hosts["s"] = Linked(link=1)
    assert there.at("s") == 2


def test_nothing_is_left_of_a_server_that_was_removed(servers: Servers) -> None:
    there = of(servers)
    there.at("s")
    del servers.hosts["s"]
    with pytest.raises(HostUnreachable, match="removed"):
        there.at("s")
    assert there._made == {}
