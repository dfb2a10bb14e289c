"""The page to browse the API with: for everybody, of this panel's own making, with nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from headway.core.access.model import Role
from headway.http.api_page.page import curl, example
from headway.http.openapi_texts import Field
from tests.integration.http.world import World
from tests.support.panel.permissions import PERMISSIONS

PAGE = "http://headway.test/api/docs"
FILES = ("", "/page.css", "/page.js")
IN_ONE_WORLD = pytest.mark.asyncio(loop_scope="module")  # the page is made once for each


class Found(HTMLParser):
    """The ids of a page, and every address that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"src", "href", "action"}:
                self.addresses.append(value or "")
            if name.startswith("on") or name == "style" or tag == "style":
                self.inline.append(name)


@IN_ONE_WORLD
async def test_it_is_there_for_everybody_and_tells_every_procedure(one_world: World) -> None:
    answer = await one_world.nobody.get(PAGE)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {id_.removesuffix("-") for id_ in Found(answer.text).ids if id_.endswith("-")} == {*PERMISSIONS}


@IN_ONE_WORLD
async def test_what_takes_no_key_is_told_so(one_world: World) -> None:
    text = (await one_world.nobody.get(PAGE)).text
    forms = re.findall(r'<form class="try" data-name="([^"]+)" data-method="[A-Z]+" data-keyless="yes">', text)
    assert sorted(forms) == sorted(name for name, rule in PERMISSIONS.items() if rule.least is Role.GUEST)
    assert text.count("For everybody, without a key.") == len(forms)


@IN_ONE_WORLD
async def test_it_says_nothing_of_this_panel(one_world: World) -> None:
    await one_world.application("secret-shop")
    answer = await one_world.nobody.get(PAGE)
    described = await one_world.get("settings.getOpenApiDocument")

    assert "secret-shop" not in answer.text
    assert described["info"]["version"] not in answer.text


@IN_ONE_WORLD
async def test_it_loads_nothing_from_elsewhere_and_may_not(one_world: World) -> None:
    for name in FILES:
        answer = await one_world.nobody.get(f"{PAGE}{name}")
        policy = answer.headers["content-security-policy"]
        assert answer.status_code == 200
        assert "default-src 'none'" in policy
        assert not re.search(r"https?:|\*|unsafe", policy)
        assert not re.search(r"(?:https?:)?//[a-z]", answer.text)
    found = Found((await one_world.nobody.get(PAGE)).text)
    assert [each for each in found.addresses if not each.startswith(("#", "/api/docs/", "data:,"))] == []
    assert found.inline == [], "the policy would not let it act"


@IN_ONE_WORLD
async def test_every_link_leads_somewhere_and_every_id_is_there_once(one_world: World) -> None:
    found = Found((await one_world.nobody.get(PAGE)).text)
    assert len(found.ids) == len(set(found.ids))
    assert {each.removeprefix("#") for each in found.addresses if each.startswith("#")} <= set(found.ids)


@IN_ONE_WORLD
async def test_who_has_it_already_is_not_sent_it_again(one_world: World) -> None:
    etag = (await one_world.nobody.get(PAGE)).headers["etag"]
    assert (await one_world.nobody.get(PAGE, headers={"if-none-match": etag})).status_code == 304


@IN_ONE_WORLD
async def test_nothing_can_be_written_there_and_nothing_else_lies_beside_it(one_world: World) -> None:
    assert (await one_world.nobody.post(PAGE)).status_code == 404
    assert (await one_world.nobody.get(f"{PAGE}/page.py")).status_code == 401


def field(name: str, *, required: bool = True, **schema: object) -> Field:
    return Field(name=name, schema=schema, required=required)


def test_a_query_as_a_command() -> None:
    fields = [field("applicationId", type="string"), field("tail", required=False, type="integer")]
    assert curl("deployment.all", "get", fields) == (
        'curl -sS -H "x-api-key: $HEADWAY_API_KEY" \\\n  "$HEADWAY_URL/api/deployment.all?applicationId=APPLICATION_ID"'
    )


def test_a_mutation_as_a_command() -> None:
    assert curl("project.create", "post", [field("name", type="string")]) == (
        "curl -sS -H \"x-api-key: $HEADWAY_API_KEY\" -H 'content-type: application/json' \\\n"
        '  -d \'{"name": "NAME"}\' \\\n  "$HEADWAY_URL/api/project.create"'
    )


def test_an_example_is_of_the_kind_that_the_field_takes() -> None:
    assert example(field("type", enum=["one", "two"])) == "one"
    assert example(field("limit", anyOf=[{"type": "integer", "minimum": 3}, {"type": "null"}])) == 3
    assert example(field("names", type="array")) == []
    assert example(field("sourceType", type="string")) == "SOURCE_TYPE"
