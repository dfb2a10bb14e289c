"""Deployments as the wire shows them: the row, the item of the queue, the row with its steps."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NotRequired

from typing_extensions import TypedDict  # the one of Python 3.11 cannot be made a schema of

from headway.core.deployments.listed import Listed
from headway.core.deployments.model import StepRecord, SubjectType
from headway.core.deployments.status import Status
from headway.core.deployments.waiting import Wait
from headway.domains.projects.model import Place, Service
from headway.faces.http.wire.base import instant, moment


class CommitRow(TypedDict):
    """The commit that was deployed."""

    hash: str
    message: str | None
    author: str | None
    branch: str | None


class WaitRow(TypedDict):
    """What a waiting deployment waits for: another of its service (named), a free slot of its host, or its turn."""

    what: Literal["deployment", "slot", "turn"]
    deploymentId: str | None
    message: str


class DeploymentRow(TypedDict):
    """A deployment. All keys are always there; what does not apply is null."""

    deploymentId: str
    title: str
    description: str | None
    status: Literal["pending", "running", "done", "error"]
    logPath: str
    pid: str | None
    applicationId: str | None
    composeId: str | None
    serverId: str | None
    isPreviewDeployment: bool
    previewDeploymentId: str | None
    createdAt: str
    startedAt: str | None
    finishedAt: str | None
    errorMessage: str | None
    scheduleId: str | None
    backupId: str | None
    rollbackId: str | None
    volumeBackupId: str | None
    buildServerId: str | None
    rollback: None
    reason: str | None
    kind: str
    trigger: str
    triggeredBy: str
    commit: CommitRow | None
    unstable: bool
    killRequestedAt: str | None
    outOfReachSince: str | None
    queuePosition: int | None
    waitsFor: WaitRow | None


class StepRow(TypedDict):
    """A named part of a run, and where its output begins in the log (bytes)."""

    name: str
    startedAt: str
    finishedAt: str | None
    durationMs: int | None
    logOffset: int


class DeploymentWithSteps(DeploymentRow):
    """A deployment with the steps of its run."""

    steps: list[StepRow]


class NamedRow(TypedDict):
    """The name of what something lies in."""

    projectId: str
    name: str


class EnvironmentNameRow(TypedDict):
    """An environment and its project by name."""

    environmentId: str
    name: str
    project: NamedRow


class SubjectRow(TypedDict):
    """The application that a deployment belongs to."""

    applicationId: str
    name: str
    appName: str
    icon: None
    environment: EnvironmentNameRow
    server: None
    buildServer: None


class CentralRow(DeploymentRow):
    """A deployment with what it belongs to."""

    application: SubjectRow | None
    compose: None
    server: None
    buildServer: None


class JobData(TypedDict):
    """What a queued deployment was asked to do."""

    applicationId: NotRequired[str]
    composeId: NotRequired[str]
    titleLog: str
    descriptionLog: str
    type: str
    applicationType: str
    server: bool


class ServicePath(TypedDict):
    """Where the dashboard shows what a queued deployment belongs to."""

    href: str | None
    label: str


class JobRow(TypedDict):
    """A waiting or running deployment in the queue; its id is the deployment's. Times in milliseconds since 1970."""

    id: str
    name: str
    data: JobData
    timestamp: int
    processedOn: NotRequired[int]
    finishedOn: NotRequired[int]
    failedReason: NotRequired[str]
    state: Literal["waiting", "active"]
    servicePath: ServicePath


_LABELS: Mapping[SubjectType, str] = MappingProxyType(
    {
        SubjectType.APPLICATION: "Application",
        SubjectType.COMPOSE: "Compose",
        SubjectType.SERVER: "Server",
        SubjectType.SCHEDULE: "Schedule",
        SubjectType.PREVIEW: "Preview",
        SubjectType.BACKUP: "Backup",
        SubjectType.VOLUME_BACKUP: "Volume backup",
    }
)


def deployment_row(row: Listed, wait: Wait | None = None, *, pending_as_running: bool = False) -> DeploymentRow:
    """The row that every list shows; ``wait`` says why it waits, if it does. With ``pending_as_running`` it seems to
    run while it waits, for clients that know no other word.
    """
    subject, owner, status = row.subject_type, row.subject_id, row.status
    return {
        "deploymentId": row.deployment_id,
        "title": row.title,
        "description": row.description,
        "status": "running" if pending_as_running and status == Status.PENDING else status,  # type: ignore[typeddict-item]
        "logPath": row.log_path,
        "pid": row.pid,
        "applicationId": owner if subject == SubjectType.APPLICATION else None,
        "composeId": owner if subject == SubjectType.COMPOSE else None,
        "serverId": row.server_id,
        "isPreviewDeployment": subject == SubjectType.PREVIEW,
        "previewDeploymentId": owner if subject == SubjectType.PREVIEW else None,
        "createdAt": instant(row.created_at),
        "startedAt": instant(row.started_at),
        "finishedAt": instant(row.finished_at),
        "errorMessage": row.error_message,
        "scheduleId": owner if subject == SubjectType.SCHEDULE else None,
        "backupId": owner if subject == SubjectType.BACKUP else None,
        "rollbackId": None,
        "volumeBackupId": owner if subject == SubjectType.VOLUME_BACKUP else None,
        "buildServerId": None,
        "rollback": None,
        "reason": row.reason,
        "kind": row.kind,
        "trigger": row.trigger,
        "triggeredBy": row.triggered_by,
        "commit": _commit(row),
        "unstable": bool(row.unstable),
        "killRequestedAt": instant(row.kill_requested_at),
        "outOfReachSince": instant(row.out_of_reach_since),
        "queuePosition": None if wait is None else wait.position,
        "waitsFor": None if wait is None else _wait(wait),
    }


def with_steps(row: DeploymentRow, steps: list[StepRecord]) -> DeploymentWithSteps:
    """The row with its steps, in the order in which they began."""
    return {**row, "steps": [_step(step) for step in steps]}


def central_row(row: DeploymentRow, found: tuple[Service, Place] | None) -> CentralRow:
    """The row with the application that it belongs to (None where that is gone)."""
    return {
        **row,
        "application": None if found is None else _subject(*found),
        "compose": None,
        "server": None,
        "buildServer": None,
    }


def job_row(row: Listed, work: str, place: Place | None) -> JobRow:
    """The item of the queue; ``work`` is what it was asked to do, ``place`` where its application lies (None for what
    lies nowhere).
    """
    running = row.status == Status.RUNNING
    job: JobRow = {
        "id": row.deployment_id,
        "name": "deployments",
        "data": _job_data(row, work),
        "timestamp": row.created_at // 1000,
        "state": "active" if running else "waiting",
        "servicePath": {"href": _href(row, place), "label": _LABELS[SubjectType(row.subject_type)]},
    }
    if running and row.started_at is not None:
        job["processedOn"] = row.started_at // 1000
    return job


def _job_data(row: Listed, work: str) -> JobData:
    data: JobData = {
        "titleLog": row.title,
        "descriptionLog": row.description or "",
        "type": work,
        "applicationType": row.subject_type,
        "server": row.server_id is not None,
    }
    if row.subject_type == SubjectType.APPLICATION:
        data["applicationId"] = row.subject_id
    elif row.subject_type == SubjectType.COMPOSE:
        data["composeId"] = row.subject_id
    return data


def _wait(wait: Wait) -> WaitRow:
    return {"what": wait.hindrance.value, "deploymentId": wait.deployment_id, "message": wait.sentence}


def _href(row: Listed, place: Place | None) -> str | None:
    if place is None:
        return None
    within = f"/dashboard/project/{place.project_id}/environment/{place.environment_id}"
    return f"{within}/services/{row.subject_type}/{row.subject_id}"


def _commit(row: Listed) -> CommitRow | None:
    if row.commit_hash is None:
        return None
    return {
        "hash": row.commit_hash,
        "message": row.commit_message,
        "author": row.commit_author,
        "branch": row.commit_branch,
    }


def _step(step: StepRecord) -> StepRow:
    took = None if step.finished_at is None else step.finished_at - step.started_at
    return {
        "name": step.name,
        "startedAt": moment(step.started_at),
        "finishedAt": moment(step.finished_at),
        "durationMs": None if took is None else round(took.total_seconds() * 1000),
        "logOffset": step.log_offset,
    }


def _subject(service: Service, place: Place) -> SubjectRow:
    return {
        "applicationId": service.application_id,
        "name": service.name,
        "appName": service.app_name,
        "icon": None,
        "environment": {
            "environmentId": place.environment_id,
            "name": place.environment_name,
            "project": {"projectId": place.project_id, "name": place.project_name},
        },
        "server": None,
        "buildServer": None,
    }
