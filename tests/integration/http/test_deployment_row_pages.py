"""What rows of deployments say and let one do, and the parts of a deployment's page that are known later."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from headway.core.deployments.status import Status
from headway.features.deployments.pages import deployment
from headway.features.deployments.pages.deployment import PAGE as ONE
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.features.deployments.pages.shared_deployment import PAGE as SHARED
from headway.features.home.pages.home import PAGE as HOME
from headway.features.services.pages.service import PAGE as SERVICE
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from tests.integration.http.page_visits import person
from tests.integration.http.world import World


async def test_a_row_that_failed_says_why(world: World) -> None:
    shop = await world.application("shop")
    await world.ended(shop, Status.ERROR)
    cancelled = await world.deploy(shop)
    await world.post("deployment.cancel", deploymentId=cancelled)
    told = (await world.get("deployment.one", deploymentId=cancelled))["errorMessage"]
    ann = await person(world)

    listed = await ann.see(LIST)

    assert listed.text.count("Step build: exit status 7") == 1
    assert f'href="/deployments/{cancelled}"' in listed.html
    assert told not in listed.text, "what somebody asked for needs no reason"
    assert told in (await ann.see(ONE, ids={"deploymentId": cancelled})).text


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


async def test_what_is_known_later_is_in_parts_that_are_told_of_it(world: World) -> None:
    deployment_id = await world.deploy(await world.application("shop"))
    ann, ids = await person(world), {"deploymentId": deployment_id}
    before = await ann.see(ONE, ids=ids)
    assert before.view.title == "Manual deployment, shop"

    await world.services.db.run(lambda tx: _fetched(tx, deployment_id))
    heading, facts = await ann.see(ONE, "heading", ids), await ann.see(ONE, "facts", ids)

    assert "Paint the button" in heading.text
    assert 'data-title="Paint the button, shop · Headway"' in heading.html
    assert "cccccccc" in facts.text
    for name, seen in {"heading": heading, "facts": facts}.items():
        pull = f'data-pull="/deployments/{deployment_id}/-/{name}" data-topic="deployment:{deployment_id}"'
        assert pull in seen.html
        assert pull in before.html


async def test_the_shared_page_has_the_same_parts(world: World) -> None:
    deployment_id = await world.deploy(await world.application("shop"))
    token = (await world.post("deployment.createLink", deploymentId=deployment_id))["token"]
    ann, ids = await person(world), {"token": token}
    await world.services.db.run(lambda tx: _fetched(tx, deployment_id))

    heading, facts = await ann.see(SHARED, "heading", ids), await ann.see(SHARED, "facts", ids)

    assert 'data-title="Paint the button, shop · Headway"' in heading.html
    assert "cccccccc" in facts.text
    for name, seen in {"heading": heading, "facts": facts}.items():
        assert f'data-pull="/shared/{token}/-/{name}" data-live' in seen.html


async def test_changes_that_cannot_be_told_in_time_are_said_to_be_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await world.ended(await world.application("shop"))
    ann = await person(world)
    monkeypatch.setattr(deployment, "_SECONDS", 0.0)
    seen = await ann.see(ONE, ids={"deploymentId": done})
    assert "What it has changed: unknown because It was not answered within 0 seconds." in seen.text


def _fetched(tx: Tx, deployment_id: str) -> None:
    known = {"title": "Paint the button", "commit_hash": "c" * 40, "commit_message": "Paint the button"}
    tx.execute(update(deployments).where(deployments.c.deployment_id == deployment_id).values(**known))
