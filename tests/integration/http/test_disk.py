"""``disk.*`` over HTTP, as far as no engine is asked: who sees what, and what may go."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from headway.features.disk.pollers import DiskKeeping
from headway.features.services.model import ReleaseState
from headway.kernel.events import DiskMeasured
from headway.kernel.ids import new_id
from tests.integration.http.callers import CALLERS, admit_callers, give, key_of
from tests.integration.http.test_bad_items import shown
from tests.integration.http.test_bad_rows import damage
from tests.integration.http.test_metrics import figure, figures_of
from tests.integration.http.world import Json, World, client_with, open_world
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server
from tests.support.panel.panel import until

MIB = 1 << 20
NO_APPLICATION = new_id()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A panel that keeps two releases, on a machine without an engine."""
    env = {"HEADWAY_KEEP_RELEASES": "2", "HEADWAY_DOCKER_HOST": f"unix://{tmp_path / 'no.sock'}"}
    async with open_world(tmp_path / "data", HEADWAY_BUILD_CACHE="3MiB", **env) as opened:
        yield opened


def filled(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


async def test_each_service_is_told_what_it_holds_by_what_it_is_for(world: World) -> None:
    application_id = await world.application("large")
    await world.application("small")
    deployment_id = await world.ended(application_id)
    world.write_log(deployment_id, "x" * 5000)
    work = world.platform.data_dir.work
    filled(work / "releases" / application_id / "r" / "app", 2 * MIB)
    filled(work / "caches" / application_id / "npm" / "x", MIB)
    filled(work / "mirrors" / application_id / "pack", MIB)
    filled(work / "data" / application_id / "db", MIB)

    shown = await world.get("disk.usage", fresh=True)

    assert (shown["engine"], [row["name"] for row in shown["services"]]) == (False, ["large", "small"])
    large, small = shown["services"]
    assert (large["serviceId"], large["serviceType"]) == (application_id, "application")
    held = {part: large[part] // MIB for part in ("releases", "cache", "sources", "files")}
    assert held == {"releases": 2, "cache": 1, "sources": 1, "files": 1}
    assert 5000 <= large["logs"] < 20_000
    parts = ("images", "containers", "volumes", "releases", "cache", "sources", "files", "logs")
    assert large["total"] == sum(large[part] for part in parts)
    assert small["total"] == 0
    disk = shutil.disk_usage(work)
    machine = shown["machine"]
    assert (machine["total"], machine["floor"], machine["cacheBound"]) == (disk.total, 256 * MIB, 3 * MIB)
    assert 0 < machine["free"] <= disk.total
    again = await world.get("disk.usage")
    assert again["measuredAt"] == shown["measuredAt"], "what was measured a moment ago is told again"


async def test_everybody_is_told_of_their_own_services_and_the_whole_only_to_who_may_know(world: World) -> None:
    application_id = await world.application()
    for caller in (world.member, world.stranger):
        answer = (await caller.get("/disk.usage")).json()
        assert (answer["services"], answer["machine"] is None) == ([], caller is world.member)
    member = CALLERS["member with the service"]
    member_id = (await admit_callers(world))[member]
    await give(world, member_id, member, "", application_id)
    async with client_with(world.app, key_of(member)) as client:
        answer = (await client.get("/disk.usage")).json()
    assert ([row["serviceId"] for row in answer["services"]], answer["machine"]) == ([application_id], None)


@asynccontextmanager
async def servers_of(world: World, folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """The ids of a server that answers, of one that hangs, and of one that is gone; nothing of them is left."""
    if SSHD is None:
        pytest.skip("needs sshd (apt-get install openssh-server)")
    with ssh_server(folder / "near") as near, ssh_server(folder / "hangs") as hangs:
        ids = {name: await connected(world, name, each) for name, each in {"near": near, "hangs": hangs}.items()}
        ids["gone"] = await connected(world, "gone", replace(near, port=9), answers=False)
        hangs.hang()
        try:
            yield ids
        finally:
            hangs.go_on()
            shutil.rmtree(world.platform.fleet.server(ids["near"]).work, ignore_errors=True)
            for server_id in ids.values():
                await world.platform.fleet.leave(server_id)
            await world.platform.fleet.aclose()


def silence(world: World, server_id: str) -> None:
    """The panel knows that the server has said nothing for a while: then it waits for it no more."""
    session = world.platform.fleet.server(server_id).session
    session.standing = replace(session.standing, seen_at=time.time() - 100)


@pytest.mark.slow
async def test_what_services_hold_on_servers_is_told_by_server_and_one_that_cannot_be_asked_holds_nobody_up(
    world: World, tmp_path: Path
) -> None:
    async with servers_of(world, tmp_path) as ids:
        apps = {name: await world.application(name, serverId=server_id) for name, server_id in ids.items()}
        work = Path(world.platform.fleet.server(ids["near"]).work)
        filled(work / "releases" / apps["near"] / "r" / "app", 2 * MIB)
        world.services.disk.measuring.asking.reaching.seconds = 3.0
        async with asyncio.timeout(20):
            shown = await world.get("disk.usage", fresh=True)
        world.services.disk.measuring.asking.reaching.seconds = 60.0
        silence(world, ids["hangs"])
        async with asyncio.timeout(30):
            again = await world.get("disk.usage", fresh=True)

    assert "has not answered for 1" in {each["name"]: each["away"] for each in again["servers"]}["hangs"]
    rows = {row["name"]: row for row in shown["services"]}
    assert {name: row["serverId"] for name, row in rows.items()} == ids
    assert {name: row["releases"] // MIB for name, row in rows.items()} == {"near": 2, "hangs": 0, "gone": 0}
    servers = {each["name"]: each for each in shown["servers"]}
    assert (servers["near"]["away"], servers["near"]["engine"], servers["near"]["free"] > 0) == (None, False, True)
    assert servers["hangs"]["away"] == "hangs has not answered within 3 s."
    assert "refuses the connection" in servers["gone"]["away"]


async def built_there(world: World, server_id: str) -> tuple[Path, dict[str, str]]:
    """The folder of caches on a server, and applications that were built there: the first the longest ago. What is of
    no application, and what a removal has left that did not come to its end, is older yet.
    """
    apps = {name: await world.application(name) for name in ("oldest", "busy", "newest")}
    await world.post("application.update", applicationId=apps["newest"], buildServerId=server_id)
    caches = Path(world.platform.fleet.server(server_id).work) / "caches"
    for age, name in enumerate((*reversed(apps.values()), NO_APPLICATION, f".gone-{NO_APPLICATION}")):
        filled(caches / name / "x", 2 * MIB)
        for path in (caches / name / "x", caches / name):
            os.utime(path, (1_700_000_000 - age * 1000,) * 2)
    return caches, apps


@pytest.mark.slow
async def test_caches_of_builds_on_servers_are_bounded_too(world: World, tmp_path: Path) -> None:
    async with servers_of(world, tmp_path) as ids:
        there = ids["near"]
        caches, apps = await built_there(world, there)
        await world.deploy(apps["busy"])
        await world.claim()
        silence(world, ids["hangs"])
        async with asyncio.timeout(40):
            shown = await world.get("disk.usage", fresh=True)
            would = await world.post("disk.clean", dryRun=True)
            left = [*caches.iterdir()]
            of_one = await world.post("disk.clean", dryRun=True, serviceId=apps["newest"])
            done = await world.post("disk.clean")
        kept = sorted(path.name for path in caches.iterdir())

    row = next(each for each in shown["servers"] if each["name"] == "near")
    assert {each["serviceId"]: each["bytes"] // MIB for each in row["caches"]} == dict.fromkeys(apps.values(), 2)
    assert row["left"] // MIB == 4, "one of no application, and one whose removal was begun"
    assert [each["cache"] // MIB for each in shown["services"]] == [2, 2, 2]
    assert len(left) == 5, "nothing has gone yet"
    found = [(each["serverId"], each["kind"], each["serviceId"], each["name"]) for each in would["items"]]
    # The third is being deployed.
    assert found == [(there, "cache", None, NO_APPLICATION), (there, "cache", apps["oldest"], "oldest")]
    away = {each["name"]: each["away"] for each in would["servers"]}
    assert (away["near"], "has not answered for 1" in away["hangs"]) == (None, True)
    assert "refuses the connection" in away["gone"]
    assert [each["serverId"] for each in of_one["servers"]] == [there], "no other server has anything of it"
    assert done["items"] == would["items"]
    assert kept == sorted([apps["busy"], apps["newest"]])


@pytest.mark.slow
async def test_servers_are_nobody_else_s_and_a_panel_that_stops_waits_for_none(world: World, tmp_path: Path) -> None:
    async with servers_of(world, tmp_path) as ids:
        caches, _ = await built_there(world, ids["near"])
        other = await world.post("organization.create", name="Other")
        world.services.disk.measuring.asking.reaching.seconds = 1.0
        async with client_with(world.app, other["apiKey"]) as client, asyncio.timeout(20):
            seen = (await client.get("/disk.usage")).json()
            cleaned = (await client.post("/disk.clean", json={})).json()
        assert len([*caches.iterdir()]) == 5
        world.services.disk.measuring.asking.reaching.seconds = 60.0
        keeping = DiskKeeping(world.services.disk)
        await keeping.keep_round()
        begun = partial(until, lambda: len([*caches.iterdir()]) < 5, 40, what="it is under way")
        await asyncio.to_thread(begun)
        async with asyncio.timeout(30):
            await keeping.release()

    assert (seen["services"], seen["servers"]) == ([], [])
    assert (cleaned["items"], cleaned["servers"]) == ([], [])


async def connected(world: World, name: str, server: SshServer, *, answers: bool = True) -> str:
    """A server that was asked once."""
    key = await world.post("sshKey.create", name=name, privateKey=server.key.reveal())
    made = await world.post(
        "server.create", name=name, ipAddress="127.0.0.1", port=server.port, sshKeyId=key["sshKeyId"]
    )
    answer = await world.owner.get("/server.validate", params={"serverId": made["serverId"]})
    assert (answer.status_code == 200) is answers, answer.text
    server_id: str = made["serverId"]
    return server_id


async def test_only_releases_that_are_not_kept_go_and_only_when_it_is_meant(world: World) -> None:
    application_id = await world.application()
    other_id = await world.application("other")
    folder = world.platform.data_dir.work / "releases"
    releases = []
    for number in range(5):
        state = ReleaseState.SERVING if number == 0 else ReleaseState.RETIRED
        path = folder / application_id / str(number)
        filled(path / "app", MIB)
        releases.append(await world.release(application_id, seq=number, state=state, folder=str(path), bytes=MIB))
        await world.release(other_id, seq=number, state=ReleaseState.RETIRED, folder=str(folder / other_id))

    would = await world.post("disk.clean", dryRun=True, serviceId=application_id)
    assert [item["name"] for item in would["items"]] == [releases[2], releases[1]]
    assert {(item["kind"], item["serviceId"], item["bytes"]) for item in would["items"]} == {
        ("release", application_id, MIB)
    }
    assert (would["dryRun"], would["bytes"]) == (True, 2 * MIB)
    assert len(await known(world, application_id)) == 5

    done = await world.post("disk.clean", serviceId=application_id)
    assert (done["items"], done["dryRun"]) == (would["items"], False)
    assert await known(world, application_id) == {releases[0], releases[3], releases[4]}
    assert sorted(path.name for path in (folder / application_id).iterdir()) == ["0", "3", "4"]
    assert len(await known(world, other_id)) == 5, "nobody asked for that"
    assert (await world.post("disk.clean", serviceId=application_id))["items"] == []


async def test_caches_of_builds_go_the_longest_unused_first_until_they_are_within_their_bound(world: World) -> None:
    names = ("first", "second", "third")
    ids = [await world.application(name) for name in names]
    caches = world.platform.data_dir.work / "caches"
    for age, application_id in enumerate(reversed(ids)):
        filled(caches / application_id / "x", 2 * MIB)
        when = 1_700_000_000 - age * 1000
        for path in (caches / application_id, caches / application_id / "x"):
            os.utime(path, (when, when))
    await world.deploy(ids[0])
    await world.claim()
    would = await world.post("disk.clean", dryRun=True)
    assert [item["name"] for item in would["items"]] == ["second", "third"], "the first is being built"
    await world.post("disk.clean")
    assert sorted(path.name for path in caches.iterdir()) == [ids[0]]


async def test_a_cache_is_used_by_a_build_that_writes_nothing_to_it(world: World) -> None:
    rebuilt, idle = await world.application("rebuilt"), await world.application("idle")
    caches = world.platform.data_dir.work / "caches"
    for application_id, when in ((rebuilt, 1_600_000_000), (idle, 1_700_000_000)):
        filled(caches / application_id / "x", 2 * MIB)
        for path in (caches / application_id / "x", caches / application_id):
            os.utime(path, (when, when))
    await world.ended(rebuilt)
    done = await world.post("disk.clean")
    assert [item["name"] for item in done["items"]] == ["idle"]
    assert [path.name for path in caches.iterdir()] == [rebuilt]


async def test_a_service_that_cannot_be_read_keeps_nothing_else_from_being_cleared(world: World) -> None:
    damaged, well = [await world.application(name) for name in ("damaged", "well")]
    for each in (damaged, well):
        for _ in range(4):
            await world.kept(each)
    await damage(world, damaged)
    await world.services.disk.keep_clean()
    assert len(await known(world, well)) == 2
    assert list(await shown(world)) == [f"disk releases of {damaged} on local"]
    asked = await world.owner.post("/disk.clean", json={"serviceId": damaged})
    assert asked.status_code == 500, "who asks is told"


async def test_nobody_cleans_what_is_others(world: World) -> None:
    application_id = await world.application()
    for caller, status in ((world.member, 403), (world.stranger, 404), (world.nobody, 401)):
        answer: httpx.Response = await caller.post("/disk.clean", json={"serviceId": application_id})
        assert answer.status_code == status, answer.text


async def test_what_is_held_is_told_to_prometheus(world: World) -> None:
    await world.application()
    world.services.events.announce(DiskMeasured(free_bytes=7, held_bytes={"images": 3}))
    samples = await figures_of(world)
    assert figure(samples, "headway_disk_free_bytes") == 7
    assert figure(samples, "headway_disk_held_bytes", part="images") == 3
    await world.services.disk.keep_clean()
    assert (figure(await figures_of(world), "headway_disk_free_bytes") or 0) > MIB


async def known(world: World, application_id: str) -> set[str]:
    """The releases that there are."""
    rows: list[Json] = await world.get("release.all", applicationId=application_id)
    return {row["releaseId"] for row in rows}
