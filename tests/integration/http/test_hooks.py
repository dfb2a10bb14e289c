"""Deliveries over HTTP: kept before the answer, acted on once, and answered with what was done and why."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from headway.core.deployments import store as deployments
from tests.integration.http.world import World
from tests.unit.features.webhooks import deliveries as sent

Json = Any
Sent = tuple[dict[str, str], bytes]


async def address(world: World, application_id: str) -> str:
    """Where an application is told."""
    return f"/deploy/{(await world.get('application.one', applicationId=application_id))['refreshToken']}"


async def told(world: World, **fields: Json) -> tuple[str, str]:
    """An application that has a branch, and where it is told."""
    application_id = await world.application(customGitBranch="main", **fields)
    return application_id, await address(world, application_id)


async def deliver(world: World, url: str, delivery: Sent) -> httpx.Response:
    """Sends it, as somebody without a key."""
    return await world.nobody.post(url, headers=delivery[0], content=delivery[1])


async def test_a_push_queues_a_deployment_and_the_answer_names_it(world: World) -> None:
    application_id, url = await told(world)
    answer = await deliver(world, url, sent.github())
    (done,) = answer.json()["services"]
    (row,) = await world.get("deployment.all", applicationId=application_id)
    assert answer.status_code == 200
    assert (done["outcome"], done["reason"], done["deploymentId"]) == ("queued", "queued", row["deploymentId"])
    assert (row["title"], row["trigger"], row["status"]) == ("Subject", "webhook", "pending")
    assert row["triggeredBy"]["name"] == "octocat (GitHub)"
    assert row["triggeredBy"]["deliveryId"] == answer.json()["deliveryId"]


async def test_what_comes_again_is_acted_on_once(world: World) -> None:
    application_id, url = await told(world)
    first = await deliver(world, url, sent.github())
    again = [await deliver(world, url, sent.github()) for _ in range(2)]
    other = await deliver(world, url, sent.pushed(2))
    assert [each.json() | {"duplicate": False} for each in again] == [first.json()] * 2
    assert [each.json()["duplicate"] for each in (first, *again, other)] == [False, True, True, False]
    assert len(await world.get("deployment.all", applicationId=application_id)) == 2
    (_, kept) = (await world.get("webhook.deliveries", applicationId=application_id))["items"]
    assert (kept["repeats"], kept["outcome"]) == (2, "queued")


async def test_a_plain_call_repeats_itself_under_its_key_alone(world: World) -> None:
    application_id, url = await told(world, newestWins=False)
    for headers in ({"idempotency-key": "k"}, {"idempotency-key": "k"}, {"idempotency-key": "other"}, {}, {}):
        assert (await deliver(world, url, (headers, b""))).status_code == 200
    assert len(await world.get("deployment.all", applicationId=application_id)) == 4


async def test_many_at_once_are_acted_on_once(world: World) -> None:
    application_id, url = await told(world)
    answers = await asyncio.gather(*(deliver(world, url, sent.github()) for _ in range(20)))
    assert {each.status_code for each in answers} == {200}
    assert sum(not each.json()["duplicate"] for each in answers) == 1
    assert len(await world.get("deployment.all", applicationId=application_id)) == 1


async def test_the_next_push_ends_what_still_waits_and_is_named(world: World) -> None:
    application_id, url = await told(world)
    by_hand = await world.deploy(application_id)
    for number in range(3):
        await deliver(world, url, sent.pushed(number))
    newest, second, first, manual = await world.get("deployment.all", applicationId=application_id)
    assert manual["deploymentId"] == by_hand  # what somebody has asked for is not taken back
    assert [each["status"] for each in (newest, second, first, manual)] == ["pending", "error", "error", "pending"]
    assert (second["reason"], first["reason"]) == ("superseded", "superseded")
    assert newest["deploymentId"] in second["errorMessage"]
    assert second["deploymentId"] in first["errorMessage"]


async def test_pushes_that_come_in_another_order_deploy_what_the_branch_names(world: World) -> None:
    application_id, url = await told(world)
    for number in (2, 1):
        assert (await deliver(world, url, sent.pushed(number))).json()["services"][0]["outcome"] == "queued"
    newest, older = await world.get("deployment.all", applicationId=application_id)
    assert (older["reason"], newest["status"]) == ("superseded", "pending")
    claimed = await world.claim()
    frozen = await world.services.db.read(lambda tx: deployments.find(tx, claimed.deployment_id))
    assert "commit" not in frozen.input or frozen.input["commit"] is None, "whatever is the newest when it is fetched"


async def test_a_push_that_two_hooks_tell_of_is_deployed_once(world: World) -> None:
    application_id, url = await told(world)
    first = (await deliver(world, url, sent.github())).json()["services"][0]
    second = (await deliver(world, url, sent.github(delivery="of another hook"))).json()["services"][0]
    assert (second["outcome"], second["reason"], second["deploymentId"]) == ("skipped", "already", None)
    assert first["deploymentId"] in second["message"]
    await world.post("application.cancelDeployment", applicationId=application_id)
    third = (await deliver(world, url, sent.github(delivery="after its end"))).json()["services"][0]
    assert third["outcome"] == "queued"


async def test_older_pushes_wait_on_where_that_is_wanted(world: World) -> None:
    application_id, url = await told(world, newestWins=False)
    for number in range(3):
        await deliver(world, url, sent.pushed(number))
    rows = await world.get("deployment.all", applicationId=application_id)
    assert [row["status"] for row in rows] == ["pending"] * 3


async def test_what_is_skipped_is_told_with_the_files_that_were_compared(world: World) -> None:
    application_id, url = await told(world, watchPaths=["docs/**"])
    (done,) = (await deliver(world, url, sent.github())).json()["services"]
    assert (done["outcome"], done["reason"], done["deploymentId"]) == ("skipped", "watch_paths", None)
    assert (done["files"], done["watchPaths"]) == (["new.txt", "src/a.py", "old.txt", "b.py"], ["docs/**"])
    assert await world.get("deployment.all", applicationId=application_id) == []


async def test_a_secret_asks_for_a_signature(world: World) -> None:
    application_id, url = await told(world, webhookSecret=sent.SECRET)
    headers, body = sent.github()
    unsigned = {name: value for name, value in headers.items() if "signature" not in name}
    forged = {**headers, "x-hub-signature-256": f"sha256={'0' * 64}"}
    answers = [await deliver(world, url, (each, body)) for each in (unsigned, forged, headers)]
    assert [each.status_code for each in answers] == [401, 401, 200]
    assert [each.json()["signature"] for each in answers] == ["missing", "wrong", "valid"]
    assert len(await world.get("deployment.all", applicationId=application_id)) == 1
    kept = (await world.get("webhook.deliveries", applicationId=application_id))["items"]
    assert [each["outcome"] for each in kept] == ["queued", "refused", "refused"]
    one = await world.get("application.one", applicationId=application_id)
    assert (one["hasWebhookSecret"], one["webhookSecret"]) == (True, None)
    assert sent.SECRET not in json.dumps(one)


@pytest.mark.parametrize("delivery", [sent.gitlab(), sent.gitea(), sent.forgejo(), sent.bitbucket()])
async def test_every_forge_is_understood(world: World, delivery: Sent) -> None:
    _, url = await told(world, webhookSecret=sent.SECRET)
    answer = await deliver(world, url, delivery)
    assert (answer.status_code, answer.json()["signature"]) == (200, "valid")
    assert answer.json()["services"][0]["outcome"] == "queued"


async def test_an_image_that_was_pushed_deploys_the_application_that_runs_it(world: World) -> None:
    application_id = await world.application()
    await world.post("application.saveDockerProvider", applicationId=application_id, dockerImage="team/app:2")
    url = await address(world, application_id)
    answer = await deliver(world, url, sent.registry(sent.HUB_PUSH))
    other = await deliver(world, url, sent.registry({**sent.HUB_PUSH, "push_data": {"tag": "3"}}))
    assert answer.json()["services"][0]["outcome"] == "queued"
    assert other.json()["services"][0]["reason"] == "image"


async def test_compose_services_have_addresses_of_their_own(world: World) -> None:
    compose_id = (
        await world.post(
            "compose.create",
            name="stack",
            environmentId=await world.environment(),
            composeFile="services: {web: {image: debian}}",
        )
    )["composeId"]
    token = (await world.get("compose.one", composeId=compose_id))["refreshToken"]
    answer = await world.nobody.post(f"/deploy/compose/{token}")
    (row,) = await world.get("deployment.allByCompose", composeId=compose_id)
    assert answer.json()["services"][0]["deploymentId"] == row["deploymentId"]
    assert (await world.nobody.post(f"/deploy/{token}")).status_code == 404


async def test_what_has_no_source_says_so(world: World) -> None:
    made = await world.post("application.create", name="bare", environmentId=await world.environment())
    url = await address(world, made["applicationId"])
    (done,) = (await world.nobody.post(url)).json()["services"]
    assert (done["outcome"], done["reason"]) == ("skipped", "source")


async def test_an_unknown_address_is_told_nothing(world: World) -> None:
    _, url = await told(world)
    answers = [await world.nobody.post(each) for each in ("/deploy/nope", "/deploy/compose/nope", f"{url}x")]
    assert [each.status_code for each in answers] == [404, 404, 404]
    assert [each.json()["message"] for each in answers] == [
        "Application Not Found",
        "Compose Not Found",
        "Application Not Found",
    ]


async def test_only_post_delivers(world: World) -> None:
    application_id, url = await told(world)
    answers = [await world.nobody.request(method, url) for method in ("GET", "HEAD", "PUT", "DELETE")]
    assert [(each.status_code, each.headers["allow"]) for each in answers] == [(405, "POST")] * 4
    assert await world.get("deployment.all", applicationId=application_id) == []


async def test_a_payload_that_is_too_large_is_refused(world: World) -> None:
    application_id, url = await told(world)
    refused = await deliver(world, url, ({"content-type": "application/json"}, b" " * (30 << 20)))
    payload = {**sent.GITHUB_PUSH, "padding": "x" * (24 << 20)}
    taken = await deliver(world, url, sent.github(payload))
    assert (refused.status_code, taken.status_code) == (413, 200)
    (kept,) = (await world.get("webhook.deliveries", applicationId=application_id))["items"]
    assert kept["bytes"] > 24 << 20


async def test_what_says_that_it_is_json_and_is_not_is_refused_and_kept(world: World) -> None:
    application_id, url = await told(world)
    answer = await deliver(world, url, ({"content-type": "application/json"}, b'{"ref":'))
    (kept,) = (await world.get("webhook.deliveries", applicationId=application_id))["items"]
    details = await world.get("webhook.one", deliveryId=kept["deliveryId"])
    assert (answer.status_code, kept["outcome"], details["payload"]) == (400, "skipped", '{"ref":')


async def test_another_address_makes_the_one_before_lead_nowhere(world: World) -> None:
    application_id, url = await told(world)
    assert await world.post("application.refreshToken", applicationId=application_id) is True
    assert await address(world, application_id) != url
    assert (await world.nobody.post(url)).status_code == 404
    brought = {"applicationId": application_id, "refreshToken": "brought-along"}
    assert await world.post("application.refreshToken", **brought) is True
    assert (await world.nobody.post("/deploy/brought-along")).status_code == 200
    other = await world.application("other")
    refused = await world.owner.post("/application.refreshToken", json=brought | {"applicationId": other})
    assert refused.status_code == 409


async def test_who_may_only_read_does_not_see_the_address(world: World) -> None:
    application_id, _ = await told(world)
    made = await world.post("user.createApiKey", name="reader", scopes=["read"])
    headers = {"x-api-key": made["key"]}
    answer = await world.nobody.get("/application.one", params={"applicationId": application_id}, headers=headers)
    assert (answer.status_code, answer.json()["refreshToken"]) == (200, None)


async def test_a_deleted_service_is_told_nothing_more(world: World) -> None:
    application_id, url = await told(world)
    await deliver(world, url, sent.github())
    await world.post("application.delete", applicationId=application_id)
    assert (await deliver(world, url, sent.github(delivery="2"))).status_code == 404


async def test_the_address_is_not_in_the_panels_own_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    _, url = await told(world)
    with caplog.at_level("DEBUG"):
        await deliver(world, url, sent.github())
    said = [str(record.__dict__) for record in caplog.records if record.name.startswith("headway")]
    assert any("/api/deploy/*" in each for each in said)
    assert not any(url.removeprefix("/deploy/") in each for each in said)
