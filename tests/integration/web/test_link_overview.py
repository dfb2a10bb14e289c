"""The page of the links to all deployments: what it shows to whom, and how links are revoked from it."""

from __future__ import annotations

import html
import re
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import select, update

from headway.features.deployments.pages import link_overview
from headway.features.deployments.pages.link_list import ALL_LINKS_PATH
from headway.features.deployments.pages.link_overview import MOST
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import services
from headway.pages.words import utc
from tests.integration.http.test_deployment_links import linked
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, send, signed_in
from tests.integration.web.shown import wrongs
from tests.integration.web.test_several_deployments import _told

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202egnp'
GONE = "Revoked: it opens nothing any more."


async def _link(world: World, title: str = "Prices", service: str = "shop") -> tuple[str, str]:
    """The ids of a deployment and of a link to it."""
    deployment_id = await world.deploy(await world.application(service), title=title)
    return deployment_id, (await linked(world, deployment_id))["linkId"]


def _revoke(*pairs: tuple[str, str], back: str = "") -> str:
    """What a browser asks for when these are chosen and the button is pressed."""
    chosen = [(f"row-{deployment_id}.{link_id}", "on") for deployment_id, link_id in pairs]
    return f"{ALL_LINKS_PATH}/revoke?{urlencode([*([('back', back)] if back else []), *chosen])}"


def _alone(deployment_id: str, link_id: str, back: str) -> str:
    return f"/deployments/{deployment_id}/links/{link_id}/revoke?back={quote(back, safe='')}"


async def _left(world: World) -> set[str]:
    rows = await world.services.db.read(lambda tx: tx.execute(select(deployment_links.c.link_id)).all())
    return {row.link_id for row in rows}


async def test_each_link_stands_with_its_deployment_service_maker_and_times(world: World) -> None:
    deployment_id, link_id = await _link(world)
    ((row),) = (await world.get("deployment.allLinks"))["links"]
    async with signed_in(world) as client:
        page = (await client.get(ALL_LINKS_PATH)).text
        for told in (
            f'href="/deployments/{deployment_id}"',
            "Prices",
            f'href="/services/{row["serviceId"]}"',
            row["environment"]["project"]["name"],
            "Owner",
            utc(row["createdAt"]),
            utc(row["endsAt"]),
            f'name="row-{deployment_id}.{link_id}" form="several"',
            f'href="{_alone(deployment_id, link_id, ALL_LINKS_PATH)}"',
        ):
            assert told in page, told
        assert "opens nothing now" not in page
        for listed in ("/deployments", f"/deployments/{deployment_id}/links"):
            assert f'href="{ALL_LINKS_PATH}"' in (await client.get(listed)).text, listed


async def test_where_there_is_none_it_is_said_how_one_is_made(world: World) -> None:
    async with signed_in(world) as client:
        page = (await client.get(ALL_LINKS_PATH)).text
    assert "Nobody has a link to a deployment." in page
    assert 'id="several"' not in page


async def test_one_that_is_revoked_from_there_leads_back_there(world: World) -> None:
    deployment_id, link_id = await _link(world)
    _, kept = await _link(world, service="blog")
    back = f"{ALL_LINKS_PATH}?text=shop"
    async with signed_in(world) as client:
        found = re.findall(r'href="([^"]*/revoke[^"]*)"', (await client.get(back)).text)
        path = _alone(deployment_id, link_id, back)
        assert [html.unescape(each) for each in found] == [path]
        assert f'href="{back}">Leave it as it is' in (await client.get(path)).text
        done = await send(client, path)
        assert (done.status_code, done.headers["location"]) == (303, back)
        assert "Revoked: the link opens nothing any more." in (await client.get(back)).text
        assert await _left(world) == {kept}


@pytest.mark.parametrize(
    "foreign", ["https://elsewhere.example/", "//elsewhere.example/deployments", "/nowhere", "javascript:x", "/\\x", ""]
)
async def test_it_leads_to_no_place_that_is_not_ours(world: World, foreign: str) -> None:
    deployment_id, link_id = await _link(world)
    path = _alone(deployment_id, link_id, foreign)
    async with signed_in(world) as client:
        assert "elsewhere" not in (await client.get(path)).text
        done = await client.post(path, data=await fields_of(client, path.partition("?")[0]), headers=OWN)
        assert (done.status_code, done.headers["location"]) == (303, f"/deployments/{deployment_id}/links")


async def test_other_forms_lead_nowhere_else_by_their_address(world: World) -> None:
    deployment_id, _ = await _link(world)
    path = f"/deployments/{deployment_id}/cancel"
    async with signed_in(world) as client:
        done = await client.post(f"{path}?back=/services", data=await fields_of(client, path), headers=OWN)
    assert (done.status_code, done.headers["location"]) == (303, f"/deployments/{deployment_id}")


async def test_several_are_revoked_each_by_itself_and_told_by_itself(world: World) -> None:
    first, second, kept = await _link(world, "Prices"), await _link(world, "Taxes", "blog"), await _link(world)
    crossed = (first[0], second[1])
    path = _revoke(first, second, crossed, ("gone", "away"), back=f"{ALL_LINKS_PATH}?text=x")
    async with signed_in(world) as client:
        question = (await client.get(path)).text
        assert "Revoke 4 links?" in question
        assert 'Taxes</bdi></a> <span class="dim">made by Owner, until' in question
        assert 'away</bdi></span> <span class="dim">it is not there any more</span>' in question
        fields = await fields_of(client, path)
        done = await client.post(path, data=fields, headers=OWN)
        assert done.status_code == 200
        assert "2 done, 2 not." in done.text
        assert f'href="{ALL_LINKS_PATH}?text=x">Go back' in done.text
        no_link, no_deployment = ("not done", "Link not found"), ("not done", "Deployment not found")
        assert _told(done.text) == [("done", GONE), ("done", GONE), no_link, no_deployment]
        again = await client.post(path, data=fields, headers=OWN)
        assert [each for each, _ in _told(again.text)] == ["not done"] * 4
    assert await _left(world) == {kept[1]}
    logs = (await world.get("auditLog.all"))["logs"]
    assert [each["credential"] for each in logs if each["procedure"] == "deployment.removeLink"] == ["session"] * 2


@pytest.mark.parametrize(
    ("number", "said"), [(0, "Choose them in the list first."), (MOST + 1, f"At most {MOST} at once: {MOST + 1} are")]
)
async def test_nothing_is_done_to_none_and_to_too_many(world: World, number: int, said: str) -> None:
    path = _revoke(*((f"deployment{each}", "link") for each in range(number)))
    async with signed_in(world) as client:
        question = await client.get(path)
        assert said in question.text
        assert "button-danger" not in question.text
        assert (await client.post(path, data=await fields_of(client, path), headers=OWN)).status_code == 422
        text = (await client.get(f"{ALL_LINKS_PATH}/revoke?row-<script>=on&row-../x.y=on&row-onlyone=on")).text
        assert "Choose them in the list first." in text


async def test_they_are_revoked_from_our_own_pages_and_by_who_sees_them(world: World) -> None:
    pair = await _link(world)
    path = _revoke(pair)
    for person in ("member", "stranger"):
        async with signed_in(world, person) as client:
            assert pair[1] not in (await client.get(ALL_LINKS_PATH)).text, person
            question = (await client.get(path)).text
            assert "Prices" not in question, person
            done = await client.post(path, data=await fields_of(client, path), headers=OWN)
            assert _told(done.text) == [("not done", "Deployment not found")], person
    async with signed_in(world) as client:
        fields = await fields_of(client, path)
        for headers in ({}, {"origin": "https://elsewhere.example"}, {**OWN, "sec-fetch-site": "cross-site"}):
            assert (await client.post(path, data=fields, headers=headers)).status_code == 403
        assert (await client.post(path, data={**fields, "form_token": "x"}, headers=OWN)).status_code == 403
    assert await _left(world) == {pair[1]}


async def test_the_list_is_looked_through_and_goes_on_where_there_are_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_overview, "ROWS", 2)
    for title in ("Prices", "Taxes", "Shoes"):
        await _link(world, title, f"service-of-{title}")
    async with signed_in(world) as client:

        async def titles(path: str) -> set[str]:
            return {
                each for each in ("Prices", "Taxes", "Shoes") if f"{each}</bdi></a>" in (await client.get(path)).text
            }

        first = (await client.get(ALL_LINKS_PATH)).text
        assert await titles(ALL_LINKS_PATH) == {"Taxes", "Shoes"}
        (older,) = re.findall(r'rel="next" href="([^"]*)"', first)
        assert await titles(html.unescape(older)) == {"Prices"}
        assert await titles(f"{ALL_LINKS_PATH}?text=TAXES") == {"Taxes"}
        assert await titles(f"{ALL_LINKS_PATH}?text=service-of-shoes+owner") == {"Shoes"}
        assert "No link is like that." in (await client.get(f"{ALL_LINKS_PATH}?text=nothing")).text


async def test_texts_from_outside_are_texts(world: World) -> None:
    deployment_id, link_id = await _link(world)
    async with signed_in(world) as client:
        await world.services.db.run(
            lambda tx: [
                tx.execute(update(deployments).values(title=EVIL)),
                tx.execute(update(services).values(name=EVIL)),
            ]
        )
        for path in (
            ALL_LINKS_PATH,
            f"{ALL_LINKS_PATH}?{urlencode({'text': EVIL})}",
            _revoke((deployment_id, link_id)),
        ):
            answer = await client.get(path)
            assert "&lt;script&gt;" in answer.text, path
            assert list(wrongs(answer.content)) == [], path
