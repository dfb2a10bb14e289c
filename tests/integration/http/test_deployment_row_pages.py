"""What rows of deployments say and let one do."""

from __future__ import annotations

from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.features.home.pages.home import PAGE as HOME
from headway.features.services.pages.service import PAGE as SERVICE
from tests.integration.http.page_visits import person
from tests.integration.http.world import World


async def test_a_row_that_failed_says_why(world: World) -> None:
    shop = await world.application("shop")
    await world.ended(shop, Status.ERROR)
    await world.post("deployment.cancel", deploymentId=await world.deploy(shop))

    listed = await (await person(world)).see(LIST)

    assert listed.text.count("Step build: exit status 7") == 1
    assert "Cancelled" not in listed.text, "what somebody asked for needs no reason"


async def test_what_is_under_way_is_ended_from_its_row_by_who_may(world: World) -> None:
    shop = await world.application("shop")
    runs = await world.deploy(shop)
    await world.claim()
    waits = await world.deploy(shop)
    ann = await person(world)

    for seen in (await ann.see(LIST, "rows"), await ann.see(HOME, "under-way")):
        ways = [f"/deployments/{runs}/cancel", f"/deployments/{runs}/kill", f"/deployments/{waits}/cancel"]
        assert [way for way in ways if f'href="{way}"' not in seen.html] == []
        assert f'href="/deployments/{waits}/kill"' not in seen.html, "what waits has no process"

    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[shop])
    bob = await person(world, "member")
    bound = await bob.see(LIST, "rows")
    may = bob.visit({}, {}).may("deployment.killProcess")
    assert (f'href="/deployments/{runs}/kill"' in bound.html) is may


async def test_rows_that_have_ended_have_no_column_for_what_can_be_done(world: World) -> None:
    await world.ended(await world.application("shop"))
    assert "Actions" not in (await (await person(world)).see(LIST)).text


async def test_the_list_comes_before_its_pictures(world: World) -> None:
    shop = await world.application("shop")
    await world.ended(shop)
    ann = await person(world)
    listed, service = (await ann.see(LIST)).html, (await ann.see(SERVICE, ids={"serviceId": shop})).html
    assert 0 < listed.index('id="part-rows"') < listed.index('id="part-figures"')
    assert 0 < service.index('id="part-standing"') < service.index('id="part-pending"')
