"""Several deployments at once: chosen in the list, named in the question, each done by itself and told by itself."""

from __future__ import annotations

import html
import re
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import insert

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.model import Deployment
from headway.core.deployments.service import DeploymentService
from headway.features.deployments.pages.deployment_selection import MOST
from headway.infra.db.tables.access import identities
from headway.infra.db.transaction import Tx
from headway.pages.words import utc
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, PASSWORD, fields_of, signed_in
from tests.integration.web.test_account import let_pass


def _address(action: str, *ids: str) -> str:
    """What a browser asks for when these are chosen and a button is pressed."""
    return f"/deployments/several/{action}?" + "&".join(f"row-{each}=on" for each in ids)


def _told(text: str) -> list[tuple[str, str]]:
    """Each row of the answer: whether it is done, and what became of it."""
    found = re.findall(
        r'data-label="Done".*?<span>([^<]+)</span>.*?<span class="lines">([^<]*)</span>', text, re.DOTALL
    )
    return [(done, html.unescape(said)) for done, said in found]


async def test_each_is_cancelled_by_itself_and_told_by_itself(world: World) -> None:
    shop = await world.application("shop")
    ended, waits = await world.ended(shop), await world.deploy(shop, title="The one that waits")
    path = _address("cancel", waits, ended, "gone")
    async with signed_in(world) as client:
        listed = (await client.get("/deployments")).text
        assert f'name="row-{waits}" form="several"' in listed
        assert 'formaction="/deployments/several/cancel"' in listed
        question = (await client.get(path)).text
        assert "Cancel 3 deployments?" in question
        assert 'The one that waits</bdi></a> <span class="dim">pending</span>' in question
        assert 'gone</bdi></span> <span class="dim">it is not there any more</span>' in question
        done = await client.post(path, data=await fields_of(client, path), headers=OWN)
    assert done.status_code == 200
    assert "1 done, 2 not." in done.text
    how = f"done, {utc((await world.get('deployment.one', deploymentId=ended))['finishedAt'])}"
    assert _told(done.text) == [
        ("done", "Cancelled: nothing of it runs any more. It had not begun."),
        ("not done", f"It has ended already: {how}. There is nothing to end."),
        ("not done", "Deployment not found"),
    ]
    assert (await world.get("deployment.one", deploymentId=waits))["reason"] == "cancelled"
    logs = (await world.get("auditLog.all"))["logs"]
    assert [each["credential"] for each in logs if each["procedure"] == "deployment.cancel"] == ["session"]


async def test_sent_again_it_starts_nothing_twice(world: World) -> None:
    shop, blog = await world.application("shop"), await world.application("blog")
    ids = [await world.ended(shop), await world.ended(blog)]
    waits = await world.deploy(blog)
    path = _address("redeploy", *ids, waits)
    async with signed_in(world) as client:
        fields = await fields_of(client, path)
        first = await client.post(path, data=fields, headers=OWN)
        again = await client.post(path, data=fields, headers=OWN)
    assert _told(first.text) == [
        ("done", "Queued: it begins as soon as it may."),
        ("done", "Queued: it begins as soon as it may."),
        ("not done", "It has not ended yet."),
    ]
    assert [said for _, said in _told(again.text)][:2] == ["It was queued already.", "It was queued already."]
    pending = (await world.get("deployment.search", status="pending"))["rows"]
    assert len(pending) == 3
    assert all(
        f'href="/deployments/{row["deploymentId"]}"' in first.text for row in pending if row["deploymentId"] != waits
    )


async def test_what_was_removed_is_told_by_its_name(world: World) -> None:
    shop = await world.application("shop")
    ended, waits = await world.ended(shop), await world.deploy(shop, title="Waits")
    runs = waits
    await world.claim()
    path = _address("remove", ended, runs)
    async with signed_in(world) as client:
        done = await client.post(path, data=await fields_of(client, path), headers=OWN)
    assert [each for each, _ in _told(done.text)] == ["done", "not done"]
    assert "Deployment is running; kill it first" in done.text
    assert (await world.owner.get("/deployment.one", params={"deploymentId": ended})).status_code == 404
    assert (await world.get("deployment.one", deploymentId=runs))["status"] == "running"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "Choose them in the list first."), (MOST + 1, f"At most {MOST} at once: {MOST + 1} are")]
)
async def test_nothing_is_done_to_none_and_to_too_many(world: World, number: int, said: str) -> None:
    path = _address("kill", *(f"id{each}" for each in range(number)))
    async with signed_in(world) as client:
        question = await client.get(path)
        assert said in question.text
        assert "button-danger" not in question.text
        fields = await fields_of(client, path)
        assert (await client.post(path, data=fields, headers=OWN)).status_code == 422


async def test_it_is_taken_from_our_own_pages_and_for_what_one_may_see_only(world: World) -> None:
    waits = await world.deploy(await world.application())
    path = _address("cancel", waits)
    async with signed_in(world, "stranger") as stranger, signed_in(world) as owner:
        theirs = await stranger.post(path, data=await fields_of(stranger, path), headers=OWN)
        assert _told(theirs.text) == [("not done", "Deployment not found")]
        fields = await fields_of(owner, path)
        for headers in ({}, {"origin": "https://elsewhere.example"}, {**OWN, "sec-fetch-site": "cross-site"}):
            assert (await owner.post(path, data=fields, headers=headers)).status_code == 403
        assert (await owner.post(path, data={**fields, "form_token": "x"}, headers=OWN)).status_code == 403
        assert (await owner.get("/deployments/several/nothing")).status_code == 404
        assert "None is chosen." in (await owner.get("/deployments/several")).text
    assert (await world.get("deployment.one", deploymentId=waits))["status"] == "pending"


async def test_a_fault_with_one_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, blog = await world.application("shop"), await world.application("blog")
    broken, waits = await world.deploy(shop), await world.deploy(blog)
    cancel = DeploymentService.cancel

    async def breaks(self: DeploymentService, actor: Actor, permission: Permission, deployment_id: str) -> Deployment:
        if deployment_id == broken:
            raise RuntimeError("nobody thought of this")
        return await cancel(self, actor, permission, deployment_id)

    monkeypatch.setattr(DeploymentService, "cancel", breaks)
    path = _address("cancel", broken, waits)
    async with signed_in(world) as client:
        done = await client.post(path, data=await fields_of(client, path), headers=OWN)
    assert [each for each, _ in _told(done.text)] == ["not done", "done"]
    assert "nobody thought of this" not in done.text
    assert (await world.get("deployment.one", deploymentId=waits))["reason"] == "cancelled"


async def test_ids_that_are_none_are_not_asked_for(world: World) -> None:
    async with signed_in(world) as client:
        text = (await client.get("/deployments/several/kill?row-<script>=on&row-../x=on&other=on")).text
    assert "Choose them in the list first." in text


async def test_the_way_back_leads_to_the_same_filters(world: World) -> None:
    shop = await world.application("shop")
    waits = await world.deploy(shop)
    listed = f"/deployments?type=application&id={shop}"
    async with signed_in(world) as client:
        form = (await client.get(listed)).text.partition('id="several"')[2]
        back = html.unescape(re.findall(r'name="back" value="([^"]*)"', form)[0])
        assert back == listed
        path = f"{_address('cancel', waits)}&{urlencode({'back': back})}"
        question = (await client.get(path)).text
        assert f'href="{html.escape(listed)}">Go back' in question
        done = await client.post(path, data=await fields_of(client, path), headers=OWN)
        assert f'href="{html.escape(listed)}">Go back' in done.text
        for foreign in ("https://elsewhere.example/", "//elsewhere.example/deployments", "/nowhere", "javascript:x"):
            path = f"{_address('cancel', waits)}&{urlencode({'back': foreign})}"
            assert 'href="/deployments">Go back' in (await client.get(path)).text, foreign


@pytest.mark.parametrize("action", ["kill", "remove"])
async def test_who_ends_or_removes_several_shows_once_more_that_it_is_them(world: World, action: str) -> None:
    ids = [await world.ended(await world.application(name)) for name in ("shop", "blog")]
    path = _address(action, *ids)

    async def left() -> int:
        return len((await world.get("deployment.search"))["rows"])

    async with signed_in(world) as client:
        assert 'name="confirm"' not in (await client.get(path)).text, "who has signed in just now has shown it"
        await let_pass(world)
        assert 'name="confirm"' not in (await client.get(_address(action, ids[0]))).text, "one is asked of nobody"
        assert 'name="confirm"' not in (await client.get(_address("cancel", *ids))).text
        question = await client.get(path)
        assert (question.status_code, 'name="confirm"' in question.text) == (200, True)
        for typed in ({}, {"confirm": "not it"}):
            fields = await fields_of(client, path)
            refused = await client.post(path, data={**fields, **typed}, headers=OWN)
            assert refused.status_code in {401, 403}
            assert 'name="confirm"' in refused.text
            assert ids[0] in refused.text, "what was chosen is named still"
        assert await left() == 2
        fields = await fields_of(client, path)
        done = await client.post(path, data={**fields, "confirm": PASSWORD}, headers=OWN)
        assert (done.status_code, "not" in _told(done.text)[0][0]) == (200, action == "kill")
        assert await left() == (2 if action == "kill" else 0)
        assert 'name="confirm"' not in (await client.get(path)).text, "and for ten minutes no more"


async def test_who_has_no_password_confirms_at_the_provider_and_comes_back_to_what_was_chosen(world: World) -> None:
    path = _address("remove", await world.ended(await world.application("shop")), "gone")
    owner = await world.get("user.get")

    def know(tx: Tx) -> None:
        whose = {"user_id": owner["userId"], "issuer": "https://login.example", "subject": "ada"}
        tx.execute(insert(identities).values(**whose, created_at=tx.now, signed_in_at=tx.now))

    async with signed_in(world) as client:
        await world.services.db.run(know)
        await let_pass(world)
        text = html.unescape((await client.get(path)).text)
    assert 'name="confirm"' not in text
    assert f'href="/sign-in/provider/confirm?next={quote(path)}"' in text
