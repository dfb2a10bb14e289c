"""Hours that are over are made of their minutes, and what is too old goes: each hour in a transaction of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from headway.features.usage import store
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx


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

        def work(tx: Tx, hour: datetime = hour, host_id: str = host_id) -> tuple[bool, int]:
            began = time.thread_time_ns()
            return store.settle_hour(tx, hour, host_id), time.thread_time_ns() - began

        is_new, nanoseconds = await db.run(work)
        made, took = made + is_new, took + nanoseconds
    await db.run(lambda tx: store.let_go(tx, now))
    return SettledHours(hours=made, took=took // 1_000)
