"""The pages of webhooks: every delivery with its verdict, and the way to take one again."""

from __future__ import annotations

import json

from headway.infra.db.tables.hooks import hook_payloads
from tests.integration.http.test_hooks import deliver, told
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, send, signed_in
from tests.unit.features.webhooks import deliveries as sent


async def plain(world: World, url: str, **body: object) -> str:
    """A call of a script: the id of its delivery."""
    answer = await world.nobody.post(url, json=body)
    assert answer.status_code in {200, 401}, answer.text
    delivery_id: str = answer.json()["deliveryId"]
    return delivery_id


async def test_the_list_says_what_each_delivery_started_or_why_it_started_nothing(world: World) -> None:
    application_id, url = await told(world, name="shop")
    await deliver(world, url, sent.github())
    skipped = await plain(world, url, branch="elsewhere")
    (row,) = await world.get("deployment.all", applicationId=application_id)

    async with signed_in(world) as client:
        text = (await client.get("/webhooks")).text

    assert "started a deployment" in text
    assert "started nothing" in text
    assert "The branch elsewhere was pushed; the service deploys main." in text
    assert f'href="/deployments/{row["deploymentId"]}"' in text
    assert f'href="/webhooks/{skipped}"' in text
    assert f'href="/services/{application_id}"' in text


async def test_a_deployment_leads_to_the_webhook_that_asked_for_it_and_to_what_it_released(world: World) -> None:
    application_id, url = await told(world, name="shop")
    await deliver(world, url, sent.github())
    (row,) = await world.get("deployment.all", applicationId=application_id)
    path, asked_by = f"/deployments/{row['deploymentId']}", row["triggeredBy"]["deliveryId"]
    async with signed_in(world) as client:
        waits = (await client.get(path)).text
        await world.end(await world.claim())
        done = [(await client.get(address)).text for address in (path, f"{path}/-/facts")]
        assert (await client.get(f"/webhooks/{asked_by}")).status_code == 200
    (domain,) = await world.get("domain.byApplicationId", applicationId=application_id)
    assert f'href="{domain["address"]}"' not in waits, "nothing of it answers there yet"
    for page in done:
        assert f'href="/webhooks/{asked_by}"' in page
        assert f'href="/services/{application_id}/log"' in page
        assert f'href="{domain["address"]}"' in page


async def test_filters_stand_in_the_address_and_can_be_left_out(world: World) -> None:
    first, url = await told(world, name="first")
    second, other = await told(world, name="second")
    of_first = await plain(world, url, branch="main")
    of_second = await plain(world, other, branch="elsewhere")
    async with signed_in(world) as client:

        async def shown(query: str) -> tuple[bool, bool]:
            answer = await client.get(f"/webhooks?{query}")
            assert answer.status_code == 200, answer.text
            return (f"/webhooks/{of_first}" in answer.text, f"/webhooks/{of_second}" in answer.text)

        found = {
            query: await shown(query)
            for query in (
                "",
                f"service={first}",
                f"applicationId={second}",
                "outcome=queued",
                "outcome=skipped",
                "outcome=refused",
                "from=2020-01-01",
                "to=2020-01-01",
                f"applicationId={first}&outcome=skipped",
            )
        }
        assert found == {
            "": (True, True),
            f"service={first}": (True, False),
            f"applicationId={second}": (False, True),
            "outcome=queued": (True, False),
            "outcome=skipped": (False, True),
            "outcome=refused": (False, False),
            "from=2020-01-01": (True, True),
            "to=2020-01-01": (False, False),
            f"applicationId={first}&outcome=skipped": (False, False),
        }
        text = (await client.get(f"/webhooks?service={first}&outcome=queued")).text
        assert f'href="/webhooks?applicationId={first}"' in text, "the chip of the verdict leaves it out"
        for query in ("from=yesterday", "outcome=fine"):
            answer = await client.get(f"/webhooks?{query}")
            assert answer.status_code == 400
            assert "These filters cannot be searched for." in answer.text
        assert (await client.get("/webhooks?applicationId=unknown")).status_code == 404


async def test_a_long_list_goes_on_where_it_ended(world: World) -> None:
    _, url = await told(world)
    ids = [await plain(world, url, branch=f"other-{number}") for number in range(53)]
    async with signed_in(world) as client:
        first = (await client.get("/webhooks")).text
        assert [each for each in ids if f"/webhooks/{each}" in first] == ids[3:]
        second = (await client.get(f"/webhooks?before={ids[3]}")).text
        assert f"before={ids[3]}" in first
        assert [each for each in ids if f'href="/webhooks/{each}"' in second] == ids[:3]


async def test_a_delivery_is_shown_whole_and_in_bounds(world: World) -> None:
    evil = "</pre><script>alert(1)</script>\u202e" + "x" * 30_000
    _, url = await told(world)
    delivery_id = await plain(world, url, branch="elsewhere", message=evil)
    async with signed_in(world) as client:
        answer = await client.get(f"/webhooks/{delivery_id}")
    assert answer.status_code == 200
    assert "not asked for: the service has no webhook secret" in answer.text
    assert "content-type" in answer.text
    assert "<script>" not in answer.text
    assert "\u202e" not in answer.text
    assert "more came, and are not shown here" in answer.text
    assert len(answer.text) < 60_000


async def test_a_delivery_is_taken_again_as_the_settings_are_now(world: World) -> None:
    application_id, url = await told(world)
    delivery_id = await plain(world, url, branch="elsewhere")
    path = f"/webhooks/{delivery_id}"
    async with signed_in(world) as client:
        asked = (await client.get(f"{path}/replay")).text
        assert "As things are it starts nothing. The branch elsewhere was pushed" in asked
        await world.post("application.update", applicationId=application_id, customGitBranch="elsewhere")
        assert "As things are it starts a deployment." in (await client.get(f"{path}/replay")).text
        done = await send(client, f"{path}/replay")
        assert done.status_code == 303
        then = done.headers["location"]
        assert then not in {path, "/webhooks"}
        text = (await client.get(then)).text
    (row,) = await world.get("deployment.all", applicationId=application_id)
    assert "It has started a deployment." in text
    assert f'href="/deployments/{row["deploymentId"]}"' in text
    assert f'href="{path}"' in text, "it says of which it is taken again"


async def test_what_is_not_kept_any_more_cannot_be_taken_again(world: World) -> None:
    _, url = await told(world)
    delivery_id = await plain(world, url, branch="main")
    path = f"/webhooks/{delivery_id}"
    async with signed_in(world) as client:
        fields = await fields_of(client, f"{path}/replay")
        await world.services.db.run(lambda tx: tx.execute(hook_payloads.delete()))
        text = (await client.get(path)).text
        assert "are not kept any more" in text
        assert f"{path}/replay" not in text
        answer = await client.post(f"{path}/replay", data=fields, headers=OWN)
        assert answer.status_code == 409
        assert "is not kept any more" in answer.text


async def test_who_was_given_nothing_sees_nothing_of_webhooks(world: World) -> None:
    _, url = await told(world)
    delivery_id = await plain(world, url, branch="main")
    for name in ("member", "stranger"):
        async with signed_in(world, name) as client:
            listed = await client.get("/webhooks")
            assert listed.status_code == 200
            assert delivery_id not in listed.text
            for path in (f"/webhooks/{delivery_id}", f"/webhooks/{delivery_id}/replay"):
                assert (await client.get(path)).status_code == 404, (name, path)
            assert (await client.get(f"/webhooks?before={delivery_id}")).status_code == 404


async def test_the_operation_finds_what_the_page_shows(world: World) -> None:
    application_id, url = await told(world)
    ids = [await plain(world, url, branch="other") for _ in range(3)]
    found = await world.get("webhook.search", limit=2)
    assert ([each["deliveryId"] for each in found["items"]], found["before"]) == (ids[:0:-1], ids[1])
    rest = await world.get("webhook.search", limit=2, before=found["before"])
    assert ([each["deliveryId"] for each in rest["items"]], rest["before"]) == (ids[:1], None)
    answer = await world.owner.get("/webhook.search", params={"applicationId": application_id, "composeId": "x"})
    assert (answer.status_code, json.loads(answer.text)["message"]) == (
        400,
        "Name one service: give applicationId or composeId.",
    )
