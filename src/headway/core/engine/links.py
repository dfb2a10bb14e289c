"""The links to the hosts of a piece of work, by which is told why a host does not do what it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headway.infra.hosts.base import Host


class Links:
    """The links to some hosts, as they are when the work begins. A host is asked over its link; but it also says that
    it is unreachable where something there cannot be ended, or one answer takes too long. While the link stands, that
    is told of the work, and must hold up nothing else.
    """

    def __init__(self, hosts: Mapping[str, Host], host_ids: Iterable[str]) -> None:
        self._hosts = [hosts.get(each) for each in host_ids]  # as they are now: one made anew counts its links anew
        self.numbers = self._now()

    @property
    def stand(self) -> bool:
        """Whether there is one to each of the hosts, and none has broken since."""
        return None not in self.numbers and self.numbers == self._now()

    def _now(self) -> tuple[int | None, ...]:
        return tuple(None if host is None else host.link for host in self._hosts)
