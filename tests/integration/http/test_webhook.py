"""``webhook.*``: what came is listed, shown, taken again, and tried out beforehand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from headway.infra.db.tables.hooks import hook_deliveries, hook_payloads
from tests.integration.http.preview_rows import pull_request
from tests.integration.http.preview_rows import told as told_pull
from tests.integration.http.test_hooks import deliver, told
from tests.integration.http.world import World
from tests.unit.features.webhooks import deliveries as sent

Json = Any


async def test_deliveries_come_in_parts_the_newest_first(world: World) -> None:
    application_id, url = await told(world)
    for number in range(5):
        await deliver(world, url, sent.pushed(number))
    first = await world.get("webhook.deliveries", applicationId=application_id, limit=3)
    rest = await world.get("webhook.deliveries", applicationId=application_id, limit=3, before=first["before"])
    assert [each["sentId"] for each in first["items"] + rest["items"]] == ["4", "3", "2", "1", "0"]
    assert rest["before"] is None


async def test_deliveries_are_found_by_their_outcome(world: World) -> None:
    application_id, url = await told(world)
    await deliver(world, url, sent.github())
    await deliver(world, url, sent.github({"zen": "x"}, "ping", "2"))
    skipped = await world.get("webhook.deliveries", applicationId=application_id, outcome="skipped")
    assert [each["event"] for each in skipped["items"]] == ["ping"]


async def test_a_delivery_is_shown_with_what_came_but_no_secret(world: World) -> None:
    _, url = await told(world, webhookSecret=sent.SECRET)
    headers, body = sent.gitlab()
    delivery_id = (await deliver(world, url, (headers, body))).json()["deliveryId"]
    one = await world.get("webhook.one", deliveryId=delivery_id)
    assert one["payload"] == body.decode()
    assert one["headers"]["x-gitlab-event"] == "Push Hook"
    assert sent.SECRET not in str(one["headers"])


async def test_a_delivery_is_taken_again_as_the_settings_are_now(world: World) -> None:
    application_id, url = await told(world, autoDeploy=False)
    first = (await deliver(world, url, sent.github())).json()
    await world.post("application.update", applicationId=application_id, autoDeploy=True)
    would = await world.get("webhook.simulate", deliveryId=first["deliveryId"])
    again = await world.post("webhook.replay", deliveryId=first["deliveryId"])
    assert first["services"][0]["reason"] == "auto_deploy_off"
    assert (would["outcome"], would["commit"]) == ("queued", sent.A)
    assert (again["services"][0]["outcome"], again["signature"], again["duplicate"]) == ("queued", "vouched", False)
    kept = await world.get("webhook.one", deliveryId=again["deliveryId"])
    assert (kept["replayOf"], kept["sender"], kept["sentId"]) == (first["deliveryId"], "github", "1")
    assert (await deliver(world, url, sent.github())).json()["duplicate"] is True


async def test_what_was_refused_can_be_vouched_for(world: World) -> None:
    _, url = await told(world, webhookSecret="another")
    refused = (await deliver(world, url, sent.github())).json()
    again = await world.post("webhook.replay", deliveryId=refused["deliveryId"])
    assert again["services"][0]["outcome"] == "queued"


async def test_nothing_of_a_fork_runs_because_its_delivery_is_taken_again(world: World) -> None:
    application_id, _ = await told(world, isPreviewDeploymentsActive=True)
    await told_pull(world, application_id, pull_request(1, "a" * 40, fork=True))
    await told_pull(world, application_id, pull_request(2, "b" * 40))
    trusted, fork = (await world.get("webhook.deliveries", applicationId=application_id))["items"]
    again = [await world.post("webhook.replay", deliveryId=each["deliveryId"]) for each in (fork, trusted)]
    assert [each["services"][0]["reason"] for each in again] == ["fork", "queued"]
    listed = await world.get("previewDeployment.all", applicationId=application_id)
    told_of = {each["pullRequestNumber"]: (each["awaitsApproval"], len(each["deployments"])) for each in listed}
    assert told_of == {"1": (True, 0), "2": (False, 2)}


@pytest.mark.parametrize(
    ("given", "outcome", "reason"),
    [
        ({}, "queued", "queued"),
        ({"branch": "main"}, "queued", "queued"),
        ({"branch": "main", "files": "src/a.py,b"}, "queued", "queued"),
        ({"branch": "main", "files": "b"}, "skipped", "watch_paths"),
        ({"branch": "main", "files": "src/a", "message": "x [skip ci]"}, "skipped", "skip_words"),
        ({"branch": "next"}, "skipped", "branch"),
        ({"tag": "v1"}, "skipped", "tag"),
        ({"image": "team/app:2"}, "skipped", "source"),
    ],
)
async def test_a_push_is_tried_out_without_doing_anything(world: World, given: Json, outcome: str, reason: str) -> None:
    application_id, _ = await told(world, watchPaths=["src"])
    would = await world.get("webhook.simulate", applicationId=application_id, **given)
    assert (would["outcome"], would["reason"]) == (outcome, reason)
    assert await world.get("deployment.all", applicationId=application_id) == []
    assert (await world.get("webhook.deliveries", applicationId=application_id))["items"] == []


async def test_payloads_go_first_and_deliveries_when_they_are_old(world: World) -> None:
    application_id, url = await told(world)
    for number in range(4):
        payload = {**sent.GITHUB_PUSH, "padding": str(list(range(40_000)))}
        await deliver(world, url, sent.github(payload, delivery=str(number)))
    webhooks, db = world.services.webhooks, world.services.db
    object.__setattr__(webhooks._taking, "most_payload_bytes", 250_000)
    await webhooks.forget_old()
    kept = (await world.get("webhook.deliveries", applicationId=application_id))["items"]
    shown = [await world.get("webhook.one", deliveryId=each["deliveryId"]) for each in kept]
    assert shown[0]["payload"] is not None
    assert shown[-1]["payload"] is None
    refused = await world.owner.post("/webhook.replay", json={"deliveryId": kept[-1]["deliveryId"]})
    assert refused.status_code == 409
    old = hook_deliveries.c.sent_id == "0"
    aged = update(hook_deliveries).where(old)
    await db.run(lambda tx: tx.execute(aged.values(created_at=tx.now - timedelta(days=31))).rowcount)
    await webhooks.forget_old()
    assert len((await world.get("webhook.deliveries", applicationId=application_id))["items"]) == 3


async def test_nothing_is_kept_of_services_that_are_gone(world: World) -> None:
    application_id, url = await told(world)
    await deliver(world, url, sent.github())
    await world.post("application.delete", applicationId=application_id)
    await world.services.webhooks.forget_old()

    for table in (hook_deliveries, hook_payloads):
        count = select(func.count()).select_from(table)
        assert await world.services.db.read(lambda tx, count=count: tx.scalar(count)) == 0  # type: ignore[misc]


async def test_what_was_saved_before_it_had_a_meaning_has_it_now(world: World) -> None:
    from headway.features.services.application.model import AppSettings

    old = {"git_url": "x", "extra": {"autoDeploy": False, "watchPaths": ["a"], "triggerType": None, "title": "t"}}
    settings = AppSettings.load(old)
    assert (settings.hooks.auto_deploy, settings.hooks.watch_paths, settings.hooks.trigger_type) == (
        False,
        ["a"],
        "push",
    )
    assert settings.extra == {"title": "t"}


async def test_services_without_an_address_get_one(world: World) -> None:
    from headway.infra.db.tables.hooks import hook_addresses

    application_id, _ = await told(world)
    await world.services.db.run(lambda tx: tx.execute(hook_addresses.delete()).rowcount)
    assert (await world.get("application.one", applicationId=application_id))["refreshToken"] is None
    await world.services.webhooks.add_missing_addresses()
    assert (await world.get("application.one", applicationId=application_id))["refreshToken"]
