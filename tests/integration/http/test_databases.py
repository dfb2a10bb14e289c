"""``postgres.*`` and its siblings where no engine runs: what is kept, shown to whom, listed, copied and refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.model import AppSettings, OpenedPort, RunSettings
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.database.model import DatabaseKind
from headway.features.services.model import DesiredState, ServiceStatus
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Commit, Image
from tests.integration.http.callers import CALLERS, admit_callers, give, key_of
from tests.integration.http.database_rows import A_DATABASE
from tests.integration.http.world import World, client_with

Json = Any
SECRET = A_DATABASE["databasePassword"]


async def made(world: World, kind: str = "postgres", **fields: Json) -> Json:
    environment_id = fields.pop("environmentId", None) or await world.environment()
    return await world.post(f"{kind}.create", name="orders", environmentId=environment_id, **A_DATABASE, **fields)


@pytest.mark.parametrize("kind", DatabaseKind)
async def test_each_kind_is_listed_where_it_lies_and_found_by_its_id(world: World, kind: DatabaseKind) -> None:
    environment_id = await world.environment()
    row = await made(world, kind, environmentId=environment_id)
    one = await world.get(f"{kind}.one", **{f"{kind}Id": row["databaseId"]})
    assert (one["databaseType"], one["applicationStatus"], one["deployments"]) == (kind, "idle", [])
    assert one["environment"]["environmentId"] == environment_id
    environment = await world.get("environment.one", environmentId=environment_id)
    assert [each[f"{kind}Id"] for each in environment[kind]] == [row["databaseId"]]
    assert environment["applications"] == []
    counted = await world.get("project.homeStats")
    assert (counted["databases"], counted["services"]) == (1, 1)


async def test_it_is_no_application_and_no_database_of_another_kind(world: World) -> None:
    id_ = (await made(world))["databaseId"]
    for procedure, field in (("application.one", "applicationId"), ("mysql.one", "mysqlId")):
        assert (await world.owner.get(f"/{procedure}", params={field: id_})).status_code == 404
    for procedure in ("application.deploy", "application.delete"):
        assert (await world.owner.post(f"/{procedure}", json={"applicationId": id_})).status_code == 404
    host = {"host": "x.example", "applicationId": id_}
    assert (await world.owner.post("/domain.create", json=host)).status_code == 404


async def test_what_libsql_alone_has_is_refused_of_others_and_what_says_nothing_is_taken(world: World) -> None:
    row = await made(world)
    of_libsql = {
        "externalGRPCPort": 5001,
        "externalAdminPort": 5000,
        "sqldNode": "replica",
        "sqldPrimaryUrl": "http://other:5001",
        "enableNamespaces": True,
    }
    for field, value in of_libsql.items():
        answer = await world.owner.post("/postgres.update", json={"postgresId": row["databaseId"], field: value})
        assert (answer.status_code, field in answer.json()["message"]) == (400, True), field
    plain = {**dict.fromkeys(of_libsql), "sqldNode": "primary", "enableNamespaces": False}
    assert await world.post("postgres.update", postgresId=row["databaseId"], **plain) is True
    kept = await made(world, "libsql", **of_libsql)
    assert {field: kept[field] for field in of_libsql} == of_libsql


async def test_passwords_are_shown_to_those_who_may_change_it_and_are_sealed_at_rest(world: World) -> None:
    row = await made(world, "mariadb", externalPort=13306)
    assert row["databasePassword"] == SECRET
    assert row["externalUrl"] == f"mariadb://keeper:{SECRET}@127.0.0.1:13306/shop"
    members = await admit_callers(world)
    caller = CALLERS["member with the service"]
    await give(world, members[caller], caller, "", row["databaseId"])
    async with client_with(world.app, key_of(caller)) as member:
        answer = await member.get("/mariadb.one", params={"mariadbId": row["databaseId"]})
    assert answer.status_code == 200, answer.text
    assert SECRET not in answer.text
    assert [answer.json()[each] for each in ("databasePassword", "databaseRootPassword", "internalUrl")] == [None] * 3
    everything = await world.services.db.read(
        lambda tx: (
            [[*each] for each in tx.execute(text("SELECT settings, env FROM services"))]
            + [[*each] for each in tx.execute(text("SELECT settings FROM databases"))]
        )
    )
    assert SECRET not in str(everything)


async def test_a_copy_has_its_settings_and_neither_its_port_nor_its_id(world: World) -> None:
    environment_id = await world.environment()
    row = await made(world, environmentId=environment_id, externalPort=15432, memoryLimit="512M")
    given = {"sourceEnvironmentId": environment_id, "name": "again", "duplicateInSameProject": True}
    chosen = [{"id": row["databaseId"], "type": "postgres"}]
    await world.post("project.duplicate", **given, selectedServices=chosen)
    environment = await world.get("environment.one", environmentId=environment_id)
    _, copy = environment["postgres"]
    one = await world.get("postgres.one", postgresId=copy["postgresId"])
    assert (one["name"], one["databasePassword"], one["externalPort"]) == ("orders (copy)", SECRET, None)
    assert (one["memoryLimit"], one["appName"] == row["appName"]) == (str(512 << 20), False)


async def test_a_project_with_a_database_is_not_empty(world: World) -> None:
    project = await world.post("project.create", name="bench")
    row = await made(world, environmentId=project["environment"]["environmentId"])
    given = {"projectId": project["project"]["projectId"]}
    refused = await world.owner.post("/project.remove", json=given)
    assert (refused.status_code, "orders" in refused.json()["message"]) == (409, True)
    await world.post("postgres.remove", postgresId=row["databaseId"])
    await world.post("project.remove", **given)


async def test_a_deploy_waits_as_one_of_a_database(world: World) -> None:
    row = await made(world)
    answer = await world.owner.post("/postgres.deploy", json={"postgresId": row["databaseId"]})
    assert answer.json()["applicationStatus"] == "running"
    found = await world.get("deployment.search", id=row["databaseId"], type="database")
    assert [each["deploymentId"] for each in found["rows"]] == [answer.headers["x-deployment-id"]]
    (central,) = await world.get("deployment.allCentralized")
    assert (central["databaseId"], central["applicationId"]) == (row["databaseId"], None)
    assert (central["application"], central["database"]["name"]) == (None, "orders")
    (job,) = await world.get("deployment.queueList")
    assert job["data"]["databaseId"] == row["databaseId"]


async def test_a_status_is_told_and_never_set(world: World) -> None:
    id_ = (await made(world))["databaseId"]
    refused = await world.owner.post("/postgres.changeStatus", json={"postgresId": id_, "applicationStatus": "done"})
    assert (refused.status_code, "is idle now" in refused.json()["message"]) == (409, True)
    assert (await world.post("postgres.changeStatus", postgresId=id_, applicationStatus="idle"))["databaseId"] == id_


async def test_a_rebuild_takes_another_volume_and_a_backup_wants_a_database_of_its_kind(world: World) -> None:
    id_ = (await made(world))["databaseId"]
    await world.post("postgres.rebuild", postgresId=id_)
    kept = await world.services.db.read(lambda tx: world.services.databases._found(tx, id_))
    (mount,) = kept.runs.settings.run.mounts
    assert mount.source.startswith("data-")
    assert (await world.get("postgres.one", postgresId=id_))["dataVolume"] == mount.source
    await world.post("postgres.update", postgresId=id_, dataVolume=None)
    assert (await world.get("postgres.one", postgresId=id_))["dataVolume"] == "data"
    wrong = {"databaseType": "mariadb", "mariadbId": id_, "database": "shop"}
    refused = await world.owner.post("/backup.create", json=wrong)
    assert (refused.status_code, refused.json()["message"]) == (404, "Mariadb not found")
    backup = await world.post("backup.create", databaseType="postgres", postgresId=id_)
    assert (backup["database"], backup["postgresId"], backup["composeId"]) == ("shop", id_, None)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"databasePassword": "it's"}, "without spaces, quotes"),
        ({"externalPort": 5432, "connection": {"host": "db"}}, "no port of this machine"),
        ({"connection": {"host": 5}}, "A connection has host"),
        ({"dockerImage": "no image!"}, "is no name of an image"),
        ({"externalAddress": "everywhere"}, "externalAddress is an address"),
        ({"dataVolume": "../other"}, "dataVolume is the name of a volume"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(world: World, fields: Json, told: str) -> None:
    given = {"name": "orders", "environmentId": await world.environment(), **A_DATABASE, **fields}
    answer = await world.owner.post("/postgres.create", json=given)
    assert (answer.status_code, told in answer.json()["message"]) == (400, True), answer.text


async def test_a_volume_backup_is_of_one_database_that_is_headways_and_of_its_kind(world: World) -> None:
    environment_id = await world.environment()
    id_ = (await made(world, "redis", environmentId=environment_id))["databaseId"]
    given = {"name": "v", "volumeName": "data", "turnOff": True}
    row = await world.post("volumeBackups.create", serviceType="redis", redisId=id_, **given)
    assert (row["serviceType"], row["redisId"], row["applicationId"]) == ("redis", id_, None)
    listed = await world.get("volumeBackups.list", id=id_, volumeBackupType="redis")
    assert [each["volumeBackupId"] for each in listed] == [row["volumeBackupId"]]
    far = {"connection": {"host": "db.example"}, "environmentId": await world.environment()}
    elsewhere = (await made(world, "redis", **far))["databaseId"]
    for whose, status, told in (
        ({"mongoId": id_}, 404, "Mongo not found"),
        ({"serviceType": "application", "applicationId": id_}, 404, "Application not found"),
        ({"redisId": id_, "postgresId": id_}, 400, "Name one service"),
        ({"serviceType": "postgres", "redisId": id_}, 400, "Name one service"),
        ({"redisId": elsewhere}, 400, "runs elsewhere"),
    ):
        answer = await world.owner.post("/volumeBackups.create", json={**given, **whose})
        assert (answer.status_code, told in answer.json()["message"]) == (status, True), answer.text

    other = await world.environment("other")
    await world.post("volumeBackups.runManually", volumeBackupId=row["volumeBackupId"])
    await world.post("redis.move", redisId=id_, targetEnvironmentId=other)
    project_id = (await world.get("environment.one", environmentId=other))["projectId"]
    places = (
        "SELECT project_id FROM volume_backups",
        "SELECT project_id FROM deployments WHERE title = 'Volume backup'",
    )
    moved = await world.services.db.read(lambda tx: [tx.execute(text(each)).scalar_one() for each in places])
    assert moved == [project_id] * 2


async def test_a_backup_of_a_volume_on_a_server_is_among_what_the_server_does(world: World) -> None:
    server_id = (await world.post("server.create", name="far", ipAddress="127.0.0.1"))["serverId"]
    id_ = (await made(world, serverId=server_id))["databaseId"]
    given = {"name": "v", "volumeName": "data", "postgresId": id_}
    volume_backup_id = (await world.post("volumeBackups.create", **given))["volumeBackupId"]
    await world.post("volumeBackups.runManually", volumeBackupId=volume_backup_id)
    for listed in (
        await world.get("deployment.allByServer", serverId=server_id),
        await world.get("deployment.allByType", id=volume_backup_id, type="volumeBackup"),
    ):
        assert [(row["title"], row["serverId"], row["buildServerId"]) for row in listed] == [
            ("Volume backup", server_id, None)
        ]


async def test_a_backup_of_one_on_a_server_is_among_what_the_server_does(world: World) -> None:
    server_id = (await world.post("server.create", name="far", ipAddress="127.0.0.1"))["serverId"]
    id_ = (await made(world, serverId=server_id))["databaseId"]
    backup_id = (await world.post("backup.create", databaseType="postgres", postgresId=id_))["backupId"]
    await world.post("backup.manualBackupPostgres", backupId=backup_id)
    for listed in (
        await world.get("deployment.allByServer", serverId=server_id),
        await world.get("deployment.allByType", id=backup_id, type="backup"),
    ):
        assert [(row["title"], row["serverId"], row["buildServerId"]) for row in listed] == [
            ("Backup", server_id, None)
        ]


async def test_what_may_not_be_started_again_is_not_reloaded_and_stays_as_it_was(world: World) -> None:
    row, db = await made(world), world.services.db
    port = OpenedPort(port_id="p", mode="host", outer=22, inner=5432, protocol="tcp")  # which nobody has allowed
    given: Json = {
        "settings": AppSettings(run=RunSettings(published=(port,))),
        "variables": {},
        "mask": (),
        "hosts": (),
    }
    commit = Commit(hash="", subject="", author="", branch="")
    snapshot = Snapshot(commit=commit, artifact=dump_artifact(Image(reference="sha256:x", name="x")), **given)
    release_id = await world.release(row["databaseId"], snapshot, runtime="container")

    def write(tx: Tx) -> None:
        releases_store.make_serving(tx, row["databaseId"], release_id, drain=timedelta(hours=1))
        services_store.set_fields(tx, row["databaseId"], wanted=DesiredState.DOWN, status=ServiceStatus.IDLE)

    await db.run(write)
    answer = await world.owner.post("/postgres.reload", json={"postgresId": row["databaseId"], "appName": "x"})
    assert (answer.status_code, "port 22/tcp" in answer.text) == (403, True), answer.text
    wanted = await db.read(lambda tx: tx.execute(select(services.c.wanted, services.c.status)).one())
    assert tuple(wanted) == (DesiredState.DOWN, ServiceStatus.IDLE)
