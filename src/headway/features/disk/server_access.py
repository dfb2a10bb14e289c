"""Works with servers: within a deadline, and of one that cannot be worked with it says why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import field

from headway.features.disk.model import DiskServer
from headway.features.disk.places import DiskHost
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.turns import Turns

_TURN_SECONDS = 0.02  # sessions with fifty servers that open in one moment would keep everybody else waiting
_SILENT_SECONDS = 60.0  # the panel asks each server every few seconds whether it is there


class ServerAway(Unavailable):
    """A server could not be worked with, or not to the end."""


@dataclass(slots=True, kw_only=True)
class DiskServerAccess:
    """``there`` gives what is asked of a server, and raises HostUnreachable where it cannot be entered. ``seconds`` is
    within what it has to say what is there.
    """

    there: Callable[[str], DiskHost]
    seconds: float = 30.0
    turns: Turns = field(default_factory=lambda: Turns(_TURN_SECONDS))

    @asynccontextmanager
    async def at(self, server: DiskServer, seconds: float) -> AsyncIterator[DiskHost]:
        """The server, for so many seconds. Raises ServerAway, whatever went wrong with it; at once where the link does
        not stand, or the server has said nothing for a while: the panel sees to that by itself.
        """
        try:
            there = self._reached(server)
            await asyncio.sleep(self.turns.next())
            async with asyncio.timeout(seconds):
                yield there
        except TimeoutError as error:
            raise ServerAway(f"{server.name} has not answered within {seconds:g} s.") from error
        except HeadwayError as error:
            raise ServerAway(error.message) from error

    def _reached(self, server: DiskServer) -> DiskHost:
        there = self.there(server.server_id)
        standing = there.host.standing if isinstance(there.host, SshHost) else None
        if there.host.link is None:
            away = None if standing is None else standing.away_why
            raise away or HostUnreachable(f"{server.name} has not been reached yet.")
        silent = time.time() - (standing.seen_at or 0.0) if standing is not None else 0.0
        if silent > _SILENT_SECONDS:
            raise HostUnreachable(f"{server.name} has not answered for {silent:.0f} s.")
        return there
