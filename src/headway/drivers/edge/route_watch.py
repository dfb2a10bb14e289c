"""Looks now and then whether Traefik works by its route files, and has it read them again where it does not.

What it has read earlier it may take up later than what it has read since, see ``start_marker``; one that began anew may
follow nothing. Either way requests end elsewhere than a deployment has proven.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, field
from functools import partial
from pathlib import Path

from headway.drivers.edge.route_folder import RouteFolder
from headway.drivers.edge.route_probe import Prober
from headway.infra import http_request
from headway.infra.daemons.daemon import Daemon
from headway.infra.hosts import processes, procfs
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

_SECONDS = 1.0
_SETTLED_SECONDS = 1.0  # what was written as long ago is what it has read, not what it was reading
_ENOUGH = 2  # looks: what was being read at the first is over by the next
_MOST = 3  # after as many looks in vain it is told, and left
_MOST_BYTES = 256 << 10
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Its own words from the beginning of the line: what a user wrote stands behind them, and never begins one.
_REFUSED = re.compile(
    r"\S+ ERR Error (?:while building configuration(?: \(for the first time\))?|occurred during watcher callback)"
    r' error="collecting file configs: (?:[^"]*?/)?(?P<id>[A-Za-z0-9_-]+)\.yml: (?P<why>.*)" providerName=file'
)


@dataclass(slots=True)
class _Looks:
    """Those at one content of a file."""

    mark: tuple[int, int]
    followed: int = 0
    missed: int = 0

    @property
    def are_over(self) -> bool:
        return self.followed >= _ENOUGH or self.missed >= _MOST


@dataclass(slots=True)
class RouteWatch:
    """The files of a folder, the ``daemon`` that follows them, or keeps up what does, which is called ``program``, who
    asks it, and the ``log`` in which it says which of them it cannot read.
    """

    files: RouteFolder
    prober: Prober
    daemon: Daemon
    _: KW_ONLY
    program: str
    log: Path
    _place: int = 0
    _told_at: float = 0.0
    _pid: int | None = None
    _looks: dict[str, _Looks] = field(default_factory=dict)

    def forget(self) -> None:
        """Another Traefik is there: nothing is known of what it works by."""
        self._looks = {}

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
        What it refused since it was told last is put aside first. Blocks.
        """
        self.heed()
        self.remember()
        pid = self.daemon.pid()
        for each in processes.with_descendants([] if pid is None else [pid]):
            started = procfs.start_time(each)
            if started is not None and procfs.name(each) == self.program:  # not what keeps it up, or becomes it
                processes.send(signal.SIGHUP, each, started)

    def remember(self) -> None:
        """To be called before Traefik is told to read, or begins: ``heed`` goes by what it says then. Blocks."""
        self._place, self._told_at = Refusals(log=self.log).told_by_now(), time.time()

    def heed(self, *, began: bool = False) -> bool:
        """Puts aside the files that it could not read then, and says whether it did any: it reads the others at once.
        One that somebody has written since, or shortly before unless Traefik ``began`` then, may be another. Blocks.
        """
        before = math.inf if began else self._told_at - _SETTLED_SECONDS
        told = Refusals(log=self.log).since(self._place).items()
        refused = [name for name, why in told if self.files.refuse(name, why, written_before=before)]
        if refused:
            self.forget()
        return bool(refused)

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
        await asyncio.to_thread(self.read_again if missed > 1 else partial(self._touch, name))
        if missed == _MOST:
            log.error("Traefik does not work by a route, whatever it is told", extra={"application": name})

    def _touch(self, name: str) -> None:
        self.remember()
        self.files.touch(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Which route files the ``log`` of a Traefik tells that it cannot read. It takes up nothing of anybody for as long
    as there is one. All of it blocks.
    """

    log: Path

    def told_by_now(self) -> int:
        """The place in the log, in bytes, from which on more is told."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def since(self, place: int) -> Mapping[str, str]:
        """Why it could not read a file, by the file's application, as told behind the place."""
        try:
            with self.log.open("rb") as file:
                end = self.told_by_now()
                file.seek(max(place if place <= end else 0, end - _MOST_BYTES))  # it may have been begun anew
                text = file.read(_MOST_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return {}
        found = (_REFUSED.match(line) for line in _COLOUR.sub("", text).split("\n"))
        return {each["id"]: each["why"] for each in found if each is not None}
