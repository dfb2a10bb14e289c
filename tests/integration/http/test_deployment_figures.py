"""``deployment.figures`` and the pictures that are made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments import figures as counting
from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.features.services.pages.service import PAGE as SERVICE
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from tests.integration.http.page_visits import person
from tests.integration.http.schemas import misfits
from tests.integration.http.world import World

Json = Any
NOON = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=12)


async def went(
    world: World, application_id: str, *, days_ago: int, minutes: float = 1, status: Status = Status.DONE
) -> str:
    """A deployment that ended at noon so many days ago, after it had waited for half a minute."""
    deployment_id = await world.ended(application_id, status)
    at = NOON - timedelta(days=days_ago)
    await world.services.db.run(lambda tx: _moved(tx, deployment_id, at, timedelta(minutes=minutes)))
    return deployment_id


async def test_each_day_tells_how_deployments_ended_and_how_long_they_took(world: World) -> None:
    shop, other = await world.application("shop"), await world.application("other")
    await went(world, shop, days_ago=3, status=Status.ERROR)
    for minutes in (1, 2, 3):
        await went(world, shop, days_ago=2, minutes=minutes)
    await went(world, other, days_ago=2, minutes=9)
    await went(world, shop, days_ago=40)

    found = await world.get("deployment.figures", type="application", id=shop, days=7)

    days = {each["day"]: each for each in found["days"]}
    assert list(days) == [f"{NOON - timedelta(days=ago):%Y-%m-%d}" for ago in range(6, -1, -1)]
    third, second = (days[f"{NOON - timedelta(days=ago):%Y-%m-%d}"] for ago in (3, 2))
    assert (third["done"], third["failed"], third["took"], third["failureRate"]) == (0, 1, None, 1.0)
    assert (second["done"], second["failed"], second["onRequest"]) == (3, 0, 0)
    assert second["took"] == {"number": 3, "p50Ms": 120_000, "p95Ms": 180_000}
    assert second["waited"] == {"number": 3, "p50Ms": 30_000, "p95Ms": 30_000}
    assert second["restored"] == {"number": 1, "p50Ms": 24 * 3_600_000, "p95Ms": 24 * 3_600_000}
    total = found["total"]
    assert (total["done"], total["failed"], total["failureRate"], found["countedFrom"]) == (3, 1, 0.25, None)
    assert (await world.get("deployment.figures"))["total"]["done"] == 4, "of all, and of thirty days"
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/DeploymentFiguresRow"}, found, document) == []


async def test_of_more_than_are_counted_the_newest_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await world.application("shop")
    for ago in (9, 6, 3):
        await went(world, shop, days_ago=ago)
    monkeypatch.setattr(counting, "MOST_COUNTED", 2)
    counting._statement.cache_clear()
    try:
        found = await world.get("deployment.figures", type="application", id=shop)
    finally:
        counting._statement.cache_clear()
    assert found["total"]["done"] == 2
    assert found["countedFrom"].startswith(f"{NOON - timedelta(days=6):%Y-%m-%d}")


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": 91}, {"id": "x"}, {"type": "application"}, {"type": "run"}])
async def test_what_is_no_question_is_refused(world: World, wrong: dict[str, Json]) -> None:
    assert (await world.owner.get("/deployment.figures", params=wrong)).status_code == 400


async def test_nobody_counts_what_they_may_not_see(world: World) -> None:
    shop, other = await world.application("shop"), await world.application("other")
    await went(world, shop, days_ago=1)
    await went(world, other, days_ago=1)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[shop])

    async def done(name: str, **given: str) -> int:
        answer = await world.client(name).get("/deployment.figures", params=given)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["total"]["done"]
        return number

    assert await done("owner") == 2
    assert await done("member") == 1
    assert await done("member", type="application", id=other) == 0
    assert await done("stranger") == 0
    assert await done("stranger", type="application", id=shop) == 0


async def test_the_list_has_its_pictures_and_the_table_behind_them(world: World) -> None:
    shop = await world.application("shop")
    await went(world, shop, days_ago=2, status=Status.ERROR)
    await went(world, shop, days_ago=1, minutes=2)
    ann = await person(world)

    seen = await ann.see(LIST)

    assert "1 done, 1 failed" in seen.text
    assert "half within 2 min 00 s" in seen.text
    assert "50 % (1 of 2)" in seen.text
    assert "half within 1 d 0 h, 1 time" in seen.text
    assert seen.html.count('class="picture-column tone-bad"') == 1
    assert "The same as a table" in seen.text
    alone = await ann.see(LIST, "figures")
    assert alone.html.strip() in seen.html
    assert alone.html == (await ann.later(5).see(LIST, "figures")).html, "it holds nothing of the time"
    for name, value in (("status", "done"), ("cursor", "5"), ("text", "x")):
        assert 'id="part-figures"' not in (await ann.see(LIST, "", None, **{name: value})).html, (
            "they would be of others"
        )
    assert "2 min 00 s" in (await ann.see(LIST, "figures", type="application", id=shop)).text
    assert "Nothing has ended" in (await ann.see(LIST, "figures", type="application", id="gone")).text
    assert "picture-column" not in (await (await person(world, "stranger")).see(LIST)).html


async def test_the_page_of_a_service_has_those_of_its_own(world: World) -> None:
    shop, other = await world.application("shop"), await world.application("other")
    await went(world, shop, days_ago=1, minutes=2)
    await went(world, other, days_ago=1, status=Status.ERROR)
    ann = await person(world)

    seen = await ann.see(SERVICE, ids={"serviceId": shop})

    assert "0 % (0 of 1)" in seen.text
    assert "nothing had to be" in seen.text
    alone = await ann.see(SERVICE, "figures", ids={"serviceId": shop})
    assert alone.html.strip() in seen.html
    assert "not yet" in (await ann.see(SERVICE, "figures", ids={"serviceId": other})).text


def _moved(tx: Tx, deployment_id: str, ended: datetime, took: timedelta) -> None:
    began = ended - took
    times = {"created_at": began - timedelta(seconds=30), "started_at": began, "finished_at": ended}
    tx.execute(update(deployments).where(deployments.c.deployment_id == deployment_id).values(**times))
