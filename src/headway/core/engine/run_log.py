"""The log of a run as the engine sees it: the pump, the steps beside it, the closing line, the followers."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import Protocol

from headway.core.engine.parts import OutputSource
from headway.core.engine.troubles import Troubles
from headway.infra.logs.download import OpenedLog, open_log
from headway.infra.logs.grep import Find, Hits, find
from headway.infra.logs.lines import LinePlace, LineReader, LinesAsked, LogLines
from headway.infra.logs.logfile import close_log, drop_checkpoint
from headway.infra.logs.mask import Masker, masker_of
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import TURN_SECONDS, Pump, PumpStopped
from headway.infra.logs.reader import MOST_TAIL_BYTES, ending, tail
from headway.infra.logs.search import Found, Search, search_log
from headway.infra.logs.steps import StepEvent, StepMark, mark_step
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events, LogGrew
from headway.kernel.failures.explanation import Explanation, explain, on_own_threads, plain
from headway.kernel.failures.rule import Phase
from headway.kernel.turns import Turns

log = logging.getLogger(__name__)

_LINES_LOOKED_AT = 200
_MOMENT_SECONDS = 5.0
_INDEX = "line index"


class Followers(Protocol):
    """Whoever is told that a log grew or ended; the broadcast is one."""

    def grew(self, deployment_id: str, size: int) -> None:
        """The log has ``size`` bytes now."""
        ...

    def ended(self, deployment_id: str) -> None:
        """No more will come."""
        ...

    def restarted(self, deployment_id: str) -> None:
        """The log begins anew: what was told of it is void."""
        ...


@dataclass(frozen=True, slots=True)
class LogFolder:
    """Opens run logs in a folder; fits ``parts.Logs``."""

    paths: LogPaths
    followers: Followers
    events: Events
    troubles: Troubles = field(default_factory=Troubles)
    turns: Turns = field(default_factory=lambda: Turns(TURN_SECONDS))

    async def open(self, deployment_id: str, source: OutputSource, mask: tuple[str, ...]) -> PumpedLog:
        """The log of a run, continued where it stands."""
        masker = await masker_of(mask)
        return PumpedLog(self, deployment_id, source, masker)


class PumpedLog:
    """One run's log; fits ``parts.RunLog``."""

    def __init__(self, folder: LogFolder, deployment_id: str, source: OutputSource, masker: Masker) -> None:
        self._deployment_id = deployment_id
        self._paths = folder.paths
        self._path = folder.paths.log(deployment_id)
        self._steps = folder.paths.steps(deployment_id)
        self._followers = folder.followers
        self._masker = masker
        self._events = folder.events
        self._troubles = folder.troubles
        self._pump = Pump(source, self._path, masker, self._grew, folder.turns, on_problem=self._lost_index)
        self._told: int | None = None

    @property
    def size(self) -> int:
        """Bytes that the log has so far."""
        return self._pump.size

    async def run(self) -> None:
        """Copies output to the log until ``finish`` or cancellation."""
        await self._pump.run()

    async def catch_up(self, since: int, phase: Phase) -> Explanation:
        """Waits until the log has all output that there is now; gives what that says of its end from ``since`` on."""
        with suppress(PumpStopped):  # the anchor has died since: what it left is taken when the run is ended
            await self._pump.catch_up()
            await self._pump.reach(0)  # with what is held back, because it could be the beginning of a secret
        try:
            said = await ending(self._path, since)
            near = await tail(self._path, _LINES_LOOKED_AT, min(MOST_TAIL_BYTES, max(0, self.size - since)))
        except OSError:
            return Explanation(line="")
        return await on_own_threads(lambda: explain(said, phase) or plain(near))

    async def reached(self, told: int) -> int:
        """Waits a moment until the log has the first ``told`` bytes of the output; where the next line of it begins. A
        host that is away, or a disk that is full, keeps no run from going on.
        """
        with suppress(PumpStopped, TimeoutError):
            async with asyncio.timeout(_MOMENT_SECONDS):
                return await self._pump.reach(told)
        return self._pump.line

    async def mark(self, step: str, *, ended: bool, at: datetime) -> None:
        """Notes beside the log where a step began or ended."""
        event = StepEvent.ENDED if ended else StepEvent.BEGUN
        try:
            await mark_step(self._steps, StepMark(name=step, offset=self.size, time=at, event=event))
        except OSError as error:  # the row has the step as well, and a log is not what a run waits for
            log.warning("step %s of deployment %s is not noted beside its log: %s", step, self._deployment_id, error)

    def masked(self, text: str) -> str:
        """``text`` as the log would show it."""
        return self._masker.mask_text(text)

    async def finish(self, closing: str) -> None:
        """Copies the rest, adds the closing line at the end (once, also when repeated) and makes the log durable. The
        line is Headway's own: what it quotes of others was masked when it was quoted.
        """
        offset = await self._pump.finish()
        size = await close_log(self._path, offset, closing, Masker(()), is_whole=self._pump.has_taken)
        self._grew(size)

    async def discard(self) -> None:
        """Removes the log of a run that starts again from its first step."""
        await self._paths.remove(self._deployment_id)
        self._followers.restarted(self._deployment_id)

    async def ended(self) -> None:
        """Tells the log's followers that no more comes."""
        self._followers.ended(self._deployment_id)
        self._troubles.forget(_INDEX, self._deployment_id)  # it is made when it is asked for
        with suppress(OSError):  # retention takes it along with the log
            await drop_checkpoint(self._path)

    def _lost_index(self, problem: Exception) -> None:
        self._troubles.note(_INDEX, self._deployment_id, f"The lines of its log are not noted: {problem}")

    def _grew(self, size: int) -> None:
        self._followers.grew(self._deployment_id, size)
        told = size if self._told is None else self._told  # the first call tells what was there before
        if size > told:
            self._events.announce(LogGrew(deployment_id=self._deployment_id, added_bytes=size - told))
        self._told = max(size, told)


@dataclass(frozen=True, slots=True)
class LogFilesOnDisk:
    """The logs of deployments by id; fits ``core.deployments.service.LogFiles``."""

    paths: LogPaths
    reader: LineReader = field(default_factory=LineReader)

    async def tail(self, deployment_id: str, lines: int) -> str:
        """The last ``lines`` lines, "" when there is no log."""
        return await tail(self.paths.log(deployment_id), lines)

    async def open(self, deployment_id: str) -> OpenedLog:
        """The log as bytes."""
        return await open_log(self.paths.log(deployment_id))

    async def search(self, deployment_id: str, search: Search) -> Found:
        """Where a text stands in the log."""
        return await search_log(self.paths.log(deployment_id), search)

    async def lines(self, deployment_id: str, asked: LinesAsked, *, has_ended: bool) -> LogLines:
        """Lines of the log by their numbers."""
        return await self.reader.read(self.paths.log(deployment_id), asked, has_ended=has_ended)

    async def place(self, deployment_id: str, number: int, *, has_ended: bool) -> LinePlace | None:
        """Where a line of the log begins."""
        return await self.reader.place(self.paths.log(deployment_id), number, has_ended=has_ended)

    async def find(self, deployment_id: str, wanted: Find, *, has_ended: bool) -> Hits:
        """Which lines of the log have a text."""
        return await find(self.reader, self.paths.log(deployment_id), wanted, has_ended=has_ended)

    async def remove(self, deployment_id: str) -> None:
        """Removes a log and what lies beside it."""
        await self.paths.remove(deployment_id)
