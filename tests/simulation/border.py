"""The border between a panel and the world: where time passes, where processes die, where the world is away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from headway.infra.db.engine import DatabaseAway
from headway.infra.hosts.base import HostUnreachable
from tests.simulation.loop import RUNS_IN

PATIENCE_SECONDS = 3.0


class Over(BaseException):
    """The simulation is over: nothing reaches the world any more."""


@dataclass(slots=True)
class Fault:
    """What fails, with what, and how many times."""

    what: str
    error: Exception
    times: int = 1


class Border:
    """Every call of a panel that reaches the world crosses it twice, going and coming. A calm one takes no time.

    ``die_at`` and ``pause_at`` count crossings, of whatever kind: there the process that crosses is killed or paused.
    ``faults`` are what nobody foresaw: whatever crosses for something that begins so fails, so many times.
    """

    def __init__(self, chance: Random | None = None, longest_seconds: float = 0.0) -> None:
        self._chance = chance
        self._longest = longest_seconds
        self.crossings = 0
        self.die_at: set[int] = set()
        self.pause_at: set[int] = set()
        self.away_until: dict[str, float] = {}
        self.lost_answers = 0.0
        self.faults: list[Fault] = []
        self.is_shut = False
        self.trace: list[str] = []

    async def out(self, place: str, what: str) -> None:
        """On the way to the database (``db``) or a host (``host``). Raises DatabaseAway or HostUnreachable."""
        self.count()
        await self._travel()
        await self._be_there(place)
        self.strike(what)
        self.trace.append(f"{asyncio.get_running_loop().time():.3f} {_name()} {what}")

    async def back(self, place: str, what: str) -> None:
        """On the way back with the answer, which may be lost although what was asked has happened."""
        self.count()
        await self._travel()
        if self._chance is not None and self.lost_answers and self._chance.random() < self.lost_answers:
            raise _absence(place)

    def count(self) -> None:
        """A crossing that takes no time."""
        if self.is_shut:
            raise Over
        process = RUNS_IN.get()
        if process is None or not process.is_alive:
            return
        self.crossings += 1
        if self.crossings in self.die_at:
            self.trace.append(f"{process.name} dies at {self.crossings}")
            process.kill()
        elif self.crossings in self.pause_at:
            self.trace.append(f"{process.name} pauses at {self.crossings}")
            process.pause()

    def strike(self, what: str) -> None:
        """Raises what was set for this, if something was."""
        for fault in self.faults:
            if fault.times and what.startswith(fault.what):
                fault.times -= 1
                raise fault.error

    async def _travel(self) -> None:
        process = RUNS_IN.get()
        if process is not None and not process.is_alive:
            await asyncio.get_running_loop().create_future()
        if self._chance is not None and self._longest:
            await asyncio.sleep(self._longest * self._chance.random() ** 3)
        elif process is not None:
            await asyncio.sleep(0)

    async def _be_there(self, place: str) -> None:
        loop = asyncio.get_running_loop()
        if (until := self.away_until.get(place, 0.0)) > loop.time():
            patience = min(PATIENCE_SECONDS, until - loop.time())
            await asyncio.sleep(patience)
            if self.away_until[place] > loop.time():
                raise _absence(place)


def _absence(place: str) -> DatabaseAway | HostUnreachable:
    if place == "db":
        return DatabaseAway("The database cannot be used now: simulated. Try again shortly.")
    return HostUnreachable("The host does not answer: simulated.")


def _name() -> str:
    process = RUNS_IN.get()
    return process.name if process else "world"
