"""``deployment.strip`` and the bars that are made of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from tests.integration.http.page_visits import person
from tests.integration.http.schemas import misfits
from tests.integration.http.world import World


async def test_bars_tell_how_each_ended_and_how_long_it_took(world: World) -> None:
    shop = await world.application("shop")
    done, failed = await world.ended(shop), await world.ended(shop, Status.ERROR)
    await world.ended(await world.application("other"))
    waits = await world.deploy(shop)
    await world.services.db.run(lambda tx: _took(tx, done, milliseconds=90_000))

    bars = await world.get("deployment.strip", type="application", id=shop)

    assert [(each["deploymentId"], each["status"], each["reason"]) for each in bars] == [
        (waits, "pending", None),
        (failed, "error", "failed"),
        (done, "done", None),
    ]
    assert (bars[0]["durationMs"], bars[2]["durationMs"]) == (None, 90_000)
    newest = await world.get("deployment.strip", type="application", id=shop, limit=1)
    assert [each["deploymentId"] for each in newest] == [waits]
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/BarRow"}, bars[0], document) == []


@pytest.mark.parametrize("wrong", [{"limit": 31}, {"limit": 0}, {"type": "run"}, {"id": ""}])
async def test_what_is_no_strip_is_refused(world: World, wrong: dict[str, str]) -> None:
    query = {"type": "application", "id": await world.application(), **wrong}
    assert (await world.owner.get("/deployment.strip", params=query)).status_code == 400


async def test_the_list_of_one_service_has_its_bars_and_the_table_behind_them(world: World) -> None:
    shop = await world.application("shop")
    done, failed = await world.ended(shop), await world.ended(shop, Status.ERROR)
    await world.services.db.run(lambda tx: _took(tx, done, milliseconds=90_000))
    ann = await person(world)

    seen = await ann.see(LIST, type="application", id=shop)

    bars = re.findall(r'<a href="([^"]+)" tabindex="-1">.*?<line class="strip-bar strip-(\w+)', seen.html)
    assert bars == [(f"/deployments/{done}", "good"), (f"/deployments/{failed}", "bad")], "the newest is on the right"
    assert "1 failed, 1 done. The tallest bar is 1 min 30 s." in seen.text
    assert "The same as a table" in seen.text
    alone = await ann.see(LIST, "strip", type="application", id=shop)
    assert alone.html.strip() in seen.html
    assert "strip-bar" not in (await ann.see(LIST)).html, "a list of several has none"
    assert "strip-bar" not in (await ann.see(LIST, type="application", id="gone")).html


async def test_nobody_is_shown_bars_of_what_they_may_not_see(world: World) -> None:
    shop = await world.application("shop")
    await world.ended(shop)
    assert "strip-bar" not in (await (await person(world, "stranger")).see(LIST, type="application", id=shop)).html


def _took(tx: Tx, deployment_id: str, *, milliseconds: int) -> None:
    ended = tx.now
    times = {"started_at": ended - timedelta(milliseconds=milliseconds), "finished_at": ended}
    tx.execute(update(deployments).where(deployments.c.deployment_id == deployment_id).values(**times))
