"""``service.usage`` and ``server.usage``: what was sampled, told to those who may know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headway.features.services.model import ReleaseState
from headway.features.usage.model import (
    EMPTY,
    SAMPLES,
    UsagePoint,
    host_target,
    sampler_target,
    service_target,
)
from headway.features.usage.settlement import settle
from headway.features.usage.store import DAY, HOUR, MINUTE, add_minute, releases_on, write_hour
from tests.integration.http.schemas import misfits
from tests.integration.http.world import World

Json = Any
HERE = "local"
BUSY = UsagePoint(
    covered=10_000,
    cpu=5_000_000,
    cpu_peak=500_000,
    memory=2_048 * 10_000,
    memory_peak=2_048,
    restarts=1,
    memory_bound=4_096,
)


def this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


async def sampled(
    world: World, minute: datetime, points: Mapping[str, Sequence[UsagePoint]], host_id: str = HERE
) -> None:
    """A minute as the sampler writes it, of the panel's machine where no other is given."""
    whole = {target: [*each, *([EMPTY] * SAMPLES)][:SAMPLES] for target, each in points.items()}
    await world.services.db.run(lambda tx: add_minute(tx, host_id, minute, whole))


async def test_a_service_is_told_what_it_has_used_with_its_gaps(world: World) -> None:
    shop, other = await world.application("shop"), await world.application("other")
    minute = this_minute() - 10 * MINUTE
    await sampled(world, minute, {service_target(shop): [BUSY, EMPTY, BUSY], service_target(other): [BUSY] * 6})

    found = await world.get("service.usage", serviceId=shop)

    assert (found["stepMs"], found["count"]) == (10_000, 360)
    ats = [datetime.fromisoformat(each["at"]) for each in found["points"]]
    assert ats == [minute, minute + timedelta(seconds=20)], "what is not known is no point"
    first = found["points"][0]
    assert (first["cores"], first["coresPeak"], first["coresBound"]) == (0.5, 0.5, None)
    assert (first["memoryBytes"], first["memoryBoundBytes"], first["restarts"]) == (2 << 20, 4 << 20, 1)
    assert (found["total"]["coveredMs"], found["total"]["cores"], found["total"]["restarts"]) == (20_000, 0.5, 2)
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/UsageSeriesRow"}, found, document) == []


@pytest.mark.parametrize(("span", "step", "count"), [("day", 240, 360), ("week", 3_600, 168), ("year", 86_400, 366)])
async def test_each_span_tells_the_same_whole(world: World, span: str, step: int, count: int) -> None:
    shop = await world.application("shop")
    target, minute = service_target(shop), this_minute()
    for number in (2, 3, 90):
        await sampled(world, minute - MINUTE * number, {target: [BUSY] * 6})
    await settle(world.services.db, datetime.now(UTC))

    found = await world.get("service.usage", serviceId=shop, span=span)

    assert (found["stepMs"], found["count"]) == (step * 1_000, count)
    assert (found["total"]["coveredMs"], found["total"]["restarts"]) == (180_000, 18)
    assert 1 <= len(found["points"]) <= 3


async def test_a_year_is_told_by_the_day_and_what_is_older_is_not(world: World) -> None:
    shop = await world.application("shop")
    hour = this_minute().replace(minute=0)

    def write(tx: Json) -> None:
        for days in (3, 300, 400):
            write_hour(tx, hour - DAY * days, {service_target(shop): BUSY._replace(covered=3_600_000)})

    await world.services.db.run(write)
    found = await world.get("service.usage", serviceId=shop, span="year")
    assert [each["coveredMs"] for each in found["points"]] == [3_600_000] * 2
    assert len((await world.get("service.usage", serviceId=shop, span="month"))["points"]) == 1


async def test_the_hour_is_told_to_the_end_of_a_minute(world: World) -> None:
    found = await world.get("service.usage", serviceId=await world.application("shop"))
    since = datetime.fromisoformat(found["since"])
    assert (since.second, since.microsecond) == (0, 0), "within a minute nothing of it changes"
    assert -MINUTE <= datetime.now(UTC) - since - HOUR < MINUTE


async def test_what_has_moved_is_told_of_the_hosts_that_it_was_on_and_of_no_others(world: World) -> None:
    shop = await world.application("shop")
    await world.release(shop, state=ReleaseState.RETIRED, host_id="before", seq=1)
    for number, host_id in enumerate(("before", HERE, "another")):
        await sampled(world, this_minute() - MINUTE * (number + 2), {service_target(shop): [BUSY]}, host_id)
    found = await world.get("service.usage", serviceId=shop)
    assert found["total"]["coveredMs"] == 20_000


async def test_of_what_was_never_sampled_nothing_is_known(world: World) -> None:
    found = await world.get("service.usage", serviceId=await world.application("shop"), span="month")
    assert found["points"] == []
    assert (found["total"]["cores"], found["total"]["memoryBytes"]) == (None, None)


async def test_a_machine_is_told_to_its_admins_with_what_sampling_took(world: World) -> None:
    cost = UsagePoint(covered=10_000, cpu=20_000, cpu_peak=2_000)
    await sampled(world, this_minute() - 5 * MINUTE, {host_target(HERE): [BUSY], sampler_target(HERE): [cost]})
    found = await world.get("server.usage")
    assert (found["points"][0]["cores"], found["sampler"]["cores"]) == (0.5, 0.002)
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/MachineUsageRow"}, found, document) == []
    assert (await world.member.get("/server.usage")).status_code == 403


async def test_nobody_is_told_of_what_they_may_not_see(world: World) -> None:
    shop = await world.application("shop")
    for name in ("stranger", "member"):
        assert (await world.client(name).get("/service.usage", params={"serviceId": shop})).status_code == 404
    assert (await world.nobody.get("/service.usage", params={"serviceId": shop})).status_code == 401


@pytest.mark.parametrize("wrong", [{"span": "decade"}, {"serviceId": ""}])
async def test_what_is_no_question_is_refused(world: World, wrong: dict[str, str]) -> None:
    given = {"serviceId": await world.application("shop"), **wrong}
    assert (await world.owner.get("/service.usage", params=given)).status_code == 400


async def test_the_groups_that_are_read_are_those_of_releases_that_may_run(world: World) -> None:
    shop = await world.application("shop")
    states = (ReleaseState.STARTING, ReleaseState.SERVING, ReleaseState.RETIRING, ReleaseState.RETIRED)
    made = {state: await world.release(shop, state=state, seq=number) for number, state in enumerate(states)}
    await world.release(shop, state=ReleaseState.STARTING, host_id="elsewhere", seq=9)
    found = await world.services.db.read(lambda tx: releases_on(tx, HERE))
    assert found == {made[state]: shop for state in states if state is not ReleaseState.RETIRED}


async def test_a_service_that_is_gone_leaves_no_days(world: World) -> None:
    shop = await world.application("shop")
    target, hour = service_target(shop), this_minute().replace(minute=0) - 3 * HOUR
    await world.services.db.run(lambda tx: write_hour(tx, hour, {target: BUSY, service_target("gone"): BUSY}))
    await settle(world.services.db, datetime.now(UTC))
    assert (await world.get("service.usage", serviceId=shop, span="week"))["total"]["coveredMs"] == 10_000
