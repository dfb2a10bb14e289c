"""Records as the wire shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from headway.api.rows import instant, moment
from headway.core.deployments.model import Deployment, Lane, SubjectType, Trigger
from headway.core.deployments.queue_position import Hindrance, Wait
from headway.core.deployments.status import Intent, Reason, Status
from headway.core.deployments.summary import Listed, ListedStep
from headway.features.deployments.api.queue_rows import JobRow, job_row
from headway.features.deployments.api.rows import CentralRow, DeploymentRow, belongings, deployment_row
from headway.features.projects.model import ListedService, ServicePlace

CREATED = datetime(2026, 11, 24, 22, 46, 27, 547_900, tzinfo=UTC)

DONE = Deployment(
    deployment_id="635SdYnR2wCyMdG1bL0S5",
    seq=1,
    kind="application.deploy",
    kind_version=1,
    subject_type=SubjectType.APPLICATION,
    subject_id="pDN-jXIZI6fnNE4F_pGTg",
    organization_id="org",
    project_id="project",
    host_id="local",
    release_host_id=None,
    server_id=None,
    exclusive_key=None,
    lane=Lane.DEPLOY,
    title="first commit",
    title_given=False,
    description="Commit: df647f",
    status=Status.DONE,
    reason=None,
    error_message=None,
    log_path="/logs/635SdYnR2wCyMdG1bL0S5.log",
    pid="4711",
    epoch=1,
    handle="{}",
    input={"type": "redeploy"},
    trigger=Trigger.API,
    triggered_by="user",
    triggered_by_name="Ann",
    triggered_by_key="key",
    triggered_by_key_name="of Ann",
    commit_hash="df647f",
    commit_message="first commit",
    commit_author="Ann",
    commit_branch="main",
    created_at=CREATED,
    started_at=CREATED + timedelta(seconds=1),
    finished_at=CREATED + timedelta(seconds=2),
    intent=None,
    kill_requested_at=None,
    out_of_reach_since=None,
    last_seen_at=None,
    unstable=False,
    answers=None,
)
PENDING = replace(
    DONE, status=Status.PENDING, pid=None, commit_hash=None, started_at=None, finished_at=None, description=None
)
PLACE = ServicePlace(
    environment_id="env", environment_name="production", project_id="pro", project_name="bench", organization_id="org"
)
SERVICE = ListedService(
    host_id="local",
    service_id=DONE.subject_id,
    environment_id="env",
    name="trivial",
    app_name="trivial-a80poq",
    description=None,
    status="done",
    created_at=CREATED,
)


def shown(deployment: Deployment) -> DeploymentRow:
    """The row of a record."""
    return deployment_row(Listed.of(deployment))


def test_times_are_iso_8601_in_utc_with_milliseconds_and_z() -> None:
    assert moment(CREATED) == "2026-11-24T22:46:27.547Z"
    assert moment(CREATED.replace(microsecond=0)) == "2026-11-24T22:46:27.000Z"
    assert moment(None) is None
    assert instant(1795560387547900) == moment(CREATED)
    assert instant(1795560387000999) == "2026-11-24T22:46:27.000Z"
    assert instant(None) is None


def test_a_row_has_every_key_always() -> None:
    assert shown(DONE) == {
        "deploymentId": "635SdYnR2wCyMdG1bL0S5",
        "title": "first commit",
        "description": "Commit: df647f",
        "status": "done",
        "logPath": "/logs/635SdYnR2wCyMdG1bL0S5.log",
        "pid": "4711",
        "applicationId": "pDN-jXIZI6fnNE4F_pGTg",
        "composeId": None,
        "serverId": None,
        "isPreviewDeployment": False,
        "previewDeploymentId": None,
        "createdAt": "2026-11-24T22:46:27.547Z",
        "startedAt": "2026-11-24T22:46:28.547Z",
        "finishedAt": "2026-11-24T22:46:29.547Z",
        "errorMessage": None,
        "scheduleId": None,
        "backupId": None,
        "rollbackId": None,
        "volumeBackupId": None,
        "databaseId": None,
        "buildServerId": None,
        "rollback": None,
        "reason": None,
        "kind": "application.deploy",
        "trigger": "api",
        "triggeredBy": {"userId": "user", "name": "Ann", "apiKeyId": "key", "apiKeyName": "of Ann", "deliveryId": None},
        "commit": {"hash": "df647f", "message": "first commit", "author": "Ann", "branch": "main"},
        "unstable": False,
        "answers": None,
        "killRequestedAt": None,
        "outOfReachSince": None,
        "lastSeenAt": None,
        "queuePosition": None,
        "waitsFor": None,
        "steps": [],
    }
    assert shown(PENDING).keys() == shown(DONE).keys()


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        (SubjectType.APPLICATION, "applicationId"),
        (SubjectType.COMPOSE, "composeId"),
        (SubjectType.SCHEDULE, "scheduleId"),
        (SubjectType.PREVIEW, "previewDeploymentId"),
        (SubjectType.BACKUP, "backupId"),
        (SubjectType.VOLUME_BACKUP, "volumeBackupId"),
        (SubjectType.DATABASE, "databaseId"),
    ],
)
def test_the_subject_stands_under_its_own_key_alone(subject: SubjectType, key: str) -> None:
    row = shown(replace(DONE, subject_type=subject, subject_id="it"))
    assert [name for name, value in row.items() if value == "it"] == [key]
    assert row["isPreviewDeployment"] is (subject is SubjectType.PREVIEW)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_never_shows_as_a_status(reason: Reason) -> None:
    row = shown(replace(DONE, status=Status.ERROR, reason=reason, error_message="Why."))
    assert (row["status"], row["reason"], row["errorMessage"]) == ("error", reason.value, "Why.")


def test_a_wish_to_kill_and_a_host_out_of_reach_show() -> None:
    row = shown(
        replace(DONE, status=Status.RUNNING, intent=Intent.KILL, kill_requested_at=CREATED, out_of_reach_since=CREATED)
    )
    assert row["killRequestedAt"] == row["outOfReachSince"] == "2026-11-24T22:46:27.547Z"


def test_a_waiting_one_says_what_it_waits_for() -> None:
    wait = Wait(position=3, hindrance=Hindrance.DEPLOYMENT, deployment_id="other", sentence="It runs.")
    row = deployment_row(Listed.of(PENDING), wait)
    assert (row["queuePosition"], row["waitsFor"]) == (
        3,
        {"what": "deployment", "deploymentId": "other", "message": "It runs."},
    )
    TypeAdapter(DeploymentRow).validate_python(row, strict=True)


def test_a_waiting_one_seems_to_run_for_a_client_that_knows_no_other_word() -> None:
    assert [
        deployment_row(Listed.of(replace(DONE, status=status)), pending_as_running=True)["status"] for status in Status
    ] == ["running", "running", "done", "error"]


def test_steps_have_their_place_in_the_log_and_how_long_they_took() -> None:
    begun = 1795560387547900
    build = ListedStep(name="build", started_at=begun, finished_at=begun + 1_500_000, log_offset=12)
    release = build._replace(name="release", finished_at=None)
    row = deployment_row(Listed.of(DONE), steps=[build, release])
    assert row["steps"] == [
        {
            "name": "build",
            "startedAt": "2026-11-24T22:46:27.547Z",
            "finishedAt": "2026-11-24T22:46:29.047Z",
            "durationMs": 1500,
            "logOffset": 12,
        },
        {
            "name": "release",
            "startedAt": "2026-11-24T22:46:27.547Z",
            "finishedAt": None,
            "durationMs": None,
            "logOffset": 12,
        },
    ]


def test_a_waiting_deployment_in_the_queue_has_no_key_that_does_not_apply() -> None:
    assert job_row(Listed.of(PENDING), "redeploy", PLACE) == {
        "id": "635SdYnR2wCyMdG1bL0S5",
        "name": "deployments",
        "data": {
            "titleLog": "first commit",
            "descriptionLog": "",
            "type": "redeploy",
            "applicationType": "application",
            "server": False,
            "applicationId": "pDN-jXIZI6fnNE4F_pGTg",
        },
        "timestamp": 1795560387547,
        "state": "waiting",
        "servicePath": {
            "href": "/dashboard/project/pro/environment/env/services/application/pDN-jXIZI6fnNE4F_pGTg",
            "label": "Application",
        },
    }


def test_a_running_deployment_in_the_queue_says_since_when() -> None:
    row = job_row(Listed.of(replace(DONE, status=Status.RUNNING)), "deploy", None)
    assert (row["state"], row["processedOn"]) == ("active", 1795560388547)
    assert row["servicePath"] == {"href": None, "label": "Application"}


@pytest.mark.parametrize("subject_type", SubjectType)
def test_the_queue_has_a_word_for_each_type(subject_type: SubjectType) -> None:
    label = job_row(Listed.of(replace(PENDING, subject_type=subject_type)), "deploy", None)["servicePath"]["label"]
    assert label.replace(" ", "").casefold() in subject_type.casefold()


def test_shapes_are_what_their_schemas_say() -> None:
    TypeAdapter(DeploymentRow).validate_python(shown(DONE), strict=True)
    TypeAdapter(DeploymentRow).validate_python(shown(replace(DONE, triggered_by="")), strict=True)
    TypeAdapter(JobRow).validate_python(job_row(Listed.of(PENDING), "redeploy", PLACE), strict=True)
    TypeAdapter(CentralRow).validate_python(
        {**shown(DONE), **belongings(SubjectType.APPLICATION, (SERVICE, PLACE))}, strict=True
    )
    TypeAdapter(CentralRow).validate_python({**shown(DONE), **belongings(SubjectType.APPLICATION, None)}, strict=True)
