"""What the heart must know of schedules: whose one is, what its timer asks for, and what it keeps."""

from __future__ import annotations

from datetime import timedelta

from headway.core.deployments.model import Deployment, Lane, Request, SubjectType
from headway.core.deployments.retention import Keep
from headway.core.deployments.run import Owner
from headway.core.deployments.store import give_to_project
from headway.core.engine.scheduler.timer import Overlap, Tick
from headway.core.engine.scheduler.timers import Timers
from headway.features.schedules import store
from headway.features.schedules.model import SERVICES, Schedule, exclusive_key
from headway.features.services import store as services_store
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault

KIND = "schedule"
VERSION = 1
_AROUND_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSubject:
    """Fits ``core.deployments.run.Subject`` and the scheduler's ``Source``."""

    timers: Timers
    vault: Vault
    noun = "Schedule"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the schedule is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """A run that has failed may be tried again."""
        self.timers.moved(tx, deployment)

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        """The run that a due time asks for."""
        attempt = f", attempt {tick.attempt + 1}" if tick.attempt else ""
        late = ", caught up" if tick.caught_up else ""
        due = f"Due at {tick.due_at:%Y-%m-%d %H:%M:%S} UTC{attempt}{late}"
        return request_for(tx, subject_id, self.timers, self.vault, due)

    def own(self, tx: Tx, schedule_id: str, default: Keep) -> Keep:
        """What the retention is to keep of a schedule's runs."""
        kept = store.kept_of(tx, schedule_id)
        if kept is None:
            return default
        number, days = kept
        return Keep(number=number or default.number, age=default.age if days is None else timedelta(days=days))


def carry_schedules_along(tx: Tx, service_id: str, project_id: str) -> None:
    """The runs of the schedules of a service go with it to another project."""
    for target in SERVICES:
        for schedule_id in store.inside(tx, target, service_id):
            give_to_project(tx, SubjectType.SCHEDULE, schedule_id, project_id)


def request_for(tx: Tx, schedule_id: str, timers: Timers, vault: Vault, description: str) -> Request | None:
    """A run of a schedule; None where it, or what it was inside of, is gone."""
    owner, timer = store.owner(tx, schedule_id), timers.one(tx, SubjectType.SCHEDULE, schedule_id)
    if owner is None:
        return None
    schedule = store.find(tx, schedule_id, vault)
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=SubjectType.SCHEDULE,
        subject_id=schedule_id,
        host_id=_host_of(tx, schedule),
        organization_id=owner.organization_id,
        project_id=owner.project_id,
        exclusive_key=exclusive_key(schedule_id, timer.policy.overlap if timer is not None else Overlap.SKIP),
        lane=Lane.SCHEDULE,
        default_title="Schedule",
        description=description,
        input={"type": "schedule", "total_seconds": _total(schedule.timeout_seconds)},
    )


def _host_of(tx: Tx, schedule: Schedule) -> str:
    """Where it is to run: inside of a service, where that is."""
    is_inside = schedule.target.subject_type is not None
    inside = services_store.host_of(tx, schedule.target_id or "") if is_inside else None
    return inside or schedule.runs_on


def _total(timeout_seconds: float | None) -> float | None:
    """How long the whole run may take: the script's own time ends first, and says so."""
    return None if timeout_seconds is None else timeout_seconds + _AROUND_SECONDS
