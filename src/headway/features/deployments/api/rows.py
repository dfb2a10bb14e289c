"""Deployments as the wire shows them: the row, and the item of the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic_core import from_json
from typing_extensions import TypedDict  # the one of Python 3.11 cannot be made a schema of

from headway.api.rows import instant, server_id_of
from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.queue_position import Wait
from headway.core.deployments.rollback_targets import Left
from headway.core.deployments.search import Found
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed, ListedStep
from headway.features.deployments.api.rollback_rows import LeftRow, left_row
from headway.features.projects.model import ListedService, ServicePlace

# What is of an application: its deployments, and what was run inside it.
OF_APPLICATIONS = (SubjectType.APPLICATION, SubjectType.RUN)


class CommitRow(TypedDict):
    """The commit that was deployed."""

    hash: str
    message: str | None
    author: str | None
    branch: str | None


class WaitRow(TypedDict):
    """What a waiting deployment waits for: a server that does not answer, another of its service (named), a free slot
    of its host, or its turn.
    """

    what: Literal["server", "deployment", "slot", "turn"]
    deploymentId: str | None
    message: str


class AskerRow(TypedDict):
    """Who asked for a deployment: the user and the key that was used, each as called then; or whose push did, and the
    delivery that told of it.
    """

    userId: str | None
    name: str | None
    apiKeyId: str | None
    apiKeyName: str | None
    deliveryId: str | None


class StepRow(TypedDict):
    """A named part of a run, and where its output begins in the log (bytes)."""

    name: str
    startedAt: str
    finishedAt: str | None
    durationMs: int | None
    logOffset: int


class AnswersRow(TypedDict):
    """What the address answered through the edge when the deployment was done; null where nobody answered in time.
    ``trouble`` is what the program seems not to know: its own host (``host``), that its address has no HTTPS where it
    sends everybody (``https``), or that they have come by HTTPS already (``loop``).
    """

    path: str
    status: int | None
    ms: int
    trouble: Literal["host", "https", "loop"] | None


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
    databaseId: str | None
    buildServerId: str | None
    rollback: LeftRow | None
    reason: str | None
    kind: str
    trigger: Literal["manual", "api", "webhook", "schedule", "rollback"]
    triggeredBy: AskerRow | None
    commit: CommitRow | None
    unstable: bool
    answers: AnswersRow | None
    killRequestedAt: str | None
    outOfReachSince: str | None
    lastSeenAt: str | None
    queuePosition: int | None
    waitsFor: WaitRow | None
    steps: list[StepRow]


class RunRow(DeploymentRow):
    """A run of a command. ``exitStatus`` is the command's once it has ended by itself, minus the signal's number where
    one has ended it; else null, which it is of everything but runs.
    """

    exitStatus: int | None


class WaitedRow(TypedDict):
    """A deployment that was waited for. ``reached``: it is where it was waited for to be; else the time was up."""

    reached: bool
    ended: bool
    deployment: DeploymentRow


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


class ComposeSubjectRow(TypedDict):
    """The compose service that a deployment belongs to."""

    composeId: str
    name: str
    appName: str
    icon: None
    environment: EnvironmentNameRow
    server: None


class CentralRow(DeploymentRow):
    """A deployment with what it belongs to."""

    application: SubjectRow | None
    compose: ComposeSubjectRow | None
    database: SubjectRow | None
    server: None
    buildServer: None


class CountsRow(TypedDict):
    """How many match in all. With ``atLeast`` only so many were counted, and there may be more."""

    pending: int
    running: int
    done: int
    error: int
    atLeast: bool


class SearchPage(TypedDict):
    """Matches, newest first. ``nextCursor`` is null at the end. A page may be shorter than asked for, even empty, and
    have a next one: then ``lookedBackTo`` says how far the search has come in its time.
    """

    rows: list[CentralRow]
    nextCursor: str | None
    lookedBackTo: str | None
    counts: CountsRow | None


def deployment_row(
    row: Listed,
    wait: Wait | None = None,
    steps: Sequence[ListedStep] = (),
    left: Left | None = None,
    *,
    pending_as_running: bool = False,
) -> DeploymentRow:
    """The row that every list shows; with ``pending_as_running`` one that waits seems to run."""
    subject, owner, status = row.subject_type, row.subject_id, row.status
    return {
        "deploymentId": row.deployment_id,
        "title": row.title,
        "description": row.description,
        "status": "running" if pending_as_running and status == Status.PENDING else status,  # type: ignore[typeddict-item]
        "logPath": row.log_path,
        "pid": row.pid,
        "applicationId": owner if subject in OF_APPLICATIONS else None,
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
        "rollbackId": None if left is None else left.release_id,
        "volumeBackupId": owner if subject == SubjectType.VOLUME_BACKUP else None,
        "buildServerId": None if row.release_host_id is None else server_id_of(row.host_id),
        "databaseId": owner if subject == SubjectType.DATABASE else None,
        "rollback": None if left is None else left_row(left),
        "reason": row.reason,
        "kind": row.kind,
        "trigger": row.trigger,  # type: ignore[typeddict-item]
        "triggeredBy": _asker(row),
        "commit": _commit(row),
        "unstable": bool(row.unstable),
        "answers": None if row.answers is None else _answers(row.answers),
        "killRequestedAt": instant(row.kill_requested_at),
        "outOfReachSince": instant(row.out_of_reach_since),
        "lastSeenAt": instant(row.last_seen_at),
        "queuePosition": None if wait is None else wait.position,
        "waitsFor": None if wait is None else _wait(wait),
        "steps": [_step(step) for step in steps],
    }


def belongings(
    subject_type: SubjectType, found: tuple[ListedService, ServicePlace] | None
) -> Mapping[str, SubjectRow | ComposeSubjectRow | None]:
    """What a row is shown with: the application, compose service or database that it belongs to (None where that is
    gone).
    """
    return {
        "application": _subject(*found) if found is not None and subject_type in OF_APPLICATIONS else None,
        "compose": _compose_subject(*found) if found is not None and subject_type is SubjectType.COMPOSE else None,
        "database": _subject(*found) if found is not None and subject_type is SubjectType.DATABASE else None,
        "server": None,
        "buildServer": None,
    }


def search_rest(found: Found) -> Mapping[str, object]:
    """A page of a search without its rows."""
    counts = found.counts
    return {
        "nextCursor": None if found.next is None else str(found.next),
        "lookedBackTo": instant(found.looked_back_to),
        "counts": None if counts is None else {**counts.by_status, "atLeast": counts.at_least},
    }


def _wait(wait: Wait) -> WaitRow:
    return {"what": wait.hindrance.value, "deploymentId": wait.deployment_id, "message": wait.sentence}


def _answers(text: str) -> AnswersRow:
    found: AnswersRow = from_json(text)
    found.setdefault("trouble", None)  # which rows of before have not
    return found


def _commit(row: Listed) -> CommitRow | None:
    if row.commit_hash is None:
        return None
    return {
        "hash": row.commit_hash,
        "message": row.commit_message,
        "author": row.commit_author,
        "branch": row.commit_branch,
    }


def _asker(row: Listed) -> AskerRow | None:
    if not row.triggered_by:
        return None
    by_delivery = row.trigger == Trigger.WEBHOOK
    return {
        "userId": None if by_delivery else row.triggered_by,
        "name": row.triggered_by_name,
        "apiKeyId": row.triggered_by_key,
        "apiKeyName": row.triggered_by_key_name,
        "deliveryId": row.triggered_by if by_delivery else None,
    }


def _step(step: ListedStep) -> StepRow:
    finished = step.finished_at
    return {
        "name": step.name,
        "startedAt": instant(step.started_at),
        "finishedAt": instant(finished),
        "durationMs": None if finished is None else (finished - step.started_at + 500) // 1000,
        "logOffset": step.log_offset,
    }


def _subject(service: ListedService, place: ServicePlace) -> SubjectRow:
    return {
        "applicationId": service.service_id,
        "name": service.name,
        "appName": service.app_name,
        "icon": None,
        "environment": environment_name(place),
        "server": None,
        "buildServer": None,
    }


def _compose_subject(service: ListedService, place: ServicePlace) -> ComposeSubjectRow:
    return {
        "composeId": service.service_id,
        "name": service.name,
        "appName": service.app_name,
        "icon": None,
        "environment": environment_name(place),
        "server": None,
    }


def environment_name(place: ServicePlace) -> EnvironmentNameRow:
    """An environment and its project by name."""
    return {
        "environmentId": place.environment_id,
        "name": place.environment_name,
        "project": {"projectId": place.project_id, "name": place.project_name},
    }
