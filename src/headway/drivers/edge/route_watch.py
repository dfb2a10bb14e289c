"""Looks now and then whether Traefik works by its route files, and has it read them again where it does not.

What it has read earlier it may take up later than what it has read since, see ``start_marker``; one that began anew may
follow nothing. Either way requests end elsewhere than a deployment has proven.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from headway.drivers.edge.route_folder import RouteFolder
from headway.drivers.edge.route_probe import Prober
from headway.infra import http_request
from headway.infra.daemons.daemon import Daemon
from headway.infra.hosts import processes, procfs

log = logging.getLogger(__name__)

_SECONDS = 1.0
_ENOUGH = 2  # looks: what was being read at the first is over by the next
_MOST = 3  # after as many looks in vain it is told, and left


@dataclass(slots=True)
class _Looks:
    """Those at one content of a file."""

    mark: tuple[int, int]
    followed: int = 0
    missed: int = 0

    @property
    def are_over(self) -> bool:
        return self.followed >= _ENOUGH or self.missed >= _MOST


@dataclass(slots=True, kw_only=True)
class RouteWatch:
    """The files of a folder, the ``daemon`` that follows them, or keeps up what does, which is called ``program``, and
    who asks it.
    """

    files: RouteFolder
    prober: Prober
    daemon: Daemon
    program: str
    _pid: int | None = None
    _looks: dict[str, _Looks] = field(default_factory=dict)

    def forget(self) -> None:
        """Another Traefik is there: nothing is known of what it works by."""
        self._looks.clear()

    async def look(self) -> None:
        """Looks at every file that was written lately. It reads all of them at once: one that it does not work by will
        do for a look.
        """
        pid = self.daemon.pid()
        if pid != self._pid:
            self._pid = pid
            self.forget()
        marks, before = await asyncio.to_thread(self.files.marks), self._looks
        self._looks = {
            name: before[name] if name in before and before[name].mark == mark else _Looks(mark)
            for name, mark in marks.items()
        }
        with suppress(http_request.NoAnswer):
            for name, looks in self._looks.items():
                if looks.are_over:
                    continue
                if not await self._follows(name):
                    looks.missed += 1
                    await self._tell(name, looks.missed)
                    return
                looks.followed += 1

    def read_again(self) -> None:
        """Has Traefik read all its files, which it does at SIGHUP: of one that was written it may not have heard. One
        that could not begin to follow them, as where one of them went in that moment, ends by it, and is started anew.
        Blocks.
        """
        pid = self.daemon.pid()
        for each in processes.with_descendants([] if pid is None else [pid]):
            started = procfs.start_time(each)
            if started is not None and procfs.name(each) == self.program:  # not what keeps it up, or becomes it
                processes.send(signal.SIGHUP, each, started)

    async def _follows(self, name: str) -> bool:
        """Raises NoAnswer where nobody can say."""
        file = await asyncio.to_thread(self.files.held, name)
        if file is None or file.revision is None:  # it is gone, or of an older version, which named none
            return True
        await self.prober.knows("/")
        probe = next(self.prober.passages(file.route))
        return (await self.prober.ask(probe, _SECONDS)).revision == file.revision

    async def _tell(self, name: str, missed: int) -> None:
        """Has it hear of the file, then read it whether it hears or not."""
        await asyncio.to_thread(self.read_again if missed > 1 else partial(self.files.touch, name))
        if missed == _MOST:
            log.error("Traefik does not work by a route, whatever it is told", extra={"application": name})
