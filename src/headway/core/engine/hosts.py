"""The hosts of an engine that is made before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headway.core.deployments.registration import RegisteredTwice
from headway.infra.hosts.base import Host


class Hosts(Mapping[str, Host]):
    """Those that were registered, as they are at any time; servers come and go."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self._hosts = hosts
        self._is_registered = bool(hosts)

    def register(self, hosts: Mapping[str, Host]) -> None:
        """Takes the place of none. Raises RegisteredTwice where others were, though they may be none yet."""
        if self._is_registered:
            raise RegisteredTwice("hosts")
        self._hosts, self._is_registered = hosts, True

    def __getitem__(self, host_id: str) -> Host:
        """The host. Raises what the registered ones do."""
        return self._hosts[host_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)
