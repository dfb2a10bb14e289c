"""What is told of deployments of every type, at every end and in between, and whose news these are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments import store
from headway.core.deployments.ledger import Ledger, Outcome
from headway.core.deployments.model import Deployment, Lane, Request, SubjectType
from headway.core.deployments.status import Maker, Reason, Status
from headway.core.engine.scheduler.timer import CatchUp
from headway.infra.db.tables.timers import timers
from headway.infra.db.transaction import Tx
from tests.integration.http.preview_rows import pull_request
from tests.integration.http.test_access_table import things_of
from tests.integration.http.test_notification import channel, turn
from tests.integration.http.world import REPOSITORY, World
from tests.support.notifications.receivers import Receiver, receiver

pytestmark = pytest.mark.slow

Json = Any
ENDS: Mapping[Reason | None, str] = {
    None: "done",
    Reason.FAILED: "error",
    Reason.OUT_OF_MEMORY: "error",
    Reason.TIMED_OUT: "error",
    Reason.KILLED: "error",
    Reason.REFUSED: "error",
    Reason.LOST: "error",
    Reason.CANCELLED: "cancelled",
    Reason.SUPERSEDED: "superseded",
}
FEW = (None, Reason.FAILED, Reason.CANCELLED, Reason.SUPERSEDED)
IDS: Mapping[SubjectType, str] = {
    SubjectType.APPLICATION: "application",
    SubjectType.COMPOSE: "compose",
    SubjectType.SERVER: "server",
    SubjectType.SCHEDULE: "schedule",
    SubjectType.RUN: "application",
    SubjectType.PREVIEW: "preview",
    SubjectType.BACKUP: "backup",
    SubjectType.VOLUME_BACKUP: "volume_backup",
    SubjectType.DATABASE: "postgres",
}


def test_every_type_is_among_them() -> None:
    assert IDS.keys() == set(SubjectType)
    assert ENDS.keys() == {None, *Reason}


async def test_every_type_is_told_of_at_every_end_and_in_between(world: World) -> None:
    things = await settled(world)
    with receiver() as heard:
        await channel(world, heard, events=["*.*"])
        for subject_type in SubjectType:
            request = request_for(subject_type, things)
            for reason in ENDS if subject_type is SubjectType.APPLICATION else FEW:
                await ended(world, request, reason)
        await turn(world)
    told = told_of(heard)
    for subject_type, name in IDS.items():
        reasons = ENDS if subject_type is SubjectType.APPLICATION else FEW
        expected = ["out_of_reach", "unstable", *(word for each in reasons for word in ("started", ENDS[each]))]
        mine = [each for each in told[things[name]] if each.startswith(f"{subject_type}.")]
        assert sorted(mine) == sorted(f"{subject_type}.{each}" for each in expected)
    assert {each.partition(".")[0] for events in told.values() for each in events} == {*SubjectType}


async def test_a_due_time_that_is_missed_is_told(world: World) -> None:
    things = await settled(world)
    await world.post("backup.update", backupId=things["backup"], schedule="30 4 * * *")
    await world.post("volumeBackups.update", volumeBackupId=things["volume_backup"], cronExpression="30 4 * * *")
    past = {"catch_up": CatchUp.NONE}

    def let_pass(tx: Tx) -> None:
        before = tx.now - timedelta(days=2)
        tx.execute(update(timers).values(**past, looked_until=before, next_at=before + timedelta(hours=1)))

    with receiver() as heard:
        await channel(world, heard)
        await world.services.db.run(let_pass)
        await world.platform.engine._timing._work()
        await turn(world)
    told = told_of(heard)
    assert {*told} == {things["schedule"], things["backup"], things["volume_backup"]}
    assert {*told[things["schedule"]]} == {"schedule.missed"}
    assert {*told[things["backup"]]} == {"backup.missed"}
    assert {*told[things["volume_backup"]]} == {"volumeBackup.missed"}


@pytest.mark.parametrize(
    ("service", "theirs"),
    [
        ("application", {"application", "preview", "schedule"}),
        ("compose", {"compose", "compose_preview", "backup", "volume_backup"}),
        ("postgres", {"postgres"}),
        ("server", {"server"}),
    ],
)
async def test_a_channel_of_a_service_is_told_of_all_that_is_its_own(
    world: World, service: str, theirs: set[str]
) -> None:
    things = await settled(world)
    with receiver() as heard:
        await channel(world, heard, events=["*.done"], serviceIds=[things[service]])
        for subject_type in SubjectType:
            await ended(world, request_for(subject_type, things), None)
        preview = {**things, "preview": things["compose_preview"]}
        await ended(world, request_for(SubjectType.PREVIEW, preview), None)
        await turn(world)
    assert {*told_of(heard)} == {things[each] for each in theirs}


async def test_what_is_cancelled_is_no_failure_that_is_kept_quiet(world: World) -> None:
    things = await settled(world)
    request = request_for(SubjectType.APPLICATION, things)
    with receiver() as heard:
        await channel(world, heard, events=["*.cancelled"], quietSeconds=600)
        for _ in range(2):
            await ended(world, request, Reason.CANCELLED)
        await turn(world)
    assert told_of(heard) == {things["application"]: ["application.cancelled"] * 2}


async def test_each_channel_that_fails_is_reported(world: World) -> None:
    application_id = await world.application()
    with receiver(lambda _number: 500) as broken, receiver() as heard:
        for name in ("one", "two"):
            await channel(world, broken, name=name)
        await channel(world, heard, events=["channel.failed"], quietSeconds=600)
        await world.ended(application_id, Status.ERROR)
        await turn(world)
        await turn(world)
    assert sorted(each.told["data"]["name"] for each in heard.posted) == ["one", "two"]


async def settled(world: World) -> dict[str, str]:
    """One thing of each type, of which nothing waits."""
    things = await things_of(world)
    compose = {"composeId": things["compose"]}
    source = {"sourceType": "git", "customGitUrl": REPOSITORY, "customGitBranch": "main"}
    await world.post("compose.update", **compose, **source, isPreviewDeploymentsActive=True)
    token = (await world.get("compose.one", **compose))["refreshToken"]
    opened = await world.nobody.post(
        f"/deploy/compose/{token}", json=pull_request(3, "c" * 40), headers={"x-github-event": "pull_request"}
    )
    assert opened.json()["services"][0]["outcome"] == "queued", opened.text
    (preview,) = await world.get("previewDeployment.all", **compose)
    organization_id = (await world.get("user.get"))["organizationId"]
    for each in (await world.get("deployment.allCentralized"))[:]:
        if each["status"] == "pending":
            await world.post("deployment.cancel", deploymentId=each["deploymentId"])
    return {**things, "compose_preview": preview["previewDeploymentId"], "organization": organization_id}


def request_for(subject_type: SubjectType, things: Mapping[str, str]) -> Request:
    """A deployment of this type."""
    return Request(
        kind="test",
        kind_version=1,
        subject_type=subject_type,
        subject_id=things[IDS[subject_type]],
        host_id="local",
        organization_id=things["organization"],
        project_id=None if subject_type is SubjectType.SERVER else things["project"],
        exclusive_key=None,
        lane=Lane.DEPLOY,
        input={},
    )


async def ended(world: World, request: Request, reason: Reason | None) -> None:
    """A deployment that has come to this end; one that is done was out of reach before, and is unstable afterwards."""
    ledger: Ledger = world.services.deployments._ledger

    def live(tx: Tx) -> None:
        made = ledger.enqueue(tx, request)
        claimed = ledger.claim(tx, "local", "a worker")
        assert claimed is not None
        assert claimed[0].deployment_id == made.deployment_id
        if reason is None:
            store.mark_out_of_reach(tx, made.deployment_id)
        status = Status.DONE if reason is None else Status.ERROR
        message = None if reason is None else f"It was {reason}."
        outcome = Outcome(status=status, reason=reason, message=message)
        done: Deployment = ledger.finish(tx, claimed[1], outcome, Maker.RECOVERY)
        if reason is None:
            store.add_end_to_outbox(tx, done, "unstable")

    await world.services.db.run(live)


def told_of(heard: Receiver) -> Mapping[str, Sequence[str]]:
    """What was told of each thing."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in heard.posted:
        found[each.told["data"]["subjectId"]].append(each.told["type"])
    return found
