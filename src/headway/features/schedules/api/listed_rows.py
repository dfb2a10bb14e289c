"""Schedules as the list of all of them shows each."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.latest_runs import LatestRun
from headway.core.engine.scheduler.timer import Timer
from headway.features.deployments.api.latest_run_rows import LatestRunRow, latest_run_row
from headway.features.deployments.api.rows import EnvironmentNameRow, environment_name
from headway.features.schedules.api.rows import ScheduleType
from headway.features.schedules.model import ScheduleTarget
from headway.features.schedules.overview_store import ListedSchedule


class ListedScheduleRow(TypedDict):
    """A schedule in a list. ``targetName`` is what its service or server is called, and ``environment`` where the
    service lies; both are null for the panel's machine. ``missedRuns`` counts due times at which no panel was there,
    and ``missedAt`` is the newest of those that is kept.
    """

    scheduleId: str
    name: str
    description: str | None
    scheduleType: ScheduleType
    applicationId: str | None
    composeId: str | None
    serverId: str | None
    targetName: str | None
    serviceName: str | None
    environment: EnvironmentNameRow | None
    cronExpression: str
    timezone: str
    enabled: bool
    nextRunAt: str | None
    missedRuns: int
    missedAt: str | None
    lastRun: LatestRunRow | None


def listed_schedule_row(schedule: ListedSchedule, timer: Timer, run: LatestRun | None) -> ListedScheduleRow:
    """A schedule in a list."""
    target = schedule.target
    return {
        "scheduleId": schedule.schedule_id,
        "name": schedule.name,
        "description": schedule.description,
        "scheduleType": target.value,
        "applicationId": schedule.target_id if target is ScheduleTarget.APPLICATION else None,
        "composeId": schedule.target_id if target is ScheduleTarget.COMPOSE else None,
        "serverId": schedule.target_id if target is ScheduleTarget.SERVER else None,
        "targetName": schedule.target_name,
        "serviceName": schedule.service_name,
        "environment": None if schedule.place is None else environment_name(schedule.place),
        "cronExpression": timer.cron.expression,
        "timezone": timer.cron.timezone,
        "enabled": timer.enabled,
        "nextRunAt": moment(timer.next_at),
        "missedRuns": timer.missed,
        "missedAt": moment(schedule.missed_at),
        "lastRun": latest_run_row(run),
    }
