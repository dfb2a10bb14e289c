"""The hosts of an engine that is made before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headway.infra.hosts.base import Host


class Hosts(Mapping[str, Host]):
    """Those that were registered, as they are at any time; servers come and go."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self._hosts = hosts

    def register(self, hosts: Mapping[str, Host]) -> None:
        """Takes the place of none. Raises ValueError where there are some already."""
        if self._hosts:
            msg = "there are hosts already"
            raise ValueError(msg)
        self._hosts = hosts

    def __getitem__(self, host_id: str) -> Host:
        """The host. Raises what the registered ones do."""
        return self._hosts[host_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)
