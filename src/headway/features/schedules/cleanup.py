"""Clears away what is left of schedules that are deleted, and of those whose application or compose service is gone."""

from __future__ import annotations

from dataclasses import field
from functools import partial

from headway.core.deployments import pending_undos
from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.retention import Attempts
from headway.core.deployments.service import LogFiles, Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.core.engine.scheduler.timers import Timers
from headway.features.schedules import store
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from headway.kernel.dataclass import dataclass

_REST = 1.0
_LOOP = "schedules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCleanup:
    """``clear_round`` is one round of its loop: it also finishes what a panel that died had begun. ``unchanged`` says
    when there can be nothing to clear. By ``troubles`` each schedule is seen to by itself.
    """

    db: Database
    unchanged: Unchanged
    stopping: Stopping
    timers: Timers
    logs: LogFiles
    troubles: Attempts
    _failing: set[str] = field(default_factory=set)

    async def clear_round(self) -> float:
        """Ends and removes; seconds to rest."""
        due = await self.unchanged.unless(lambda: self.db.read(store.to_clear)) or ()
        for schedule_id in self._failing.difference(due):  # it was cleared where it was deleted
            self.troubles.forget(_LOOP, schedule_id)
        self._failing.intersection_update(due)
        for schedule_id in due:
            if await self.troubles.attempt(_LOOP, schedule_id, partial(self._clear, schedule_id)):
                self._failing.discard(schedule_id)
            else:
                self._failing.add(schedule_id)
        return _REST

    async def _clear(self, schedule_id: str) -> None:
        await self.db.run(lambda tx: self._begin(tx, schedule_id))
        await end_unfinished(self.db, self.stopping, SubjectType.SCHEDULE, schedule_id, Intent.CANCEL)
        await clear(self.db, self.logs, schedule_id)

    def _begin(self, tx: Tx, schedule_id: str) -> None:
        store.begin_deletion(tx, schedule_id)
        self.timers.remove(tx, SubjectType.SCHEDULE, schedule_id)


async def clear(db: Database, logs: LogFiles, schedule_id: str) -> None:
    """Removes the deployments of a schedule that has none which wait or run, their logs, and last its row. What they
    owe is still taken back.
    """
    for deployment in await db.read(lambda tx: deployments.of_subject(tx, SubjectType.SCHEDULE, schedule_id)):
        await db.run(lambda tx, run=deployment: _remove(tx, run))  # type: ignore[misc]
        await logs.remove(deployment.deployment_id)
    await db.run(lambda tx: store.remove(tx, schedule_id))


def _remove(tx: Tx, run: Deployment) -> None:
    deployments.remove_all(tx, [run.deployment_id], undos_stay=pending_undos.keep(tx, run))
