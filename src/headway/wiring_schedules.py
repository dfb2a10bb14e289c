"""Makes the parts of a platform that are about schedules, for ``wiring`` among the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Kind, Subject
from headway.core.deployments.service import LogFiles, Stopping
from headway.core.deployments.store import give_to_project
from headway.core.engine.poller import Poller
from headway.core.engine.scheduler.timers import Timers
from headway.domains.applications import runs
from headway.domains.applications.tools import Toolboxes
from headway.domains.composes.tools import Toolboxes as ComposeToolboxes
from headway.domains.schedules import store
from headway.domains.schedules.clearing import Clearing
from headway.domains.schedules.model import Target
from headway.domains.schedules.plan import freeze_run
from headway.domains.schedules.run import ScheduleKind
from headway.domains.schedules.service import ScheduleService
from headway.domains.schedules.subject import ScheduleSubject
from headway.domains.volume_backups.subject import carry_along as carry_volume_backups
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.panel.data_dir import DataDir
from headway.kernel.clock import SystemClock
from headway.kernel.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleWiring:
    """What schedules need of the others, and what they give to them."""

    settings: Settings
    data_dir: DataDir
    db: SqlDatabase
    timers: Timers
    logs: LogFiles

    @property
    def subject(self) -> ScheduleSubject:
        """What the heart must know of them."""
        return ScheduleSubject(timers=self.timers, vault=self.data_dir.vault)

    def subjects(self) -> Mapping[SubjectType, Subject]:
        """The same under its type."""
        return {SubjectType.SCHEDULE: self.subject}

    def kinds(self, toolboxes: Toolboxes, composes: ComposeToolboxes) -> tuple[Kind, ...]:
        """How they are performed, and so is what is run once."""
        schedule = ScheduleKind(
            vault=self.data_dir.vault,
            toolboxes=toolboxes,
            composes=composes,
            grace_seconds=self.settings.cancel_grace.total_seconds(),
            use_groups=self.settings.cgroups.wish is not False,
        )
        once = replace(
            schedule, name=runs.KIND, version=runs.VERSION, repeatable_until=runs.COMMAND, freezes=freeze_run
        )
        return (schedule, once)

    def service(self, ledger: Ledger, stopping: Stopping) -> ScheduleService:
        """What callers may ask of them."""
        return ScheduleService(
            db=self.db,
            vault=self.data_dir.vault,
            ledger=ledger,
            stopping=stopping,
            timers=self.timers,
            logs=self.logs,
            now=SystemClock().now,
        )

    def clearing(self, stopping: Stopping) -> Poller:
        """What clears away those that are gone."""
        clearing = Clearing(db=self.db, stopping=stopping, timers=self.timers, logs=self.logs)
        return Poller("schedules", clearing.clear_round)


def carry_along(tx: Tx, application_id: str, project_id: str) -> None:
    """An application's volume backups, and the runs of its schedules, go with it to another project."""
    carry_volume_backups(tx, application_id, project_id)
    for schedule_id in store.inside(tx, Target.APPLICATION, application_id):
        give_to_project(tx, SubjectType.SCHEDULE, schedule_id, project_id)
