"""One round of cleaning on one host: what is asked for, and what was found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, field

from headway.features.disk.model import DiskServer, Freeing, Kind, ServiceUsage, Waste
from headway.features.disk.places import DiskHost
from headway.infra.docker.usage import EngineUsage
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Of which services and on which servers it is cleaned; ``everything`` also where nobody knows any more whose it
    was.
    """

    service: Callable[[ServiceUsage], bool]
    server: Callable[[DiskServer], bool]
    everything: bool = False


@dataclass(slots=True)
class Round:
    """``engine`` is what the engine there has of images and builds, None where there is none that answers; ``server``
    is None on the panel's machine. ``services`` are all that there are, on any host. With ``dry`` nothing is removed;
    ``cleans_engine`` is False where the engine is another host's too, which is cleaned in the same round.
    """

    there: DiskHost
    engine: EngineUsage | None
    server: DiskServer | None
    services: Sequence[ServiceUsage]
    chosen: Chosen
    _: KW_ONLY
    dry: bool
    cleans_engine: bool = True
    freeing: Freeing | None = field(init=False)

    def __post_init__(self) -> None:
        self.freeing = None if self.engine is None else Freeing(self.engine)

    @property
    def mine(self) -> list[ServiceUsage]:
        """The chosen services that are on this host."""
        return [each for each in self.services if each.host_id == self.there.host.host_id and self.chosen.service(each)]

    @property
    def takes_strangers(self) -> bool:
        """Whether what lies here of services that are no more is among what is chosen: all here is the server's."""
        return self.chosen.everything or self.server is not None

    def waste(self, kind: Kind, service: ServiceUsage | None, name: str, why: str, size: int | None) -> Waste:
        """Something here that nobody needs."""
        service_id = None if service is None else service.service_id
        return Waste(host_id=self.there.host.host_id, kind=kind, service_id=service_id, name=name, why=why, bytes=size)
