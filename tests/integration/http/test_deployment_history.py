"""``deployment.usual``, ``usualDurations`` and ``sameFailures``: what a service's own past tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update

from headway.core.deployments.status import Status
from headway.infra.db.tables.deployments import deployments, hosts, steps
from headway.infra.db.transaction import Tx
from headway.pages.words import moment
from tests.integration.http.schemas import misfits
from tests.integration.http.world import World

Json = Any
SECOND = 1_000


async def done(world: World, application_id: str, seconds: Sequence[float]) -> list[str]:
    """Deployments that were done and took so long, each with a step of half that time."""
    ids = []
    for each in seconds:
        ids.append(deployment_id := await world.ended(application_id))
        await world.services.db.run(lambda tx, id_=deployment_id, took=each: _took(tx, id_, took))  # type: ignore[misc]
    return ids


async def failed(world: World, application_id: str, message: str) -> str:
    """A deployment that failed with this message."""
    deployment_id = await world.deploy(application_id)
    await world.end(await world.claim(), Status.ERROR, message)
    return deployment_id


async def test_the_last_twenty_that_were_done_tell_what_is_usual(world: World) -> None:
    shop = await world.application("shop")
    await done(world, shop, [999, 999])
    ids = await done(world, shop, range(1, 21))
    await world.ended(shop, Status.ERROR)
    await done(world, await world.application("other"), [5_000])

    usual = await world.get("deployment.usual", deploymentId=ids[0])

    assert usual["number"] == 20
    assert usual["total"] == {"number": 20, "p50Ms": 10 * SECOND, "p95Ms": 19 * SECOND}
    assert usual["steps"] == [{"name": "build", "number": 20, "p50Ms": 5 * SECOND, "p95Ms": 9_500}]
    assert (usual["expectedEnd"], usual["expectedStart"], usual["behind"]) == (None, None, [])
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/UsualRow"}, usual, document) == []
    several = await world.get("deployment.usualDurations", deploymentIds=f"{ids[0]},{ids[1]},gone")
    assert several == [{"deploymentId": each, **usual["total"]} for each in ids[:2]]


async def test_of_fewer_than_five_nothing_is_said(world: World) -> None:
    shop = await world.application("shop")
    ids = await done(world, shop, [1, 1, 1, 1])
    usual = await world.get("deployment.usual", deploymentId=ids[0])
    assert (usual["number"], usual["total"], usual["steps"]) == (4, None, [])
    assert await world.get("deployment.usualDurations", deploymentIds=ids[0]) == []


async def test_another_host_has_times_of_its_own(world: World) -> None:
    shop = await world.application("shop")
    ids = await done(world, shop, [1] * 5)
    await world.services.db.run(lambda tx: _on_another_host(tx, ids[0]))
    assert (await world.get("deployment.usual", deploymentId=ids[0]))["number"] == 1
    assert (await world.get("deployment.usual", deploymentId=ids[1]))["number"] == 4


async def test_what_runs_and_what_waits_is_told_when(world: World) -> None:
    shop = await world.application("shop")
    await done(world, shop, [60] * 18 + [600] * 2)
    runs = await world.deploy(shop)
    await world.claim()
    waits = await world.deploy(shop)

    running = await world.get("deployment.usual", deploymentId=runs)
    waiting = await world.get("deployment.usual", deploymentId=waits)

    began = (await world.get("deployment.one", deploymentId=runs))["startedAt"]
    assert _later(began, running["expectedEnd"]) == 60
    assert _later(began, running["latestEnd"]) == 600
    assert waiting["expectedStart"] == running["expectedEnd"]
    assert [(each["deploymentId"], each["status"], each["expectedEnd"]) for each in waiting["behind"]] == [
        (runs, "running", running["expectedEnd"])
    ]
    assert waiting["behindOthers"] == 0


async def test_of_several_those_that_wait_are_told_when_they_begin(world: World) -> None:
    shop, other = await world.application("shop"), await world.application("other")
    await done(world, shop, [60] * 5)
    runs = await world.deploy(shop)
    await world.claim()
    waits = await world.deploy(shop)
    await world.deploy(other)
    await world.claim()
    untold = await world.deploy(other)

    told = await world.get("deployment.expectedStarts", deploymentIds=f"{untold},{waits},{runs},gone")

    usual = await world.get("deployment.usual", deploymentId=waits)
    assert told == [{"deploymentId": waits, "expectedStart": usual["expectedStart"]}]
    for caller in (world.member, world.stranger):
        assert (await caller.get("/deployment.expectedStarts", params={"deploymentIds": waits})).json() == []


async def test_what_takes_longer_than_ever_ends_nobody_knows_when(world: World) -> None:
    shop = await world.application("shop")
    await done(world, shop, [60] * 5)
    runs = await world.deploy(shop)
    await world.claim()
    waits = await world.deploy(shop)
    await world.services.db.run(lambda tx: _began(tx, runs, ago=timedelta(hours=1)))
    assert (await world.get("deployment.usual", deploymentId=waits))["expectedStart"] is None
    await world.services.db.run(lambda tx: _began(tx, runs, ago=timedelta(0), away=True))
    running = await world.get("deployment.usual", deploymentId=runs)
    assert (running["expectedEnd"], running["latestEnd"]) == (None, None), "its server does not answer"


async def test_what_others_run_is_counted_and_not_named(world: World) -> None:
    mine, theirs = await world.application("mine"), await world.application("theirs")
    await world.services.db.run(lambda tx: tx.execute(update(hosts).values(concurrency=1)))
    runs = await world.deploy(theirs)
    await world.claim()
    waits = await world.deploy(mine)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[mine])

    seen = (await world.member.get("/deployment.usual", params={"deploymentId": waits})).json()

    assert (seen["behind"], seen["behindOthers"]) == ([], 1)
    assert [each["deploymentId"] for each in (await world.get("deployment.usual", deploymentId=waits))["behind"]] == [
        runs
    ]
    assert (await world.member.get("/deployment.usualDurations", params={"deploymentIds": runs})).json() == []


async def test_the_same_failure_before_is_counted_with_what_it_went_away_after(world: World) -> None:
    shop = await world.application("shop")
    first = await failed(world, shop, "Step build: no space on /dev/sda1, 12 left")
    second = await failed(world, shop, "Step build: no space on /dev/sdb2, 7 left")
    mend = await world.ended(shop)
    await world.ended(shop)
    await failed(world, shop, "Step test: something else")
    again = await failed(world, shop, "Step build: no space on /dev/sda1, 99 left")

    told = await world.get("deployment.sameFailures", deploymentId=again)

    assert (told["number"], told["lookedAt"], told["atLeast"]) == (2, 5, False)
    assert (told["first"]["deploymentId"], told["last"]["deploymentId"]) == (first, second)
    assert told["wentAwayAfter"]["deploymentId"] == mend
    assert told["mendedBy"] is None
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/SameFailuresRow"}, told, document) == []
    earlier = await world.get("deployment.sameFailures", deploymentId=second)
    assert (earlier["number"], earlier["wentAwayAfter"], earlier["mendedBy"]["deploymentId"]) == (1, None, mend)


async def test_what_was_ended_on_request_is_no_failure(world: World) -> None:
    shop = await world.application("shop")
    ids = [await world.deploy(shop) for _ in range(2)]
    for each in ids:
        await world.post("deployment.cancel", deploymentId=each)
    told = await world.get("deployment.sameFailures", deploymentId=ids[1])
    assert (told["number"], told["first"], told["mendedBy"]) == (0, None, None)


def _took(tx: Tx, deployment_id: str, seconds: float) -> None:
    ended = tx.now
    began = ended - timedelta(seconds=seconds)
    of_it = deployments.c.deployment_id == deployment_id
    tx.execute(update(deployments).where(of_it).values(started_at=began, finished_at=ended))
    half = began + timedelta(seconds=seconds / 2)
    step = {"deployment_id": deployment_id, "name": "build", "epoch": 1, "log_offset": 0}
    tx.execute(insert(steps).values(**step, started_at=began, finished_at=half))


def _began(tx: Tx, deployment_id: str, *, ago: timedelta, away: bool = False) -> None:
    values = {"started_at": tx.now - ago, "out_of_reach_since": tx.now if away else None}
    tx.execute(update(deployments).where(deployments.c.deployment_id == deployment_id).values(**values))


def _on_another_host(tx: Tx, deployment_id: str) -> None:
    tx.execute(insert(hosts).values(host_id="another", name="another", concurrency=1, created_at=tx.now))
    tx.execute(update(deployments).where(deployments.c.deployment_id == deployment_id).values(host_id="another"))


def _later(began: str, ended: str) -> int:
    return round((moment(ended) - moment(began)).total_seconds())
