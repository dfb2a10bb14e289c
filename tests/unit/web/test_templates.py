"""What every page is made of: nothing in a template that a page must not have, nothing named that there is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import headway
from headway.pages.pictures import Mark, drawn
from headway.pages.words import FILTERS, STATES
from headway.web.frame import NOBODY, PLACES

SOURCE = Path(headway.__file__).parent
STATIC = SOURCE / "web/static"
TEMPLATES = sorted(SOURCE.rglob("*.html"))
MACROS = sorted((SOURCE / "web/templates/macros").glob("*.html"))
ICONS = frozenset(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text()))

FORBIDDEN = (
    r"\|\s*safe\b",
    r"\bMarkup\b",
    r"\bautoescape\b",
    r"\sstyle\s*=",
    r"\son[a-z]+\s*=",
    r"<style\b",
    r"<script\b(?![^>]*\ssrc=)",
    r"<iframe\b|<object\b|<embed\b|<base\b",
    r"javascript:",
    r"""(?:src|href|action)\s*=\s*["']?https?:""",
)
EVIL = "<img src=x onerror=alert(1)>\"'>{{ 7*7 }}</title><script>alert(1)</script>"

named = pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(SOURCE).as_posix())


@named
def test_a_template_has_nothing_that_a_page_must_not_have(template: Path) -> None:
    assert [each for each in FORBIDDEN if re.search(each, _without_comments(template))] == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ x|safe }}",
        "{{ x | safe }}",
        '<p style="color:red">',
        '<p onclick="x()">',
        "<script>x()</script>",
        "<style>p{}</style>",
        '<a href="javascript:x()">',
        '<img src="https://elsewhere.example/x.png">',
        "{% autoescape false %}",
    ],
)
def test_what_a_page_must_not_have_is_recognised(text: str) -> None:
    assert any(re.search(each, text) for each in FORBIDDEN)


@named
def test_every_file_and_picture_that_a_template_names_is_there(template: Path) -> None:
    text = _without_comments(template)
    files = set(re.findall(r"""static\(["']([^"']+)["']\)""", text))
    pictures = set(re.findall(r"""\b(?:icon|picture)\(["']([\w-]+)["']""", text))
    pictures |= set(re.findall(r""""icon":\s*"([\w-]+)\"""", text))
    assert {each for each in files if not (STATIC / each).is_file()} == set()
    assert pictures - ICONS == set()


def test_every_picture_that_pages_name_is_there() -> None:
    modules = [*SOURCE.glob("features/*/pages/*.py"), *SOURCE.glob("web/*.py"), *SOURCE.glob("pages/*.py")]
    text = "".join(module.read_text() for module in modules)
    named = set(re.findall(r"""icon["']?\s*[=:]\s*["']([\w-]+)["']""", text))
    assert "loader" in named
    assert named - ICONS == set()


def test_every_state_has_its_picture_and_colour() -> None:
    styles = (STATIC / "headway.css").read_text()
    assert {each.icon for each in STATES.values()} - ICONS == set()
    assert {each.tone for each in STATES.values() if f".tone-{each.tone} {{" not in styles} == set()


@pytest.mark.parametrize("template", MACROS, ids=lambda path: path.stem)
def test_every_macro_is_told_of_at_the_head_of_its_file(template: Path) -> None:
    text = template.read_text()
    head, _, rest = text.partition("-#}")
    macros = dict(re.findall(r"\{%-? macro ([a-z]\w*)\(([^)]*(?:\([^)]*\)[^)]*)*)\)", rest))
    told = {name: given for name, given in macros.items() if f"{name}({given})" in head}
    assert told == macros
    assert macros


def test_text_from_outside_stays_text() -> None:
    """In whatever macro it stands: no element and no attribute comes of it."""
    html = _rendered(
        """
        {% from "web/templates/macros/deployment.html" import deployments, ended, waits, steps %}
        {% from "web/templates/macros/page.html" import heading, part, actions, crumbs %}
        {% from "web/templates/macros/table.html" import chips, empty, facts, fact %}
        {% from "web/templates/macros/strip.html" import deployment_strip %}
        {% from "web/templates/macros/picture.html" import picture %}
        {% from "web/templates/macros/message.html" import problem, note, flash %}
        {% from "web/templates/macros/form.html" import field, area, choice, check, search_field %}
        {% from "web/templates/macros/text.html" import name, code, outside, commit %}
        {% from "web/templates/macros/state.html" import state, unknown %}
        {% from "web/templates/macros/log.html" import log_block %}
        {{ deployments([row], label=evil) }}{{ ended(row) }}{{ waits(row) }}{{ steps([step], failed=evil) }}
        {{ heading(evil, above=evil, href="/x") }}{{ actions([{"label": evil, "href": "/x"}]) }}
        {{ crumbs([{"label": evil, "href": "/x"}]) }}{% call part("p", "/x", title=evil) %}{{ evil }}{% endcall %}
        {{ chips([{"label": evil, "value": evil, "href": "/x"}]) }}{{ empty(evil, evil) }}
        {{ deployment_strip([dict(row, durationMs=1)], evil) }}
        {{ picture(marked, evil, evil, evil, evil) }}
        {{ problem(evil, evil, evil) }}{{ note(evil) }}{{ flash({"text": evil, "good": True}) }}
        {{ field("a", evil, evil, "text", evil, evil) }}{{ area("b", evil, evil) }}{{ check("c", evil) }}
        {{ choice("d", evil, [evil], evil, any=evil) }}{{ search_field("e", evil, evil) }}
        {{ name(evil) }}{{ code(evil) }}{{ outside(evil) }}{{ outside("javascript:alert(1)", evil) }}
        {{ state(evil, word=evil, why=evil) }}{{ unknown("2026-11-29T12:00:00Z", evil) }}
        {{ log_block([{"n": 1, "runs": [[evil, evil]]}]) }}
        """
    )
    found = _Elements()
    found.feed(html)
    assert found.names & {"img", "script", "style", "iframe"} == set()
    assert {each for each in found.attributes if each.startswith("on") or each == "style"} == set()
    assert {each for each in found.links if not each.startswith(("/", "#"))} == set()
    assert "{{ 7*7 }}" in html, "it is no template"


def _rendered(source: str) -> str:
    environment = Environment(loader=FileSystemLoader(SOURCE), autoescape=True, undefined=StrictUndefined)
    environment.filters.update(FILTERS)
    environment.globals["static"] = lambda name: f"/static/{name}"
    row: Mapping[str, object] = {
        **dict.fromkeys(("compose", "database", "outOfReachSince", "killRequestedAt", "finishedAt", "startedAt")),
        "deploymentId": "d1",
        "title": EVIL,
        "status": "pending",
        "reason": None,
        "createdAt": "2026-11-29T12:00:00.000Z",
        "trigger": "api",
        "triggeredBy": {"name": EVIL, "apiKeyName": EVIL},
        "commit": {"hash": EVIL, "message": EVIL, "branch": EVIL, "author": EVIL},
        "waitsFor": {"what": "deployment", "deploymentId": "d0", "message": EVIL},
        "queuePosition": 2,
        "errorMessage": EVIL,
        "unstable": False,
        "application": {
            "applicationId": "a1",
            "name": EVIL,
            "environment": {"name": EVIL, "project": {"name": EVIL}},
        },
    }
    step = {"name": EVIL, "startedAt": "2026-11-29T12:00:00Z", "finishedAt": None, "durationMs": None, "logOffset": 0}
    marked = drawn("busy", [1, None, 2], marks=[Mark(x="1", title=EVIL, href="/x")])
    return environment.from_string(source).render(evil=EVIL, row=row, step=step, marked=marked)


def _without_comments(template: Path) -> str:
    return re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names = set[str]()
        self.attributes = set[str]()
        self.links = set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in {"href", "src", "action"}}


def test_each_place_of_the_frame_has_a_picture_and_a_key_of_its_own() -> None:
    values: Any = NOBODY.values(PLACES, ())
    places = [*values["navigation"], values["navigation_new"]]
    places += [each for group in values["navigation_groups"] for each in group["places"]]
    assert {each["href"] for each in places} == PLACES
    assert {each["icon"] for each in places} - ICONS == set()
    letters = [each["letter"] for each in places if each["letter"]]
    assert len(letters) > 5
    assert sorted(set(letters)) == sorted(letters)


def test_the_frame_shows_the_way_to_what_is_offered_alone() -> None:
    values: Any = NOBODY.values({"/home", "/disk"}, ())
    assert [each["href"] for each in values["navigation"]] == ["/home"]
    assert [group["label"] for group in values["navigation_groups"]] == ["Machine"]
    assert (values["navigation_further"], values["navigation_new"]) == ([], None)
