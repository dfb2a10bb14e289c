"""Hours that are over are made of their minutes, and what is too old goes: some of an hour in each transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from headway.features.usage import store
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledHours:
    """How many hours of hosts were made, and how many microseconds of a processor that took."""

    hours: int
    took: int


async def settle(db: Database, now: datetime) -> SettledHours:
    """Makes the hours that are over, each once, and lets go of what is too old or of nobody. After a panel was away
    there may be a day of them: none holds up who writes for longer than it takes itself.
    """
    made = took = 0
    for hour, host_id in await db.read(lambda tx: store.open_hours(tx, now)):
        is_new, nanoseconds = await _settled(db, hour, host_id)
        made, took = made + is_new, took + nanoseconds
    await db.run(lambda tx: store.let_go(tx, now))
    return SettledHours(hours=made, took=took // 1_000)


async def _settled(db: Database, hour: datetime, host_id: str) -> tuple[bool, int]:
    """Makes an hour of a host: whether nobody had, and nanoseconds of a processor. One that was cut off goes on where
    it was.
    """
    points, took = await db.read(_timed(lambda tx: store.hour_of(tx, hour, host_id)))
    is_over: bool | None = False
    while is_over is False:
        is_over, more = await db.run(_timed(lambda tx: store.settle_some(tx, hour, host_id, points)))
        took += more
    return is_over is True, took


def _timed(work: Callable[[Tx], T]) -> Callable[[Tx], tuple[T, int]]:
    def timed(tx: Tx) -> tuple[T, int]:
        began = time.thread_time_ns()
        return work(tx), time.thread_time_ns() - began

    return timed
