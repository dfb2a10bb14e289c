"""What works with the services of one kind on every host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from headway.kernel.dataclass import dataclass


class OfHost(Protocol):
    """What works on one host."""

    @property
    def host_id(self) -> str:
        """The host."""
        ...


T = TypeVar("T", bound=OfHost)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostContexts(Generic[T]):
    """The tools of every host. ``here`` are those of the panel's own machine, where sources are fetched whatever host a
    service is on; ``there`` makes those of a server.
    """

    here: T
    there: Callable[[str], T]

    def at(self, host_id: str) -> T:
        """The tools of a host. Raises HostUnreachable for a server that is none any more."""
        return self.here if host_id == self.here.host_id else self.there(host_id)
