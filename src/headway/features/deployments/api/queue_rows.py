"""What waits and what runs, as the queue of the clients shows it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed
from headway.features.deployments.api.rows import OF_APPLICATIONS
from headway.features.projects.model import ServicePlace


class JobData(TypedDict):
    """What a queued deployment was asked to do."""

    applicationId: NotRequired[str]
    composeId: NotRequired[str]
    databaseId: NotRequired[str]
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
        SubjectType.RUN: "Run",
        SubjectType.PREVIEW: "Preview",
        SubjectType.BACKUP: "Backup",
        SubjectType.VOLUME_BACKUP: "Volume backup",
        SubjectType.DATABASE: "Database",
    }
)


def job_row(row: Listed, work: str, place: ServicePlace | None) -> JobRow:
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
    if row.subject_type in OF_APPLICATIONS:
        data["applicationId"] = row.subject_id
    elif row.subject_type == SubjectType.COMPOSE:
        data["composeId"] = row.subject_id
    elif row.subject_type == SubjectType.DATABASE:
        data["databaseId"] = row.subject_id
    return data


def _href(row: Listed, place: ServicePlace | None) -> str | None:
    if place is None:
        return None
    within = f"/dashboard/project/{place.project_id}/environment/{place.environment_id}"
    kind = SubjectType.APPLICATION if row.subject_type == SubjectType.RUN else row.subject_type
    return f"{within}/services/{kind}/{row.subject_id}"
