"""The page of a link to a deployment: who has no session reads it, and it leads nowhere else."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from headway.core.deployments.status import Status
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from headway.web.answers import POLICY
from tests.integration.http.test_deployment_links import OVER
from tests.integration.http.world import World
from tests.integration.web.browsers import COOKIE, OWN, browser, send, signed_in
from tests.integration.web.shown import wrongs

EVIL = '"><script>alert(1)</script>\u202egnp'
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


async def _shared(world: World, status: Status = Status.ERROR) -> tuple[str, str]:
    """A deployment that has ended, and the path of a link to it."""
    deployment_id = await world.ended(await world.application("shop"), status)
    world.write_log(deployment_id, "".join(f"line {number}\n" for number in range(1, 451)))
    link = await world.post("deployment.createLink", deploymentId=deployment_id)
    return deployment_id, f"/shared/{link['token']}"


def _leads(text: str) -> set[str]:
    """Where anything on a page leads, what is looked at on it aside."""
    found = {html.unescape(each) for each in re.findall(r'<a [^>]*href="([^"]*)"', text)}
    return {each for each in found if not each.startswith("#")}


async def test_who_has_the_link_reads_state_steps_and_log_without_a_session(world: World) -> None:
    _, path = await _shared(world)
    async with browser(world) as client:
        page = await client.get(path)
        assert page.status_code == 200
        for told in ("shop", "Step build: exit status 7", "line 450", "This link ends", "450 lines"):
            assert told in page.text, told
        assert "line 250<" not in page.text, "the end of it is shown"
        assert "set-cookie" not in page.headers
        earlier = await client.get(path, params={"line": "1"})
        assert "line 1<" in earlier.text
        for part in ("state", "steps", "log"):
            answer = await client.get(f"{path}/-/{part}")
            assert (answer.status_code, f'data-part="{part}"' in answer.text) == (200, True)


async def test_one_that_waits_and_one_that_runs_are_shown_as_they_stand(world: World) -> None:
    deployment_id = await world.deploy(await world.application("shop"))
    link = await world.post("deployment.createLink", deploymentId=deployment_id)
    path = f"/shared/{link['token']}"
    async with browser(world) as client:
        waits = (await client.get(path)).text
        for told in ("It waits.", "It has not begun yet.", "Nothing was written yet.", 'http-equiv="refresh"'):
            assert told in waits, told
        lease = await world.claim()
        runs = (await client.get(path)).text
        assert "It waits." not in runs
        assert "No step has begun yet." in runs
        await world.end(lease)
        ended = (await client.get(path)).text
        assert "It did nothing." in ended
        assert 'http-equiv="refresh"' not in ended
        for text in (waits, runs, ended):
            assert _leads(text) <= {path}
            assert deployment_id not in text


async def test_nothing_on_it_leads_further_than_itself(world: World) -> None:
    deployment_id, path = await _shared(world)
    async with browser(world) as client, signed_in(world) as owner:
        for who in (client, owner):
            text = (await who.get(path)).text
            assert {each.partition("?")[0].partition("#")[0] for each in _leads(text)} == {path}
            assert 'method="post"' not in text
            assert deployment_id not in text
            assert "Owner" not in text
        for gone in (f"{path}x", "/shared/unknown"):
            answer = await client.get(gone)
            assert (answer.status_code, _leads(answer.text)) == (404, set())
            assert OVER in answer.text


async def test_nobody_keeps_it_finds_it_or_is_told_where_it_was(world: World) -> None:
    _, path = await _shared(world)
    async with browser(world) as client:
        for each in (path, f"{path}/-/state", f"{path}/-/log", f"{path}x", f"{path}x/-/state"):
            answer = await client.get(each)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, each
        text = (await client.get(path)).text
        assert '<meta name="robots" content="noindex' in text
        assert '<meta name="referrer" content="no-referrer">' in text
        assert not re.search(r'(?:href|src)="(?!/static/|/shared/|#)', text)


async def test_a_part_that_a_script_has_is_not_sent_again(world: World) -> None:
    _, path = await _shared(world)
    async with browser(world) as client:
        first = await client.get(f"{path}/-/steps")
        again = await client.get(f"{path}/-/steps", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-store")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_sent_to_it(world: World, method: str) -> None:
    deployment_id, path = await _shared(world)
    before = await world.get("deployment.one", deploymentId=deployment_id)
    async with signed_in(world) as client:
        for each in (path, f"{path}/cancel", f"{path}/remove", f"{path}/-/state", f"{path}/links"):
            answer = await client.request(method, each, data={"form_token": "0" * 64}, headers=OWN)
            assert answer.status_code in {404, 405}, each
    assert await world.get("deployment.one", deploymentId=deployment_id) == before


@pytest.mark.parametrize("why", ["revoked", "over", "removed"])
async def test_it_is_gone_with_its_link_in_the_same_words(world: World, why: str) -> None:
    deployment_id, path = await _shared(world)
    (link,) = (await world.get("deployment.links", deploymentId=deployment_id))["links"]

    def end(tx: Tx) -> None:
        tx.execute(update(deployment_links).values(ends_at=tx.now))

    if why == "revoked":
        await world.post("deployment.removeLink", deploymentId=deployment_id, linkId=link["linkId"])
    elif why == "over":
        await world.services.db.run(end)
    else:
        await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    async with browser(world) as client:
        gone, never = [await client.get(each) for each in (path, f"/shared/{'x' * 43}")]
        assert gone.status_code == never.status_code == 404
        assert gone.text == never.text
        part = await client.get(f"{path}/-/state")
        assert (part.status_code, part.headers["x-headway-page"]) == (404, "1")


async def test_who_tries_many_is_told_to_wait(world: World) -> None:
    _, path = await _shared(world)
    async with browser(world, "192.0.2.7") as client, browser(world, "192.0.2.8") as other:
        statuses = [(await client.get(f"/shared/none-{number}")).status_code for number in range(31)]
        assert statuses == [404] * 30 + [429]
        refused = await client.get(path)
        assert (refused.status_code, 0 < int(refused.headers["retry-after"]) <= 60) == (429, True)
        assert "Try again in" in refused.text
        assert (await other.get(path)).status_code == 200


async def test_text_from_outside_stays_text_on_it(world: World) -> None:
    deployment_id, path = await _shared(world)
    told = dict.fromkeys(("title", "error_message", "commit_message", "commit_author", "commit_branch"), EVIL)

    def write(tx: Tx) -> None:
        mine = deployments.c.deployment_id == deployment_id
        tx.execute(update(deployments).where(mine).values(**told, commit_hash="c" * 40, triggered_by_name="Annabel"))

    await world.services.db.run(write)
    world.write_log(deployment_id, f"{EVIL}\n")
    async with browser(world) as client:
        answer = await client.get(path)
    assert list(wrongs(answer.content)) == []
    text = answer.text
    assert "Annabel" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 4


async def test_whoever_looks_over_plain_http_is_told_that_others_read_along(world: World) -> None:
    _, path = await _shared(world)
    async with browser(world, "192.0.2.7", "http://192.0.2.1:3000") as client:
        assert "whoever is on the way reads along" in (await client.get(path)).text
    async with browser(world) as client:
        assert "reads along" not in (await client.get(path)).text


async def test_a_link_is_made_shown_once_listed_and_revoked(world: World) -> None:
    deployment_id = await world.ended(await world.application("shop"))
    path = f"/deployments/{deployment_id}/links"
    async with signed_in(world) as client, browser(world) as nobody:
        assert f'href="{path}"' in (await client.get(f"/deployments/{deployment_id}")).text
        assert "Nobody has a link to this deployment." in (await client.get(path)).text
        asked = await client.get(f"{path}/new")
        for told in ("without an account", "masked in the log", "a week"):
            assert told in asked.text, told
        made = await send(client, f"{path}/new", expiresIn="604800")
        assert made.status_code == 200
        found = re.search(r'value="http://127.0.0.1:3000(/shared/[\w-]{43})"', made.text)
        assert found is not None
        assert (await nobody.get(found[1])).status_code == 200
        listed = await client.get(path)
        assert found[1] not in listed.text, "it is shown once"
        assert "opens this deployment" in listed.text
        (link,) = await _links(world)
        assert (link.ends_at - link.created_at).days == 7
        one = f"{path}/{link.link_id}"
        assert f'href="{one}"' in listed.text
        assert f'href="{one}/revoke"' in (await client.get(one)).text
        assert "sees nothing any more" in (await client.get(f"{one}/revoke")).text
        done = await send(client, f"{one}/revoke")
        assert (done.status_code, done.headers["location"]) == (303, path)
        assert "Revoked: the link opens nothing any more." in (await client.get(path)).text
        assert (await nobody.get(found[1])).status_code == 404
        assert (await client.get(one)).status_code == 404
    logs = (await world.get("auditLog.all"))["logs"]
    did = [(each["procedure"], each["credential"]) for each in logs if each["procedure"].endswith("Link")]
    assert did == [("deployment.removeLink", "session"), ("deployment.createLink", "session")]


async def test_a_form_that_is_sent_twice_makes_one_link_and_one_that_is_forged_none(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    path = f"/deployments/{deployment_id}/links/new"
    async with signed_in(world) as client, browser(world) as nobody:
        fields = await _fields(client, path)
        for headers in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
            assert (await client.post(path, data=fields, headers=headers)).status_code == 403
        assert (await client.post(path, data={**fields, "form_token": "0" * 64}, headers=OWN)).status_code == 403
        assert (await nobody.post(path, data=fields, headers=OWN)).status_code == 401
        assert await _links(world) == []
        first, again = [await client.post(path, data=fields, headers=OWN) for _ in range(2)]
        assert first.text == again.text
        assert len(await _links(world)) == 1
        refused = await client.post(path, data={**fields, "once": "1", "expiresIn": "60"}, headers=OWN)
        assert refused.status_code == 422
        assert len(await _links(world)) == 1


async def test_who_may_not_see_the_deployment_is_shown_no_links(world: World) -> None:
    deployment_id, path = await _shared(world)
    (link,) = await _links(world)
    async with signed_in(world, "member") as client, browser(world) as nobody:
        links = f"/deployments/{deployment_id}/links"
        for each in (links, f"{links}/new", f"{links}/{link.link_id}", f"{links}/{link.link_id}/revoke"):
            assert (await client.get(each)).status_code == 404, each
            assert (await nobody.get(each)).status_code == 303, each
        assert (await client.get(path)).status_code == 200, "whoever has the link may read by it"
        cookie = client.cookies[COOKIE]
        assert cookie
        assert cookie not in (await client.get(path)).text


async def _links(world: World) -> list[Any]:
    return await world.services.db.read(lambda tx: list(tx.execute(select(deployment_links)).all()))


async def _fields(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    text = (await client.get(path)).text
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text)
    return {**{name: html.unescape(value) for name, value in hidden}, "expiresIn": "3600"}
