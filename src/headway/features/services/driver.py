"""What a kind of service brings to the life of its services: how they are brought up, ended and removed on a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from headway.features.servers.host_contexts import HostContexts
from headway.features.services.model import Release, S, Service, ServiceStatus
from headway.features.services.store import ServiceReader
from headway.infra.db.transaction import Tx

R = TypeVar("R", bound=Release)


class FoldersOfService(Protocol):
    """Where the files of services lie on a host."""

    def all_of(self, service_id: str) -> tuple[str, ...]:
        """Every folder that goes with a service."""
        ...


class ServiceDefaults(Protocol):
    """The panel's own settings, where a service has none."""

    @property
    def health_seconds(self) -> float:
        """For how long a start may take until it serves."""
        ...


class ServiceContext(Protocol):
    """What works with the services of a kind on one host."""

    @property
    def defaults(self) -> ServiceDefaults:
        """What holds where a service says nothing."""
        ...

    @property
    def host_id(self) -> str:
        """The host."""
        ...

    @property
    def folders(self) -> FoldersOfService:
        """Where files lie there."""
        ...


C = TypeVar("C", bound=ServiceContext)


class ReleaseOutcome(Protocol):
    """Remembers since when services are up that somebody has started."""

    def __call__(self, service_id: str, *, is_up: bool) -> bool:
        """Notes whether a service is up now; whether it has been for so long that it stays."""
        ...


class ServiceDriver(Protocol[S, R, C]):
    """Acts on what runs of the services of one kind, each on its host; everything stands being repeated. It waits for
    nobody: whoever has the turn of a service calls it.
    """

    @property
    def reader(self) -> ServiceReader[S]:
        """Reads them out of the database."""
        ...

    @property
    def contexts(self) -> HostContexts[C]:
        """What works with them on each host."""
        ...

    def startable(self, tx: Tx, service: Service[S]) -> R | None:
        """The release that serves, or would if it were wanted. Raises NotAllowed where what it needs of its machine was
        taken back.
        """
        ...

    async def bring_up(self, service: Service[S], release: R) -> None:
        """Starts a release where it is not up, and leads requests to it."""
        ...

    async def lead_nowhere(self, service_id: str) -> None:
        """Leads no requests to a service any more."""
        ...

    async def end(self, service: Service[S], releases: Sequence[Release]) -> None:
        """Ends what runs of these releases; returns when nothing does."""
        ...

    async def remove(self, context: C, service: Service[S], releases: Sequence[Release]) -> None:
        """Leads no requests to a service any more, ends what runs of it on its host, and removes what that runs from.
        Of one that has no ``releases``, as far as that can be asked for there.
        """
        ...

    async def discard(self, release: Release) -> None:
        """Removes what a release that does not run would be started from, but for its files."""
        ...

    async def clear_images(self, service_id: str) -> None:
        """Removes the images that none of a service's releases has any more; none while a deploy is under way."""
        ...

    async def start_status(self, service: Service[S], settled: ReleaseOutcome) -> ServiceStatus | None:
        """What a start has come to, None while that is open. Raises HeadwayError where that cannot be told yet."""
        ...
