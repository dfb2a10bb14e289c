"""The runs of backups and volume backups over both wires, and to whom they are unknown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from headway.core.deployments.model import SubjectType
from headway.core.engine.scheduler.timer import Tick
from headway.features.destinations import stored_backup_store
from tests.integration.http.backup_rows import backed_up
from tests.integration.http.test_spare import compose_service
from tests.integration.http.world import World

NEW = {"backup": "Backup", "volumeBackup": "Volume backup"}


async def begun(world: World, kind: str) -> tuple[str, str]:
    """(id, deployment) of a new one of which a run was asked for."""
    made = await world.post("compose.create", name="shop", environmentId=await world.environment())
    of = {"composeId": made["composeId"]}
    if kind == "backup":
        row = await world.post("backup.create", databaseType="postgres", database="d", serviceName="db", **of)
        subject, procedure = {"backupId": row["backupId"]}, "backup.manualBackupCompose"
    else:
        row = await world.post("volumeBackups.create", name="v", volumeName="kept", serviceType="compose", **of)
        subject, procedure = {"volumeBackupId": row["volumeBackupId"]}, "volumeBackups.runManually"
    answer = await world.owner.post(f"/{procedure}", json=subject)
    assert (answer.status_code, answer.json()) == (200, True), answer.text
    return next(iter(subject.values())), answer.headers["x-deployment-id"]


@pytest.mark.parametrize("kind", NEW)
async def test_runs_are_listed_over_both_wires_and_unknown_to_others(world: World, kind: str) -> None:
    subject_id, deployment_id = await begun(world, kind)
    given = {"id": subject_id, "type": kind}
    over_trpc = {"input": json.dumps({"json": given})}
    rest = await world.owner.get("/deployment.allByType", params=given)
    trpc = await world.owner.get("/trpc/deployment.allByType", params=over_trpc)
    assert [(row["deploymentId"], row[f"{kind}Id"]) for row in rest.json()] == [(deployment_id, subject_id)]
    assert trpc.json()["result"]["data"]["json"] == rest.json()
    for client in (world.stranger, world.member):
        assert (await client.get("/deployment.allByType", params=given)).status_code == 404
        refused = await client.get("/trpc/deployment.allByType", params=over_trpc)
        assert (refused.status_code, refused.json()["error"]["json"]["message"]) == (404, f"{NEW[kind]} not found")
        it = {"deploymentId": deployment_id}
        for procedure in ("killProcess", "cancel", "removeDeployment"):
            assert (await client.post(f"/deployment.{procedure}", json=it)).status_code == 404, procedure
        assert (await client.get("/deployment.readLogs", params=it)).status_code == 404


async def test_a_repeated_call_gets_the_first_answer_though_its_file_has_gone(world: World) -> None:
    compose = await compose_service(world)
    backup_id = (await backed_up(world, compose["composeId"], ["backup"]))["backup"]
    given, key = {"backupId": backup_id}, {"idempotency-key": "one-drill"}
    first = await world.owner.post("/backup.drill", json=given, headers=key)
    await world.services.db.run(lambda tx: stored_backup_store.forget_subject(tx, SubjectType.BACKUP, backup_id))

    again = await world.owner.post("/backup.drill", json=given, headers=key)

    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert again.headers["x-deployment-id"] == first.headers["x-deployment-id"]
    assert (await world.owner.post("/backup.drill", json=given)).status_code == 404


@pytest.mark.parametrize("kind", NEW)
async def test_nothing_of_a_service_that_was_deleted_is_due_and_its_files_stay(world: World, kind: str) -> None:
    compose = await compose_service(world)
    made = await backed_up(world, compose["composeId"], None)
    backup_id = made["backup" if kind == "backup" else "volume_backup"]
    source = cast("Any", world.platform.base.ledger.subjects[SubjectType(kind)])
    tick = Tick(due_at=datetime.now(UTC), start_at=datetime.now(UTC))

    async def is_run() -> bool:
        return await world.services.db.read(lambda tx: source.request(tx, backup_id, tick)) is not None

    assert await is_run()
    await world.post("compose.delete", composeId=compose["composeId"], deleteVolumes=False)
    assert not await is_run()
    assert len(await world.get("backup.files", backupId=made["backup"])) == 1
