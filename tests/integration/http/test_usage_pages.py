"""What a service and a machine use, as pages draw it: lines with their gaps, bounds and marks, and the table behind."""

from __future__ import annotations

import re

from headway.features.servers.pages.server import PAGE as SERVER
from headway.features.servers.pages.server_list import PAGE as SERVERS
from headway.features.services.pages.service import PAGE as SERVICE
from headway.features.usage.model import EMPTY, UsagePoint, host_target, sampler_target, service_target
from headway.features.usage.store import MINUTE
from tests.integration.http.page_visits import person
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.test_usage import BUSY, HERE, sampled, this_minute
from tests.integration.http.world import World


async def test_the_page_of_a_service_draws_what_it_uses(world: World) -> None:
    shop = await world.application("shop")
    await world.ended(shop)
    target, ids = service_target(shop), {"serviceId": shop}
    await sampled(world, this_minute() - 20 * MINUTE, {target: [BUSY._replace(cpu_peak=900_000)] * 3})
    await sampled(world, this_minute() - MINUTE, {target: [BUSY] * 6})
    ann = await person(world)

    seen = await ann.see(SERVICE, ids=ids)

    assert "50 % of one now, 90 % of one at most" in seen.text
    assert "2.0 MiB now, 2.0 MiB at most, of 4.0 MiB" in seen.text
    assert "9 restarts" in seen.text
    part = seen.html.partition('id="part-usage"')[2].partition("</section>")[0]
    assert part.count('class="picture-line') == 4, "each line is parted by the gap"
    assert part.count('class="picture-ceiling"') == 1, "of processors there is no bound"
    assert part.count('class="picture-mark"') == 2
    assert "Upright lines are deployments that began." in seen.text
    assert 2 <= len(re.findall(r'<td data-label="Memory"', part)) <= 4, "points are put together, and gaps left out"
    assert 'data-every="10" data-topic=""' in seen.html
    assert this_minute().strftime("%b, %H:") in part, "what the ends of the time are"


async def test_of_very_many_deployments_the_newest_are_marked_and_that_is_said(world: World) -> None:
    shop = await world.application("shop")
    await sampled(world, this_minute() - MINUTE, {service_target(shop): [BUSY] * 6})
    for _ in range(51):
        await world.ended(shop)
    seen = await (await person(world)).see(SERVICE, "usage", ids={"serviceId": shop})
    assert seen.html.count('class="picture-mark"') == 2 * 50
    assert "Upright lines are the newest deployments that began." in seen.text


async def test_the_part_is_the_same_alone_and_for_each_span(world: World) -> None:
    shop = await world.application("shop")
    ids = {"serviceId": shop}
    await sampled(world, this_minute() - 5 * MINUTE, {service_target(shop): [BUSY] * 6})
    ann = await person(world)
    for span, aria in (("hour", "Hour"), ("day", "Day"), ("year", "Year")):
        alone = await ann.see(SERVICE, "usage", ids=ids, span=span)
        assert f'aria-current="page">{aria}</a>' in alone.html
        assert f"/-/usage?span={span}" in alone.html
        assert "6 restarts" in alone.text
        assert alone.links["Week"] == f"/services/{shop}?span=week#part-usage"
    assert "6 restarts" in (await ann.see(SERVICE, "usage", ids=ids, span="<b>")).text, "of no span it is an hour"


async def test_what_was_not_measured_is_said_and_not_drawn(world: World) -> None:
    ids = {"serviceId": await world.application("shop")}
    seen = await (await person(world)).see(SERVICE, "usage", ids=ids)
    assert seen.text.count("Nothing was measured in this time.") == 1
    assert "<svg" not in seen.html.partition('id="part-usage"')[2]
    assert "The same as a table" not in seen.text


async def test_what_was_idle_is_drawn_as_that(world: World) -> None:
    shop = await world.application("shop")
    idle = UsagePoint(covered=10_000, memory=1_024 * 10_000, memory_peak=1_024)
    await sampled(world, this_minute() - MINUTE, {service_target(shop): [idle] * 6})
    seen = await (await person(world)).see(SERVICE, "usage", ids={"serviceId": shop})
    assert "none now, none at most" in seen.text
    assert "none was seen None." in seen.text
    assert seen.html.count('class="picture-line') == 2


async def test_the_panels_own_machine_is_drawn_with_what_measuring_took(world: World) -> None:
    cost = UsagePoint(covered=10_000, cpu=20_000, cpu_peak=2_000)
    busy = BUSY._replace(cpu_bound=2_000_000)
    await sampled(world, this_minute() - MINUTE, {host_target(HERE): [busy, EMPTY], sampler_target(HERE): [cost]})
    ann = await person(world)
    seen = await ann.see(SERVERS)
    assert "What the panel's own machine uses" in seen.text
    assert "50 % of one now, 50 % of one at most, of 2" in seen.text
    assert "Measuring all this took 0.20 % of one" in seen.text
    assert "Restarts" not in seen.text, "of a machine none are counted"
    assert (await ann.see(SERVERS, "usage")).html.strip() in seen.html


async def test_a_server_has_pictures_of_its_own(world: World) -> None:
    key = await world.post("sshKey.create", name="k")
    server = await world.post("server.create", sshKeyId=key["sshKeyId"], **A_SERVER)
    await sampled(world, this_minute() - MINUTE, {host_target(HERE): [BUSY]})
    await sampled(world, this_minute() - MINUTE, {host_target(server["serverId"]): [BUSY]}, server["serverId"])
    seen = await (await person(world)).see(SERVER, "usage", ids={"serverId": server["serverId"]})
    assert "50 % of one" in seen.text
