"""What rows show of what they belong to, in every answer in which strict clients look for it; and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from headway.features.services.database.model import DatabaseKind
from tests.integration.http.backup_rows import A_DATABASE as A_BACKUP
from tests.integration.http.backup_rows import A_VOLUME_BACKUP
from tests.integration.http.callers import CALLERS, admit_callers, give, key_of
from tests.integration.http.database_rows import A_DATABASE
from tests.integration.http.schedule_rows import A_SCHEDULE
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.test_access_table import things_of
from tests.integration.http.world import World, client_with

Json = Any
OF_A_MOUNT = {f"{each}Id" for each in ("application", "compose", "mariadb", "mongo", "mysql", "postgres", "redis")}
SECRET = "secret-of-the-project"


async def test_what_stops_and_deletes_an_application_answers_with_all_around_it(world: World) -> None:
    id_ = await world.application()
    of_it = {"serviceId": id_, "serviceType": "application"}
    mount = await world.post("mounts.create", type="volume", volumeName="kept", mountPath="/kept", **of_it)
    assert mount.keys() >= OF_A_MOUNT
    assert {name for name in OF_A_MOUNT if mount[name] is not None} == {"applicationId"}
    one = await world.get("application.one", applicationId=id_)
    assert (one["mounts"], one["previewDeployments"], one["server"], one["registry"]) == ([mount], [], None, None)
    for procedure in ("stop", "delete"):
        answer = await world.post(f"application.{procedure}", applicationId=id_)
        assert answer == one, procedure


async def test_who_may_only_deploy_hears_no_more_of_an_application_than_before(world: World) -> None:
    id_ = await world.application()
    one = await world.get("application.one", applicationId=id_)
    await world.deploy(id_)
    await world.post("project.update", projectId=one["projectId"], env=f"TOKEN={SECRET}")
    key = (await world.post("user.createApiKey", name="ci", scopes=["deploy"]))["key"]
    async with client_with(world.app, key) as client:
        answer = await client.post("/application.stop", json={"applicationId": id_})
    assert answer.status_code == 200, answer.text
    row = answer.json()
    assert row.keys() == one.keys()
    assert (row["deployments"], row["domains"], row["environment"]["env"]) == ([], [], "")
    assert SECRET not in answer.text
    assert len((await world.get("application.one", applicationId=id_))["deployments"]) == 1


@pytest.mark.parametrize("kind", DatabaseKind)
async def test_a_database_is_answered_with_all_around_it_and_keeps_what_clients_compare(
    world: World, kind: DatabaseKind
) -> None:
    environment_id = await world.environment()
    id_ = (await world.post(f"{kind}.create", name="orders", environmentId=environment_id, **A_DATABASE))["databaseId"]
    of_it = {f"{kind}Id": id_}
    one = await world.get(f"{kind}.one", **of_it)
    assert (one["replicas"], one["networkIds"], one["detachDokployNetwork"], one["server"]) == (1, [], False, None)
    (mount,) = one["mounts"]
    assert (mount["type"], mount["serviceType"], mount[f"{kind}Id"]) == ("volume", kind, id_)
    kept = {
        "replicas": 2,
        "networkIds": ["a"],
        "detachDokployNetwork": True,
        "labelsSwarm": {"a": "b"},
        "restartPolicySwarm": {"Condition": "any"},
    }
    assert await world.post(f"{kind}.update", **of_it, **kept) is True
    after = await world.get(f"{kind}.one", **of_it)
    assert {name: after[name] for name in kept} == kept
    for procedure in ("stop", "remove"):
        assert (await world.post(f"{kind}.{procedure}", **of_it)).keys() == one.keys(), procedure


async def test_a_deploy_of_a_database_answers_with_what_was_queued(world: World) -> None:
    given = {"name": "orders", "environmentId": await world.environment(), **A_DATABASE}
    id_ = (await world.post("postgres.create", **given))["postgresId"]
    row = await world.post("postgres.deploy", postgresId=id_)
    assert [each["status"] for each in row["deployments"]] == ["pending"]
    assert row["environment"]["project"]["name"] == "bench"


async def test_schedules_and_backups_name_what_they_belong_to(world: World) -> None:
    things = await things_of(world)
    of_it = {"applicationId": things["application"]}
    schedule = await world.post("schedule.create", **of_it, **A_SCHEDULE)
    run = (await world.post("schedule.runManually", scheduleId=schedule["scheduleId"]))["deploymentId"]
    one = await world.get("schedule.one", scheduleId=schedule["scheduleId"])
    assert one["application"]["applicationId"] == things["application"]
    assert one["application"]["environment"]["project"] == {"projectId": things["project"], "name": "bench"}
    assert (one["compose"], one["server"], [each["deploymentId"] for each in one["deployments"]]) == (None, None, [run])
    listed = await world.get("schedule.list", id=things["application"], scheduleType="application")
    assert one["application"] in [each["application"] for each in listed]
    backup = await world.post("backup.create", **A_BACKUP, composeId=things["compose"])
    volume = await world.post("volumeBackups.create", **{**A_VOLUME_BACKUP, "composeId": things["compose"]})
    for row in (backup, volume):
        assert (row["compose"]["composeId"], row["postgres"]) == (things["compose"], None)
        assert row["destination"]["destinationId"] == row["destinationId"]
    assert backup["compose"] in [each["compose"] for each in await world.get("backup.all")]
    whole = await world.get("compose.one", composeId=things["compose"])
    assert backup["backupId"] in {each["backupId"] for each in whole["backups"]}


async def test_a_member_sees_no_destination_of_a_backup(world: World) -> None:
    things = await things_of(world)
    backup = await world.post("backup.create", **A_BACKUP, composeId=things["compose"])
    members = await admit_callers(world)
    caller = CALLERS["member of the project"]
    await give(world, members[caller], caller, things["project"])
    async with client_with(world.app, key_of(caller)) as member:
        row = (await member.get("/backup.one", params={"backupId": backup["backupId"]})).json()
    assert (row["destination"], row["compose"]["composeId"]) == (None, things["compose"])


async def test_a_server_shows_its_key_without_the_private_part_and_counts_what_lives_there(world: World) -> None:
    key = await world.post("sshKey.create", name="k")
    server = await world.post("server.create", sshKeyId=key["sshKeyId"], **A_SERVER)
    environment_id = await world.environment()
    placed = {"environmentId": environment_id, "serverId": server["serverId"]}
    application = await world.post("application.create", name="a", **placed)
    await world.post("compose.create", name="c", **placed)
    one = await world.get("server.one", serverId=server["serverId"])
    assert (one["sshKey"], one["sshKey"]["privateKey"], one["deployments"]) == (key, "", [])
    assert [each["totalSum"] for each in await world.get("server.all")] == [2]
    row = await world.get("application.one", applicationId=application["applicationId"])
    assert row["server"]["name"] == A_SERVER["name"]


async def test_organisations_and_people_are_whole(world: World) -> None:
    me = await world.get("user.get")
    (mine,) = await world.get("organization.all")
    (member,) = mine["members"]
    assert member == {name: me[name] for name in ("id", "userId", "organizationId", "role", "createdAt")}
    assert {"firstName", "lastName", "image", "twoFactorEnabled"} <= me["user"].keys()
    listed = next(each for each in await world.get("user.all") if each["userId"] == me["userId"])
    assert me.keys() == listed.keys(), "the caller is a member as others are"


@pytest.mark.parametrize(
    ("procedure", "made", "other"),
    [
        ("backup.update", "backup", {"databaseType": "mysql"}),
        ("schedule.update", "schedule", {"scheduleType": "compose", "composeId": "another"}),
        ("volumeBackups.update", "volume_backup", {"serviceType": "postgres"}),
    ],
)
async def test_what_it_is_of_may_be_sent_again_and_is_not_changed_in_silence(
    world: World, procedure: str, made: str, other: Json
) -> None:
    things = await things_of(world)
    router = procedure.partition(".")[0]
    id_ = {"backup": "backupId", "schedule": "scheduleId", "volumeBackups": "volumeBackupId"}[router]
    one = await world.get(f"{router}.one", **{id_: things[made]})
    again = {name: one[name] for name in other if one[name] is not None}
    await world.post(procedure, **{id_: things[made]}, **again)
    answer = await world.owner.post(f"/{procedure}", json={id_: things[made], **other})
    assert (answer.status_code, "decided when" in answer.text or "stays one" in answer.text) == (400, True), answer.text
