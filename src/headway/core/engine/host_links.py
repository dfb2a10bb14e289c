"""Keeps the links to hosts: connects, and lets work be claimed there only once what was left there is cleared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headway.core.engine.host_work import ByHost
from headway.core.engine.parts import Parts

_REST = 1.0
_LOOK_EVERY = 5.0
_CLEARING_SECONDS = 60.0


class HostLinks:
    """The hosts behind links. ``clear`` ends what is over on a host whose link is new, and tells whether nothing of it
    is left; ``back`` is told afterwards. What cannot be cleared within a minute keeps no host from working: it is tried
    further, and shown.
    """

    def __init__(self, parts: Parts, clear: Callable[[str], Awaitable[bool]], back: Callable[[], None]) -> None:
        self._parts = parts
        self._clear = clear
        self._back = back
        self._cleared: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._clearing: dict[str, tuple[int, float]] = {}
        self._meetings = ByHost("reach", self._meet)

    def is_open(self, host_id: str) -> bool:
        """Whether work may be claimed there: the link stands, and nothing is left there of what was given up."""
        host = self._parts.registered.hosts.get(host_id)
        return host is not None and host.link is not None and host.link == self._cleared.get(host_id, 0)

    async def look_round(self) -> float:
        """Looks whether each host is there, each by itself; seconds to rest."""
        now = asyncio.get_running_loop().time()
        for host_id, host in self._parts.registered.hosts.items():
            if host.link != 0 and (not self.is_open(host_id) or now >= self._due.get(host_id, 0.0)):
                self._due[host_id] = now + _LOOK_EVERY
                self._meetings.start(host_id)
        return _REST

    async def release(self) -> None:
        """Ends what is under way."""
        await self._meetings.release()

    async def _meet(self, host_id: str) -> None:
        host = self._parts.registered.hosts[host_id]
        await host.boot_id()
        link = host.link
        if link is None or self._cleared.get(host_id) == link:
            return
        if not await self._clear(host_id) and not self._has_waited(host_id, link):
            return
        if host.link == link:
            self._clearing.pop(host_id, None)
            self._cleared[host_id] = link
            self._back()

    def _has_waited(self, host_id: str, link: int) -> bool:
        """Whether what could not be cleared since the link is new was tried for long enough."""
        now = asyncio.get_running_loop().time()
        known, since = self._clearing.get(host_id, (link, now))
        self._clearing[host_id] = (link, since if known == link else now)
        return now - self._clearing[host_id][1] >= _CLEARING_SECONDS
