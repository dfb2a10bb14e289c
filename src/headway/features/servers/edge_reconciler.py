"""Looks after the edge of one server, and tells what has become of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from headway.drivers.edge.issuance import Issuance
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.artifacts import KeyPair
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import EdgeEnded, Events

log = logging.getLogger(__name__)

_REST = 3.0
_BETWEEN_LOOKS = 10.0  # at what was issued, which is seldom another


class WatchedEdge(Protocol):
    """The edge of a server."""

    async def watch(self) -> list[str]:
        """Starts it where it has a route, unless it is there; how it has ended since this was asked last."""
        ...

    async def set_certificates(self, pairs: Sequence[KeyPair]) -> None:
        """Shows these, by the names in them, and no others but its own."""
        ...

    async def issuance(self) -> Issuance | None:
        """What authorities have issued to it; None where that cannot be read now."""
        ...


@dataclass(slots=True, kw_only=True)
class EdgeReconciler:
    """Fits ``service_reconciler.HostReconciler``. What keeps the edge up is on the server itself, and needs no panel;
    this brings both up again after a start of the machine, and where that was ended too. ``certificates`` are those
    that it is to show, ``issued`` hears again and again what authorities have issued to it (None: nobody asks any).
    """

    host_id: str
    edge: Callable[[], WatchedEdge]
    certificates: Callable[[], Awaitable[Sequence[KeyPair]]]
    events: Events
    issued: Callable[[Issuance | None], None] | None = None
    _looked_at: float | None = None
    _told: str | None = None
    _shown: set[tuple[str, str]] | None = None

    @property
    def shows(self) -> bool:
        """Whether it has certificates there, which are to go also where nothing is left that they are for."""
        return bool(self._shown)

    async def restore(self) -> float:
        """What it showed before is not known any more."""
        self._shown = None
        return _REST

    async def keep_round(self) -> float:
        """One look; what keeps the edge from being there is told once."""
        edge = self.edge()
        try:
            for how in await edge.watch():
                self.events.announce(EdgeEnded(host_id=self.host_id, how=how))
            await self._show(edge)
            await self._look(edge)
        except HostUnreachable:
            raise
        except HeadwayError as error:
            if self._told != error.message:
                self._told = error.message
                log.warning("the edge of host %s is not there: %s", self.host_id, error.message)
        else:
            self._told = None
        return _REST

    async def _show(self, edge: WatchedEdge) -> None:
        pairs = await self.certificates()
        wanted = {(pair.name, pair.digest) for pair in pairs}
        if wanted != self._shown:
            await edge.set_certificates(pairs)
            self._shown = wanted

    async def _look(self, edge: WatchedEdge) -> None:
        now = time.monotonic()
        if self.issued is not None and (self._looked_at is None or now - self._looked_at >= _BETWEEN_LOOKS):
            self.issued(await edge.issuance())
            self._looked_at = now

    async def finish_deletions(self) -> None:
        """An edge goes with its server, and all that it shows."""
        self._shown = None

    async def release(self) -> None:
        """Nothing is under way beside its rounds."""

    def forget_past(self) -> None:
        """What keeps it from being there is told anew where it is to be there again."""
        self._told = None
