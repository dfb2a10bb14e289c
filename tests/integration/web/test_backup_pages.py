"""The pages of backups: what is kept and how good it is, how one is made, tried, restored and removed, and who may."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import update

from headway.core.deployments.model import SubjectType
from headway.features.backups.pages.files import file_id, path_of
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.infra.db.tables.access import sessions
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.ids import new_id
from tests.integration.http.backup_rows import A_DATABASE, A_LOCAL_ONE, A_VOLUME_BACKUP
from tests.integration.http.world import World
from tests.integration.web.browsers import PASSWORD, send, signed_in

EVIL = "<script>alert(1)</script>\u202e"
FILE = "shop/2026/a b+ü.zst"


async def _compose(world: World) -> str:
    made = await world.post("compose.create", name="stack", environmentId=await world.environment())
    compose_id: str = made["composeId"]
    return compose_id


async def _database(world: World, **fields: object) -> str:
    given = {**A_DATABASE, "composeId": await _compose(world), "name": "shop nightly", **fields}
    backup_id: str = (await world.post("backup.create", **given))["backupId"]
    return backup_id


async def _volume(world: World, **fields: object) -> str:
    given = {**A_VOLUME_BACKUP, "composeId": await _compose(world), **fields}
    backup_id: str = (await world.post("volumeBackups.create", **given))["volumeBackupId"]
    return backup_id


async def _keep(world: World, backup_id: str, kind: SubjectType, *, proven: bool = False) -> None:
    """A file of a backup, as a run leaves it."""
    (row,) = [each for each in await world.get("backup.overview") if each["backupId"] == backup_id]

    def add(tx: Tx) -> None:
        file = KeptFile(
            kept_file_id=new_id(),
            subject_type=kind,
            subject_id=backup_id,
            destination_id=row["destinationId"],
            deployment_id=new_id(),
            path=f"proven/{FILE}" if proven else FILE,
            bytes=3 << 20,
            contents=9 << 20,
            sha256="5" * 64,
            sealed=False,
            made_at=tx.now - timedelta(hours=1),
            proven_at=tx.now if proven else None,
        )
        stored_backup_store.add(tx, file)

    await world.services.db.run(add)


async def _age_sessions(world: World) -> None:
    """Nobody has shown lately that it is still them."""
    await world.services.db.run(
        lambda tx: tx.execute(update(sessions).values(confirmed_at=tx.now - timedelta(hours=1)))
    )
    world.services.access.forget()


async def test_what_is_to_be_backed_up_is_chosen_and_then_made(world: World) -> None:
    compose_id = await _compose(world)
    where = f"/backups/of/compose/{compose_id}"
    destination_id = (await world.post("destination.create", **A_LOCAL_ONE | {"name": "far away"}))["destinationId"]
    async with signed_in(world) as client:
        assert "Nothing is backed up here yet." in (await client.get("/backups")).text
        assert f'href="{where}"' in (await client.get("/backups/new")).text
        page = (await client.get(where)).text
        assert f"{where}/create-in-compose" in page
        assert f"{where}/create-volume" in page
        asked = (await client.get(f"{where}/create-in-compose")).text
        assert f'<option value="{destination_id}">far away</option>' in asked
        bad = await send(client, f"{where}/create-in-compose", databaseType="postgres", serviceName="db")
        assert (bad.status_code, "Name the database." in bad.text) == (400, True)
        typed = {"databaseType": "mariadb", "serviceName": "db", "database": "shop", "name": "nightly"}
        login = {"connection.username": "keeper", "connection.password": "p4ss", "encryptionPassword": "long enough"}
        more = {"schedule": "30 3 * * *", "keepLatestCount": "7", "drillDays": "1", "destinationId": destination_id}
        made = await send(client, f"{where}/create-in-compose", **typed, **login, **more, enabled="true")
        assert made.status_code == 303, made.text
        row = await world.get("backup.one", backupId=made.headers["location"].removeprefix("/backups/"))
        assert (row["databaseType"], row["composeId"], row["database"]) == ("mariadb", compose_id, "shop")
        assert (row["connection"]["username"], row["encrypted"], row["keepLatestCount"]) == ("keeper", True, 7)
        assert (row["destinationId"], row["drillDays"], row["schedule"]) == (destination_id, 1, "30 3 * * *")
        page = (await client.get(made.headers["location"])).text
        assert "Added. Run it once" in page
        assert "each day at 03:30" in page
        assert 'data-age="due"' in page
        assert "far away" in page
        assert "p4ss" not in page
        typed = {"name": "files", "volumeName": "kept", "turnOff": "true", "cronExpression": "30 3 * * *"}
        volume = await send(client, f"{where}/create-volume", **typed)
        row = await world.get("volumeBackups.one", volumeBackupId=volume.headers["location"].removeprefix("/backups/"))
        assert (row["composeId"], row["volumeName"], row["turnOff"], row["cronExpression"]) == (
            compose_id,
            "kept",
            True,
            "30 3 * * *",
        )
        itself = await send(client, "/backups/of/panel/here/create-panel", name="the panel", enabled="true")
        row = await world.get("backup.one", backupId=itself.headers["location"].removeprefix("/backups/"))
        assert row["databaseType"] == "web-server"
        listed = (await client.get("/backups")).text
        assert listed.count("nothing is kept yet") == 3
        assert "Headway itself" in listed
        assert (await client.get(f"{where}/create-panel")).status_code == 404
        assert (await client.get(f"/backups/of/application/{compose_id}")).status_code == 404


async def test_what_is_kept_says_how_good_it_is_and_leads_to_its_restore(world: World) -> None:
    backup_id = await _database(world)
    path = f"/backups/{backup_id}"
    await _keep(world, backup_id, SubjectType.BACKUP)
    async with signed_in(world) as client:
        for each in ("/backups", path):
            assert "never tried" in (await client.get(each)).text, each
        file = f"{path}/files/{file_id(FILE)}"
        assert f'href="{file}"' in (await client.get(path)).text
        page = (await client.get(file)).text
        assert html.escape(FILE) in page
        assert "3.0 MiB, unpacked 9.0 MiB" in page
        tried = await send(client, f"{file}/try")
        deployment_id = tried.headers["location"].removeprefix("/deployments/")
        assert (await world.get("deployment.one", deploymentId=deployment_id))["kind"] == "backup.drill"
        asked = (await client.get(f"{file}/restore-database")).text
        assert "It fills the database shop" in asked
        assert "and found whole then." in asked
        assert (await send(client, f"{file}/restore-database", typed="other")).status_code == 422
        await _age_sessions(world)
        confirm = await send(client, f"{file}/restore-database", typed="shop", overwrite="true")
        assert (confirm.status_code, 'name="confirm"' in confirm.text) == (403, True)
        begun = await send(
            client, f"{file}/restore-database", typed="shop", overwrite="true", databaseName="new", confirm=PASSWORD
        )
        assert begun.status_code == 303, begun.text
        row = await world.get("deployment.one", deploymentId=begun.headers["location"].removeprefix("/deployments/"))
        assert (row["kind"], row["backupId"]) == ("backup.restore", backup_id)
        for each in (f"{path}/files/!", f"{path}/files/{'A' * 9}", f"{path}/files/{file_id(FILE)}/restore-volume"):
            assert (await client.get(each)).status_code == 404, each
        await _keep(world, await _database(world, name="other"), SubjectType.BACKUP, proven=True)
        assert "restored on trial" in (await client.get("/backups")).text


async def test_a_volume_is_restored_over_itself_or_into_a_new_one(world: World) -> None:
    backup_id = await _volume(world)
    await _keep(world, backup_id, SubjectType.VOLUME_BACKUP)
    file = f"/backups/{backup_id}/files/{file_id(FILE)}"
    async with signed_in(world) as client:
        page = (await client.get(file)).text
        assert "read back whole" in page
        assert f"{file}/restore-volume" in page
        assert f"{file}/try" not in page
        asked = (await client.get(f"{file}/restore-volume")).text
        assert "the volume kept is replaced" in asked
        typed = {"typed": "kept", "confirm": PASSWORD, "volumeName": "again"}
        begun = await send(client, f"{file}/restore-volume", **typed)
        assert begun.status_code == 303, begun.text
        row = await world.get("deployment.one", deploymentId=begun.headers["location"].removeprefix("/deployments/"))
        assert row["volumeBackupId"] == backup_id


async def test_a_backup_is_run_changed_and_removed(world: World) -> None:
    backup_id, volume_id = await _database(world, keepDays=3, encryptionPassword="long enough"), await _volume(world)
    async with signed_in(world) as client:
        for each, name, key in ((backup_id, "run-postgres", "backupId"), (volume_id, "run-volume", "volumeBackupId")):
            run = await send(client, f"/backups/{each}/{name}")
            deployment_id = run.headers["location"].removeprefix("/deployments/")
            assert (await world.get("deployment.one", deploymentId=deployment_id))[key] == each
            assert f"/deployments/{deployment_id}" in (await client.get(f"/backups/{each}")).text
            assert f"/deployments/{deployment_id}" in (await client.get("/backups")).text
        wrong = await send(client, f"/backups/{backup_id}/run-mysql")
        assert (wrong.status_code, "This is a backup of postgres" in wrong.text) == (400, True)
        assert (await client.get(f"/backups/{volume_id}/run-postgres")).status_code == 404
        asked = (await client.get(f"/backups/{backup_id}/change-database")).text
        assert "There is one: leave this empty" in asked
        assert re.search(r'name="encryptionPassword" type="password" value=""', asked)
        saved = await send(client, f"/backups/{backup_id}/change-database", name="other", keepLatestCount="2")
        assert saved.headers["location"] == f"/backups/{backup_id}"
        row = await world.get("backup.one", backupId=backup_id)
        assert (row["name"], row["keepLatestCount"], row["keepDays"], row["encrypted"]) == ("other", 2, None, True)
        saved = await send(client, f"/backups/{volume_id}/change-volume", cronExpression="0 2 * * *", name="w")
        row = await world.get("volumeBackups.one", volumeBackupId=volume_id)
        assert (row["cronExpression"], row["name"], row["turnOff"]) == ("0 2 * * *", "w", False)
        for each, name, typed in ((backup_id, "database", "other"), (volume_id, "volume", "w")):
            gone = await send(client, f"/backups/{each}/remove-{name}", typed=typed)
            assert (gone.status_code, gone.headers["location"]) == (303, "/backups"), gone.text
            assert (await client.get(f"/backups/{each}")).status_code == 404
    assert await world.get("backup.overview") == []


async def test_what_lies_at_the_destination_can_be_looked_at(world: World) -> None:
    backup_id = await _database(world)
    (row,) = await world.get("backup.overview")
    folder = world.platform.data_dir.path / "backups" / row["destinationId"] / "by hand"
    folder.mkdir(parents=True)
    (folder / "old dump.zst").write_bytes(b"x" * 2_048)
    async with signed_in(world) as client:
        top = (await client.get(f"/backups/{backup_id}/destination")).text
        assert "by hand" in top
        assert f"/backups/{backup_id}/destination?folder=by+hand" in top
        inside = (await client.get(f"/backups/{backup_id}/destination?folder=by+hand")).text
        file = f"/backups/{backup_id}/files/{file_id('by hand/old dump.zst')}"
        assert f'href="{file}"' in inside
        assert "not to this panel" in inside
        assert "Headway does not know this file" in (await client.get(file)).text
        assert "is no file of a destination" in (await client.get(f"/backups/{backup_id}/destination?folder=..")).text


async def test_the_list_is_filtered_by_its_address(world: World) -> None:
    backup_id, volume_id = await _database(world), await _volume(world)
    (service_id,) = [each["serviceId"] for each in await world.get("backup.overview") if each["kind"] == "volume"]
    of: Mapping[str, set[str]] = {
        "/backups": {backup_id, volume_id},
        f"/backups?serviceId={service_id}": {volume_id},
        f"/backups/of/compose/{service_id}": {volume_id},
        "/backups?text=NIGHTLY": {backup_id},
        "/backups?text=nothing": set(),
        f"/backups?after={backup_id}": {volume_id},
    }
    async with signed_in(world) as client:
        for path, ids in of.items():
            text = (await client.get(path)).text
            assert {each for each in (backup_id, volume_id) if f'href="/backups/{each}"' in text} == ids, path
        chosen = (await client.get(f"/backups/new?serviceId={service_id}")).text
        assert chosen.count('href="/backups/of/') == 1
        assert f'href="/backups/of/compose/{service_id}"' in chosen


async def test_what_a_member_may_not_is_not_offered_and_refused(world: World) -> None:
    backup_id = await _database(world)
    await _keep(world, backup_id, SubjectType.BACKUP)
    path = f"/backups/{backup_id}"
    (row,) = await world.get("backup.overview")
    project_id = row["environment"]["project"]["projectId"]
    async with signed_in(world, "member") as client:
        file = f"{path}/files/{file_id(FILE)}"
        for each in (path, file, f"{file}/restore-database", f"{path}/run-postgres", f"{path}/-/files"):
            assert (await client.get(each)).status_code == 404, each
        member = next(each for each in await world.get("user.all") if each["role"] == "member")
        await world.post("user.assignPermissions", id=member["userId"], accessedProjects=[project_id])
        page = (await client.get(path)).text
        assert f"{path}/run-postgres" in page
        assert "a destination that admins are shown" in page
        for name in ("change-database", "remove-database", "destination"):
            assert f"{path}/{name}" not in page
        assert f"{file}/restore-database" not in (await client.get(file)).text
        assert (await client.get(f"{path}/destination")).status_code == 403
        refused = await client.get(f"{file}/restore-database")
        assert (refused.status_code, "needs the role admin" in refused.text) == (403, True)


async def test_text_from_outside_stays_text(world: World) -> None:
    backup_id = await _database(world, name=EVIL, database=EVIL[:25])
    await _keep(world, backup_id, SubjectType.BACKUP)
    path = f"/backups/{backup_id}"
    async with signed_in(world) as client:
        for each in ("/backups", path, f"{path}/remove-database", f"{path}/change-database"):
            text = (await client.get(each)).text
            assert html.escape("<script>alert(1)</script>") in text
            assert "<script>alert" not in text


@pytest.mark.parametrize("name", ["!", "A" * 9, "ü", "_" * 7_000])
def test_what_names_no_file_is_none(name: str) -> None:
    with pytest.raises(NotFound):
        path_of(name)


def test_a_file_is_named_in_one_piece_of_an_address() -> None:
    assert path_of(file_id(FILE)) == FILE
    assert re.fullmatch(r"[A-Za-z0-9_-]+", file_id(FILE))
