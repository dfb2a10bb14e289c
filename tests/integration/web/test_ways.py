"""No page is a dead end: each link of each page leads somewhere that whoever sees it may open, and errors lead back."""

from __future__ import annotations

import html
import re

import pytest

from tests.integration.http.world import World
from tests.integration.web.browsers import browser, signed_in
from tests.integration.web.test_every_page import _add_viewer, _seeded
from tests.integration.web.test_pages import _addresses, _with_session

_LINK = re.compile(r'<a [^>]*href="(/[^"#]*)')
_OF_OTHERS = ("/api/", "/static/")
_AT_A_FORGE = "/new/provider/{gitProviderId}/{owner}/{repository}"  # whose forms ask a forge, which is none here


@pytest.mark.slow
@pytest.mark.parametrize("person", ["Owner", "viewer"])
async def test_no_link_of_any_page_leads_nowhere(world: World, person: str) -> None:
    ids, _ = await _seeded(world)
    projects = frozenset(each["projectId"] for each in await world.get("project.all"))
    await world.services.db.run(lambda tx: _add_viewer(tx, projects))
    async with signed_in(world, person) as client:
        ways: dict[str, str] = {}
        for name, address in _addresses(await _with_session(world, ids, client)).items():
            answer = await client.get(address)
            if answer.status_code == 200:
                ways |= {html.unescape(href): name for href in _LINK.findall(answer.text)}
        led = {href: name for href, name in ways.items() if not href.startswith(_OF_OTHERS) and name != _AT_A_FORGE}
        assert len(led) > 50
        found = {(name, href): (await client.get(href)).status_code for href, name in led.items()}
    assert {way: status for way, status in found.items() if status not in {200, 303}} == {}


async def test_the_panels_own_address_leads_on_whoever_opens_it(world: World) -> None:
    async with browser(world) as nobody, signed_in(world) as client:
        for who, way in ((nobody, "/sign-in?next=/"), (client, "/home")):
            answer = await who.get("/")
            assert (answer.status_code, answer.headers.get("location")) == (303, way)


async def test_what_is_not_there_leads_back_to_the_list_that_it_would_be_in(world: World) -> None:
    async with signed_in(world) as client:
        for place in ("deployments", "services", "backups", "keys"):
            answer = await client.get(f"/{place}/unknown")
            assert answer.status_code == 404
            assert f'class="button" href="/{place}"' in answer.text
        assert 'class="button" href="/"' in (await client.get("/elsewhere")).text
