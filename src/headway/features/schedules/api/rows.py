"""Schedules as the wire shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.engine.scheduler.timer import Tick
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.schedules.model import ScheduleOverview, ScheduleTarget
from headway.features.servers.api.rows import ServerRow
from headway.features.services.api.related_rows import RelatedRow

ScheduleType = Literal["application", "compose", "server", "dokploy-server"]
ShellType = Literal["bash", "sh", "python"]
OverlapName = Literal["skip", "queue", "replace", "allow"]
CatchUpName = Literal["none", "once", "all"]


class ScheduleRow(TypedDict):
    """A schedule, when it is due next, and its last run, by hand or at its time. ``nextStartAt`` is later than
    ``nextRunAt`` by the jitter; ``driftSeconds`` is how long after that the run of ``lastDueAt`` began; ``missedRuns``
    counts due times at which no panel was there. Of ``application``, ``compose`` and ``server`` the one is set that it
    runs in; ``deployments`` are its runs, the newest first.
    """

    scheduleId: str
    name: str
    description: str | None
    cronExpression: str
    timezone: str
    appName: str
    serviceName: str | None
    shellType: ShellType
    scheduleType: ScheduleType
    command: str
    script: str
    applicationId: str | None
    composeId: str | None
    serverId: str | None
    userId: None
    organizationId: str
    enabled: bool
    overlap: OverlapName
    catchUp: CatchUpName
    catchUpLimit: int
    jitterSeconds: int
    timeoutSeconds: float | None
    retries: int
    retryDelaySeconds: int
    keepDeployments: int | None
    keepDays: float | None
    nextRunAt: str | None
    nextStartAt: str | None
    lastRunAt: str | None
    lastDeploymentId: str | None
    lastStatus: Literal["pending", "running", "done", "error"] | None
    lastDueAt: str | None
    driftSeconds: float | None
    missedRuns: int
    createdAt: str
    application: RelatedRow | None
    compose: RelatedRow | None
    server: ServerRow | None
    deployments: list[DeploymentRow]


class DueTimeRow(TypedDict):
    """A due time, for each attempt, and what became of it."""

    dueAt: str
    attempt: int
    startAt: str
    fate: Literal["waiting", "started", "skipped", "missed", "dropped"]
    caughtUp: bool
    deploymentId: str | None


class ScheduleDetails(ScheduleRow):
    """A schedule with its latest due times, the newest first."""

    dueTimes: list[DueTimeRow]


class StartedRow(TypedDict):
    """A run that was asked for by hand."""

    status: Literal["pending", "running", "done", "error"]
    deploymentId: str
    logPath: str | None


class ScheduleRelations(TypedDict):
    """What a schedule is shown with."""

    application: RelatedRow | None
    compose: RelatedRow | None
    server: ServerRow | None
    deployments: list[DeploymentRow]


def schedule_row(seen: ScheduleOverview, relations: ScheduleRelations) -> ScheduleRow:
    """A schedule."""
    schedule, timer, last, run = seen.schedule, seen.timer, seen.last, seen.run
    target, policy = schedule.target, timer.policy
    began = last.started_at if last is not None else None
    return {
        "scheduleId": schedule.schedule_id,
        "name": schedule.name,
        "description": schedule.description,
        "cronExpression": timer.cron.expression,
        "timezone": timer.cron.timezone,
        "appName": schedule.app_name,
        "serviceName": schedule.service_name,
        "shellType": schedule.shell.value,
        "scheduleType": target.value,
        "command": schedule.text.command,
        "script": schedule.text.script,
        "applicationId": schedule.target_id if target is ScheduleTarget.APPLICATION else None,
        "composeId": schedule.target_id if target is ScheduleTarget.COMPOSE else None,
        "serverId": schedule.target_id if target is ScheduleTarget.SERVER else None,
        "userId": None,
        "organizationId": schedule.organization_id,
        "enabled": timer.enabled,
        "overlap": policy.overlap.value,
        "catchUp": policy.catch_up.value,
        "catchUpLimit": policy.catch_up_limit,
        "jitterSeconds": int(policy.jitter.total_seconds()),
        "timeoutSeconds": schedule.timeout_seconds,
        "retries": policy.retries,
        "retryDelaySeconds": int(policy.backoff.total_seconds()),
        "keepDeployments": schedule.keep_deployments,
        "keepDays": schedule.keep_days,
        "nextRunAt": moment(timer.next_at),
        "nextStartAt": None if timer.next_at is None else moment(timer.start_of(timer.next_at)),
        "lastRunAt": None if run is None else moment(run.started_at),
        "lastDeploymentId": None if run is None else run.deployment_id,
        "lastStatus": None if run is None else run.status,  # type: ignore[typeddict-item]
        "lastDueAt": None if last is None else moment(last.tick.due_at),
        "driftSeconds": None if last is None else _seconds_between(last.tick.start_at, began),
        "missedRuns": timer.missed,
        "createdAt": moment(schedule.created_at),
        **relations,
    }


def schedule_details(row: ScheduleRow, ticks: Sequence[Tick]) -> ScheduleDetails:
    """A schedule and what became of its due times."""
    return {**row, "dueTimes": [_due_time(each) for each in ticks]}


def _due_time(tick: Tick) -> DueTimeRow:
    return {
        "dueAt": moment(tick.due_at),
        "attempt": tick.attempt,
        "startAt": moment(tick.start_at),
        "fate": tick.fate.value,
        "caughtUp": tick.caught_up,
        "deploymentId": tick.deployment_id,
    }


def _seconds_between(meant: datetime, began: datetime | None) -> float | None:
    return None if began is None else round((began - meant).total_seconds(), 3)
