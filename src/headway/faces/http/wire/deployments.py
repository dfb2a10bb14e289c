"""Deployments as the wire shows them: the row, the item of the queue, the row with its steps."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NotRequired

from typing_extensions import TypedDict  # the one of Python 3.11 cannot be made a schema of

from headway.core.deployments.model import Deployment, StepRecord, SubjectType
from headway.core.deployments.status import Status
from headway.domains.projects.model import Place, Service
from headway.faces.http.wire.base import milliseconds, moment


class CommitRow(TypedDict):
    """The commit that was deployed."""

    hash: str
    message: str | None
    author: str | None
    branch: str | None


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


def deployment_row(deployment: Deployment) -> DeploymentRow:
    """The row that every list shows."""
    subject, owner = deployment.subject_type, deployment.subject_id
    return {
        "deploymentId": deployment.deployment_id,
        "title": deployment.title,
        "description": deployment.description,
        "status": deployment.status.value,
        "logPath": deployment.log_path,
        "pid": deployment.pid,
        "applicationId": owner if subject is SubjectType.APPLICATION else None,
        "composeId": owner if subject is SubjectType.COMPOSE else None,
        "serverId": deployment.server_id,
        "isPreviewDeployment": subject is SubjectType.PREVIEW,
        "previewDeploymentId": owner if subject is SubjectType.PREVIEW else None,
        "createdAt": moment(deployment.created_at),
        "startedAt": moment(deployment.started_at),
        "finishedAt": moment(deployment.finished_at),
        "errorMessage": deployment.error_message,
        "scheduleId": owner if subject is SubjectType.SCHEDULE else None,
        "backupId": owner if subject is SubjectType.BACKUP else None,
        "rollbackId": None,
        "volumeBackupId": owner if subject is SubjectType.VOLUME_BACKUP else None,
        "buildServerId": None,
        "rollback": None,
        "reason": deployment.reason,
        "kind": deployment.kind,
        "trigger": deployment.trigger,
        "triggeredBy": deployment.triggered_by,
        "commit": _commit(deployment),
        "unstable": deployment.unstable,
        "killRequestedAt": moment(deployment.kill_requested_at),
        "outOfReachSince": moment(deployment.out_of_reach_since),
    }


def with_steps(deployment: Deployment, steps: list[StepRecord]) -> DeploymentWithSteps:
    """The row with its steps, in the order in which they began."""
    return {**deployment_row(deployment), "steps": [_step(step) for step in steps]}


def central_row(deployment: Deployment, found: tuple[Service, Place] | None) -> CentralRow:
    """The row with the application that it belongs to (None where that is gone)."""
    return {
        **deployment_row(deployment),
        "application": None if found is None else _subject(*found),
        "compose": None,
        "server": None,
        "buildServer": None,
    }


def job_row(deployment: Deployment, place: Place | None) -> JobRow:
    """The item of the queue; ``place`` is where its application lies, None for what lies nowhere."""
    running = deployment.status is Status.RUNNING
    row: JobRow = {
        "id": deployment.deployment_id,
        "name": "deployments",
        "data": _job_data(deployment),
        "timestamp": milliseconds(deployment.created_at),
        "state": "active" if running else "waiting",
        "servicePath": {"href": _href(deployment, place), "label": _LABELS[deployment.subject_type]},
    }
    if running and deployment.started_at is not None:
        row["processedOn"] = milliseconds(deployment.started_at)
    return row


def _job_data(deployment: Deployment) -> JobData:
    data: JobData = {
        "titleLog": deployment.title,
        "descriptionLog": deployment.description or "",
        "type": str(deployment.input.get("type", "deploy")),
        "applicationType": deployment.subject_type.value,
        "server": deployment.server_id is not None,
    }
    if deployment.subject_type is SubjectType.APPLICATION:
        data["applicationId"] = deployment.subject_id
    elif deployment.subject_type is SubjectType.COMPOSE:
        data["composeId"] = deployment.subject_id
    return data


def _href(deployment: Deployment, place: Place | None) -> str | None:
    if place is None:
        return None
    within = f"/dashboard/project/{place.project_id}/environment/{place.environment_id}"
    return f"{within}/services/{deployment.subject_type}/{deployment.subject_id}"


def _commit(deployment: Deployment) -> CommitRow | None:
    if deployment.commit_hash is None:
        return None
    return {
        "hash": deployment.commit_hash,
        "message": deployment.commit_message,
        "author": deployment.commit_author,
        "branch": deployment.commit_branch,
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
