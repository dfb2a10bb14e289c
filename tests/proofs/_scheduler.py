"""A scheduler in a process of its own, on a clock that somebody else moves; it is made to be killed."""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Lane, Request, SubjectType
from headway.core.deployments.run import Owner
from headway.core.engine.scheduler import store
from headway.core.engine.scheduler.scheduler import Scheduler
from headway.core.engine.scheduler.timer import Overlap, Tick
from headway.core.engine.scheduler.timers import Timers
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.events import Events

GRACE = timedelta(minutes=10)
HOST = "here"
_SLOT = struct.Struct("q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SharedTimes:
    """Times that several processes see: the clock in the first place, then how far each scheduler has come."""

    def __init__(self, path: Path, places: int) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SLOT.size * places))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def get(self, place: int) -> datetime:
        microseconds: int = _SLOT.unpack_from(self._map, place * _SLOT.size)[0]
        return _EPOCH + timedelta(microseconds=microseconds)

    def set(self, place: int, time: datetime) -> None:
        _SLOT.pack_into(self._map, place * _SLOT.size, (time - _EPOCH) // timedelta(microseconds=1))

    def now(self) -> datetime:
        """Fits ``kernel.clock.Clock``."""
        return self.get(0)


class Subjects:
    """What the timers of the proof belong to."""

    noun = "Schedule"

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        return Owner(organization_id="o", project_id=None)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        self._timers.moved(tx, deployment)

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        timer = store.find(tx, SubjectType.SCHEDULE, subject_id)
        assert timer is not None
        return Request(
            kind="schedule",
            kind_version=1,
            subject_type=SubjectType.SCHEDULE,
            subject_id=subject_id,
            host_id=HOST,
            organization_id="o",
            project_id=None,
            exclusive_key=None if timer.policy.overlap is Overlap.ALLOW else f"schedule:{subject_id}",
            lane=Lane.SCHEDULE,
            input={"due": tick.due_at.isoformat(), "attempt": tick.attempt},
        )


def parts(db: SqlDatabase, clock: SharedTimes) -> tuple[Scheduler, Ledger, Timers]:
    """A scheduler with what it needs."""
    events = Events()
    timers = Timers(events, clock)
    subjects = Subjects(timers)
    ledger = Ledger(
        events=events,
        subjects={SubjectType.SCHEDULE: subjects},
        log_path="/logs/{}.log".format,
        lease_duration=timedelta(days=1),
    )
    scheduler = Scheduler(
        db=db, ledger=ledger, events=events, clock=clock, grace=GRACE, sources={SubjectType.SCHEDULE: subjects}
    )
    return scheduler, ledger, timers


async def main(url: str, times: str, place: int, places: int) -> None:
    """Looks at each new time, and says so; until it is killed."""
    clock = SharedTimes(Path(times), places)
    scheduler, _, _ = parts(SqlDatabase(url), clock)
    while True:
        now = clock.now()
        if now != clock.get(place):
            await scheduler.look()
            clock.set(place, now)
        await asyncio.sleep(0.0005)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
