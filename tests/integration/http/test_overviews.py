"""Lists of everything that runs at its times or by itself: who sees what, when it is due, and what is kept."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.backup_rows import A_DATABASE, A_VOLUME_BACKUP
from tests.integration.http.preview_rows import previews_of
from tests.integration.http.schedule_rows import A_SCHEDULE
from tests.integration.http.world import World


async def test_schedules_of_services_and_machines_are_listed_by_name_with_their_newest_run(world: World) -> None:
    application_id = await world.application()
    here = await world.post("schedule.create", **A_SCHEDULE | {"name": "b"}, scheduleType="dokploy-server")
    inside = await world.post("schedule.create", **A_SCHEDULE | {"name": "a"}, applicationId=application_id)
    run = await world.post("schedule.runManually", scheduleId=inside["scheduleId"])
    first, second = await world.get("schedule.overview")
    assert (first["scheduleId"], second["scheduleId"]) == (inside["scheduleId"], here["scheduleId"])
    assert (first["applicationId"], first["targetName"]) == (application_id, "trivial")
    assert first["environment"]["project"]["name"]
    assert first["nextRunAt"] == inside["nextRunAt"]
    assert (first["lastRun"]["deploymentId"], first["lastRun"]["status"]) == (run["deploymentId"], "pending")
    assert (second["targetName"], second["environment"], second["lastRun"]) == (None, None, None)
    await world.post("application.delete", applicationId=application_id)
    assert [each["scheduleId"] for each in await world.get("schedule.overview")] == [here["scheduleId"]]


async def test_who_was_given_nothing_sees_nothing(world: World) -> None:
    application_id, compose_id = await world.application(), await _compose(world)
    await world.post("schedule.create", **A_SCHEDULE, applicationId=application_id)
    await world.post("backup.create", **A_DATABASE, composeId=compose_id)
    await previews_of(world, application_id)
    for name in ("schedule.overview", "backup.overview", "previewDeployment.overview"):
        assert len(await world.get(name)) >= 1, name
        for caller in (world.member, world.stranger):
            assert (await caller.get(f"/{name}")).json() == [], name


async def test_backups_of_both_kinds_are_listed_with_what_is_kept_of_each(world: World) -> None:
    compose_id = await _compose(world)
    volume = await world.post("volumeBackups.create", **A_VOLUME_BACKUP | {"composeId": compose_id})
    database = await world.post("backup.create", **A_DATABASE, composeId=compose_id, name="a", schedule="30 4 * * *")
    for number in (1, 2):
        await _keep(world, database, number)
    await world.post("backup.drill", backupId=database["backupId"])
    first, second = await world.get("backup.overview")
    assert (first["kind"], first["backupId"], first["of"]) == ("database", database["backupId"], "postgres")
    assert (first["source"], first["serviceId"]) == ("shop", compose_id)
    assert (first["files"], first["bytes"], first["newest"]["bytes"]) == (2, 30, 20)
    assert first["newest"]["createdAt"] is not None
    assert first["provenAt"] is not None
    assert first["nextRunAt"] is not None
    assert first["destinationName"]
    assert first["lastRun"]["kind"] == "backup.drill"
    assert (second["kind"], second["backupId"], second["source"]) == ("volume", volume["volumeBackupId"], "kept")
    assert (second["files"], second["newest"], second["provenAt"], second["nextRunAt"]) == (0, None, None, None)


async def test_previews_of_all_services_are_listed_newest_first(world: World) -> None:
    application_id = await world.application()
    ids = await previews_of(world, application_id)
    fork, preview = await world.get("previewDeployment.overview")
    assert (fork["previewDeploymentId"], preview["previewDeploymentId"]) == (ids["fork"], ids["preview"])
    assert (fork["awaitsApproval"], fork["lastRun"], fork["address"]) == (True, None, None)
    assert (preview["serviceId"], preview["serviceName"]) == (application_id, "trivial")
    assert preview["lastRun"]["status"] == "pending"
    assert (
        preview["address"] == (await world.get("previewDeployment.one", previewDeploymentId=ids["preview"]))["address"]
    )
    await world.post("previewDeployment.delete", previewDeploymentId=ids["fork"])
    assert [each["previewDeploymentId"] for each in await world.get("previewDeployment.overview")] == [ids["preview"]]


async def _keep(world: World, backup: dict[str, str], number: int) -> None:
    """A file of so many tens of bytes, of which the first was restored on trial."""

    def add(tx: Tx) -> None:
        file = KeptFile(
            kept_file_id=new_id(),
            subject_type=SubjectType.BACKUP,
            subject_id=backup["backupId"],
            destination_id=backup["destinationId"],
            deployment_id=new_id(),
            path=f"shop/{number}.pgdump.zst",
            bytes=10 * number,
            contents=1,
            sha256="0" * 64,
            sealed=False,
            made_at=tx.now,
            proven_at=tx.now if number == 1 else None,
        )
        stored_backup_store.add(tx, file)

    await world.services.db.run(add)


async def _compose(world: World) -> str:
    made = await world.post("compose.create", name="stack", environmentId=await world.environment("stacks"))
    compose_id: str = made["composeId"]
    return compose_id
