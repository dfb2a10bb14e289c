"""Looks after the edge of one server, and tells what has become of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from headway.infra.hosts.base import HostUnreachable
from headway.kernel.errors import HeadwayError
from headway.kernel.events import EdgeEnded, Events

log = logging.getLogger(__name__)

_REST = 3.0


class WatchedEdge(Protocol):
    """The edge of a server."""

    async def watch(self) -> list[str]:
        """Starts it where it has a route, unless it is there; how it has ended since this was asked last."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeKeeper:
    """Fits ``far_keeping.Keeper``. What keeps the edge up is on the server itself, and needs no panel; this brings both
    up again after a start of the machine, and where that was ended too.
    """

    host_id: str
    edge: Callable[[], WatchedEdge]
    events: Events
    _told: list[str] = field(default_factory=list)

    async def restore(self) -> float:
        """Nothing beside a round."""
        return _REST

    async def keep_round(self) -> float:
        """One look; what keeps the edge from being there is told once."""
        try:
            for how in await self.edge().watch():
                self.events.announce(EdgeEnded(host_id=self.host_id, how=how))
        except HostUnreachable:
            raise
        except HeadwayError as error:
            if self._told != [error.message]:
                self._told[:] = [error.message]
                log.warning("the edge of host %s is not there: %s", self.host_id, error.message)
        else:
            self._told.clear()
        return _REST

    async def finish_deletions(self) -> None:
        """An edge goes with its server."""
