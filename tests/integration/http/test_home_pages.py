"""What the first page leads to beside services: what was missed, was never tried, or is nearly full."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Status
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.features.home.pages.home import PAGE as HOME
from headway.infra.db.tables.notifications import channels
from headway.infra.db.tables.timers import ticks
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.backup_rows import A_DATABASE
from tests.integration.http.page_visits import person
from tests.integration.http.schedule_rows import schedule_of
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.test_deployment_history import done
from tests.integration.http.world import Json, World

FINE = "Nothing is known to be wrong."


@pytest.fixture(autouse=True)
def roomy(world: World) -> None:
    """Whatever is free on this machine is enough."""
    world.services.disk.measuring.floor = 0


def _missed(tx: Tx, schedule_id: str, ago: timedelta) -> None:
    of_it = {"subject_type": SubjectType.SCHEDULE, "subject_id": schedule_id, "attempt": 1, "fate": "missed"}
    due = tx.now - ago
    tx.execute(insert(ticks).values(**of_it, due_at=due, start_at=due, decided_at=due, caught_up=False))


async def test_a_schedule_that_was_missed_is_told_until_it_has_run(world: World) -> None:
    schedule_id = (await schedule_of(world, await world.application()))["schedule"]
    ann = await person(world)
    assert FINE in (await ann.see(HOME, "attention")).text
    await world.services.db.run(lambda tx: _missed(tx, schedule_id, timedelta(hours=2)))
    await world.services.db.run(lambda tx: _missed(tx, schedule_id, timedelta(hours=1)))

    (row,) = await world.get("schedule.overview")
    seen = await ann.see(HOME, "attention")

    assert row["missedAt"] is not None
    assert seen.links["nightly"] == f"/schedules/{schedule_id}"
    assert "No panel ran when it was due, and it has not run since." in seen.text
    assert FINE not in seen.text
    await world.post("schedule.update", scheduleId=schedule_id, enabled=False)
    assert FINE in (await ann.see(HOME, "attention")).text
    await world.post("schedule.update", scheduleId=schedule_id, enabled=True)
    await world.post("schedule.runManually", scheduleId=schedule_id)
    assert FINE in (await ann.see(HOME, "attention")).text


async def test_a_backup_that_was_never_tried_is_told(world: World) -> None:
    made = await world.post("compose.create", name="stack", environmentId=await world.environment())
    backup = await world.post("backup.create", **A_DATABASE, composeId=made["composeId"], name="nightly")
    ann = await person(world)
    assert FINE in (await ann.see(HOME, "attention")).text, "nothing is kept of it yet"
    await world.services.db.run(lambda tx: _kept(tx, backup, is_proven=False))

    seen = await ann.see(HOME, "attention")

    assert seen.links["nightly"] == f"/backups/{backup['backupId']}"
    assert "never tried" in seen.text
    assert "<time" in seen.html, "how old the newest is"
    assert "restored on trial, longest ago" not in seen.text
    await world.services.db.run(lambda tx: _kept(tx, backup, is_proven=True))
    proven = await ann.see(HOME, "attention")
    assert FINE in proven.text
    assert "1 backup was restored on trial, longest ago nightly" in proven.text
    assert proven.links["nightly"] == f"/backups/{backup['backupId']}"


async def test_a_disk_that_is_nearly_full_is_told_to_who_may_know(world: World) -> None:
    found = await world.get("disk.free")
    assert 0 < found["free"] < found["total"]
    world.services.disk.measuring.floor = found["total"]

    seen = await (await person(world)).see(HOME, "attention")

    assert "The panel's disk is nearly full" in seen.text
    assert seen.links["See what holds it"] == "/disk"
    assert "nearly full" not in (await (await person(world, "member")).see(HOME, "attention")).text
    assert (await world.member.get("/disk.free")).status_code == 403
    world.services.disk.measuring.floor = found["free"] * 2 // 3
    assert "The panel's disk is nearly full" in (await (await person(world)).see(HOME, "attention")).text, "in time"


async def test_a_server_whose_disk_fills_up_is_told_before_deployments_are_refused(world: World) -> None:
    server_id = (await world.post("server.create", **A_SERVER))["serverId"]
    ann = await person(world)
    world.services.disk.rooms.update({server_id: 2 << 30, "removed": 0})
    assert FINE in (await ann.see(HOME, "attention")).text
    world.services.disk.rooms[server_id] = 300 << 20
    world.services.disk.measuring.floor = 256 << 20

    seen = await ann.see(HOME, "attention")

    told = "The disk of s is nearly full: 300 MiB are free, and no deployment begins below 256 MiB."
    assert told in seen.text
    assert seen.links["See the server"] == f"/servers/{server_id}"
    assert (await world.get("disk.free"))["servers"] == [{"serverId": server_id, "name": "s", "free": 300 << 20}]
    assert (await world.stranger.get("/disk.free")).json()["servers"] == []


async def test_a_channel_that_takes_nothing_is_told(world: World) -> None:
    ann = await person(world)
    made = await world.post("notification.create", name="ops", endpoint="https://127.0.0.1:1/", events=["disk.low"])
    assert FINE in (await ann.see(HOME, "attention")).text

    def fail(tx: Tx) -> None:
        failing = {"failing_since": tx.now, "last_error": "It answered 500."}
        tx.execute(update(channels).values(**failing))

    await world.services.db.run(fail)
    seen = await ann.see(HOME, "attention")
    assert seen.links["ops"] == f"/notifications/{made['notificationId']}"
    assert "It takes nothing of what it is told: It answered 500." in seen.text
    assert FINE not in seen.text
    await world.post("notification.update", notificationId=made["notificationId"], enabled=False)
    assert FINE in (await ann.see(HOME, "attention")).text
    assert "ops" not in (await (await person(world, "member")).see(HOME, "attention")).text


async def test_what_there_is_is_told_in_numbers(world: World) -> None:
    ann, shop = await person(world), await world.application("shop")
    assert "In numbers" not in (await ann.see(HOME)).html
    for _ in range(2):
        await world.ended(shop, Status.ERROR)
    await world.deploy(shop)
    await world.claim()
    await world.deploy(await world.application("other"))
    for part in ("", "counts"):
        seen = await ann.see(HOME, part)
        assert seen.links["2 services"] == "/services"
        assert seen.links["1 running"] == "/deployments?status=running"
        assert seen.links["1 waiting"] == "/deployments?status=pending"
        assert seen.links["2 failed within a day"] == "#part-failed"


def _kept(tx: Tx, backup: Json, *, is_proven: bool) -> None:
    file = KeptFile(
        kept_file_id=new_id(),
        subject_type=SubjectType.BACKUP,
        subject_id=backup["backupId"],
        destination_id=backup["destinationId"],
        deployment_id=new_id(),
        path=f"shop/{new_id()}.pgdump.zst",
        bytes=10,
        contents=1,
        sha256="0" * 64,
        sealed=False,
        made_at=tx.now,
        proven_at=tx.now if is_proven else None,
    )
    stored_backup_store.add(tx, file)


async def test_what_waits_is_told_when_it_is_expected_to_begin(world: World) -> None:
    shop = await world.application("shop")
    ann = await person(world)
    nothing = await ann.see(HOME, "starts")
    assert (nothing.text, 'id="part-starts"' in nothing.html) == ("", True), "and nothing is seen of it"
    await done(world, shop, [60] * 5)
    await world.deploy(shop)
    await world.claim()
    waits = await world.deploy(shop)

    told = (await world.get("deployment.expectedStarts", deploymentIds=waits))[0]["expectedStart"]
    for seen in (await ann.see(HOME, "starts"), await ann.see(HOME)):
        assert "Expected to begin" in seen.text
        assert f'<time datetime="{told[:19]}' in seen.html
    assert (await ann.see(HOME, "starts")).links == {"Manual deployment": f"/deployments/{waits}"}


async def test_where_too_little_is_known_it_is_said_that_it_cannot_be_told(world: World) -> None:
    shop = await world.application("shop")
    await world.deploy(shop)
    await world.claim()
    await world.deploy(shop)
    seen = await (await person(world)).see(HOME, "starts")
    assert seen.text == "Expected to begin It cannot be told yet: too little is known of what goes before."


async def test_of_many_that_wait_those_are_told_that_begin_first(world: World) -> None:
    shop = await world.application("shop")
    await done(world, shop, [60] * 5)
    await world.deploy(shop)
    await world.claim()
    first = await world.deploy(shop, title="comes first")
    for number in range(12):
        await world.deploy(shop, title=f"comes later {number}")
    seen = await (await person(world)).see(HOME, "starts")
    assert seen.links["comes first"] == f"/deployments/{first}"
    assert len(seen.links) == 10
    assert "3 more begin after these." in seen.text


async def test_of_one_that_fails_again_and_again_it_is_said_that_there_are_others(world: World) -> None:
    busy, shop = await world.application("busy"), await world.application("shop")
    ann = await person(world)
    await world.ended(shop, Status.ERROR)
    await world.ended(busy, Status.ERROR)
    assert "all was looked at" not in (await ann.see(HOME, "failed")).text
    for _ in range(100):
        await world.ended(busy, Status.ERROR)
    seen = await ann.see(HOME, "failed")
    assert "Not all was looked at." in seen.text
    assert "cursor=" in seen.links["Look further back"]
