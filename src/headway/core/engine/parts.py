"""What every part of the engine works with, handed over once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Deadlines, Kind
from headway.core.engine.scheduler.scheduler import TimerSource
from headway.core.engine.troubles import Troubles
from headway.infra.db.engine import Database, DatabaseAway, DatabaseFull
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Handle, Host
from headway.kernel.clock import Clock, SystemClock
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events
from headway.kernel.failures.explanation import Explanation
from headway.kernel.failures.rule import Phase
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault

T = TypeVar("T")
Places = Callable[[str], Awaitable[Collection[str]]]

_FIRST_BACKOFF = 0.05
_LONGEST_BACKOFF = 1.0
FULL_SECONDS = 20.0  # shorter than a lease
SOON_SECONDS = 8.0  # of who may make room itself; longer than it takes to give the ballast up


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The engine's own times; a kind may set tighter deadlines for a run."""

    lease: timedelta = timedelta(seconds=30)
    renew_every: timedelta = timedelta(seconds=5)
    cancel_grace: timedelta = timedelta(seconds=10)
    undo_deadline: timedelta = timedelta(seconds=60)
    stop_deadline: timedelta = timedelta(seconds=45)
    reach_deadline: timedelta = timedelta(minutes=30)
    missed_after: timedelta = timedelta(seconds=60)
    deadlines: Deadlines = field(
        default_factory=lambda: Deadlines(
            step=timedelta(minutes=30), inactivity=timedelta(minutes=15), total=timedelta(minutes=60)
        )
    )

    @staticmethod
    def of(settings: Settings) -> EngineSettings:
        """What the engine goes by in a panel with these settings."""
        return EngineSettings(
            lease=settings.lease_time,
            renew_every=settings.lease_renewal,
            cancel_grace=settings.cancel_grace,
            stop_deadline=settings.cancel_grace + timedelta(seconds=35),
            reach_deadline=settings.reach_deadline,
            missed_after=settings.missed_after,
            deadlines=Deadlines(
                step=settings.step_deadline, inactivity=settings.inactivity_deadline, total=settings.total_deadline
            ),
        )


class OutputSource(Protocol):
    """Where a run's raw output is read; an anchor is one."""

    async def read(self, offset: int, limit: int) -> bytes:
        """Up to ``limit`` bytes from ``offset``."""
        ...

    async def changed(self, offset: int) -> None:
        """Returns when there may be more than ``offset`` bytes."""
        ...


class RunLog(Protocol):
    """The log of one run, fed from the raw output on its host."""

    @property
    def size(self) -> int:
        """Bytes that the log has so far."""
        ...

    async def run(self) -> None:
        """Copies output to the log until ``finish`` or cancellation."""
        ...

    async def catch_up(self, since: int, phase: Phase) -> Explanation:
        """Waits until the log has all output that there is now; gives what that says of its end from ``since`` on."""
        ...

    async def reached(self, told: int) -> int:
        """Waits a moment until the log has the first ``told`` bytes of the output; where the next line of it begins."""
        ...

    async def mark(self, step: str, *, ended: bool, at: datetime) -> None:
        """Notes beside the log where a step began or ended."""
        ...

    def masked(self, text: str) -> str:
        """``text`` as the log would show it."""
        ...

    async def finish(self, closing: str) -> None:
        """Copies the rest, adds the closing line at the end (once, also when repeated) and makes the log durable."""
        ...

    async def discard(self) -> None:
        """Removes the log of a run that starts again from its first step."""
        ...

    async def ended(self) -> None:
        """Tells the log's followers that no more comes."""
        ...


class Logs(Protocol):
    """Opens the logs of runs."""

    async def open(self, deployment_id: str, source: OutputSource, mask: tuple[str, ...]) -> RunLog:
        """The log of a run, continued where it stands."""
        ...


async def no_written_folders(_host_id: str) -> Collection[str]:
    """Runs write in Headway's own folders only."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What features have handed over: hosts and kinds by their names, ``sources`` that tell what timers ask for, and
    ``places``, which tells where runs write on a host beside Headway's own folders.
    """

    hosts: Mapping[str, Host] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    sources: Mapping[SubjectType, TimerSource] = field(default_factory=dict)
    places: Places = no_written_folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The engine's collaborators. ``owner`` names this start of this panel in leases, ``untracked_runs`` are the
    anchors under way that belong to no deployment, ``troubles`` keeps what the loops could not do. ``crash_point`` is
    called, with a name, wherever a power cut would leave another state behind: the proofs end the process there.
    """

    db: Database
    ledger: Ledger
    events: Events
    vault: Vault
    logs: Logs
    owner: str
    settings: EngineSettings = field(default_factory=EngineSettings)
    untracked_runs: Collection[str] = ()
    registered: Registered = field(default_factory=Registered)
    clock: Clock = field(default_factory=SystemClock)
    troubles: Troubles = field(default_factory=Troubles)
    crash_point: Callable[[str], None] = lambda _name: None

    def total_seconds(self, deployment: Deployment) -> float:
        """The bound of a whole run: the one it was asked for with, else the panel's. It is on the row, since the anchor
        that keeps it is opened before there is a plan.
        """
        return deployment.total_seconds or self.settings.deadlines.total.total_seconds()

    async def write(self, change: Callable[[Tx], T], *, full_seconds: float = FULL_SECONDS) -> T:
        """A write transaction that is tried again while the database is away: the bookkeeping is repeated, never the
        work. Ends only with its success, with what ``change`` raises, or by cancellation; on a disk that stays full
        for so long with DatabaseFull, since nobody else may make room there.
        """
        backoff, full_for = _FIRST_BACKOFF, 0.0
        self.crash_point("before a write")
        while True:
            try:
                written = await self.db.run(change)
            except DatabaseAway as away:
                full_for = full_for + backoff if isinstance(away, DatabaseFull) else 0.0
                if full_for > full_seconds:
                    raise
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, _LONGEST_BACKOFF)
            else:
                self.crash_point("after a write")
                return written


@dataclass(frozen=True, slots=True)
class LeftOutput:
    """The output that a run left on a host whose anchor is gone."""

    host: Host
    handle: Handle

    async def read(self, offset: int, limit: int) -> bytes:
        """Up to ``limit`` bytes from ``offset``."""
        return await self.host.read_output(self.handle, offset, limit)

    async def changed(self, offset: int) -> None:
        """Nothing more will come: never returns, so that nobody asks again and again."""
        await asyncio.Event().wait()


class NoOutput:
    """The output of a run that never had any."""

    async def read(self, offset: int, limit: int) -> bytes:
        """There is none."""
        return b""

    async def changed(self, offset: int) -> None:
        """Nothing will come: never returns, so that nobody asks again and again."""
        await asyncio.Event().wait()
