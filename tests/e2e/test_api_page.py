"""The page to browse the API with, in a real browser: wide and narrow, light and dark, searched and tried out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headway.http.api_page.page import curl
from headway.http.openapi_texts import Field
from tests.support.panel.browser import chromium
from tests.support.panel.panel import KEY, Panel, panel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=str)
def page(running: Panel, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda sent: asked.append(sent.url))
    opened.goto(f"http://127.0.0.1:{running.port}/api/docs")
    yield opened
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert [text for text in said if "401" not in text] == []
    assert [url for url in asked if not url.startswith((f"http://127.0.0.1:{running.port}/", "data:,"))] == []
    opened.close()


def test_a_search_leaves_what_has_all_its_words(page: Page) -> None:
    page.fill("#search", "readlogs deployment")
    assert page.locator(".procedure:visible").evaluate_all("found => found.map(each => each.id)") == [
        "deployment.readLogs-"
    ]

    page.fill("#search", "no such thing")
    assert page.locator(".procedure:visible").count() == 0
    page.click("#clear")
    assert page.locator(".procedure:visible").count() == page.locator(".procedure").count()


def test_a_procedure_is_tried_with_a_key_that_is_nowhere_kept(page: Page) -> None:
    tried = page.locator("[id='project.create-']")
    tried.locator("summary").click()
    tried.locator("button[type=submit]").click()
    assert "Enter an API key" in tried.locator(".outcome").inner_text()

    page.fill("#key", KEY)
    tried.locator("textarea").fill('{"name": "made on the page"}')
    tried.locator("button[type=submit]").click()
    tried.locator(".outcome.good").wait_for()
    assert '"name": "made on the page"' in tried.locator(".output").inner_text()

    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    page.reload()
    assert page.input_value("#key") == ""


def test_a_refusal_is_shown_as_one(page: Page) -> None:
    page.fill("#key", "not a key of anybody")
    tried = page.locator("[id='user.get-']")
    tried.locator("summary").click()
    tried.locator("button[type=submit]").click()
    tried.locator(".outcome.bad").wait_for()
    assert tried.locator(".outcome").inner_text().startswith("401")


def test_an_address_opens_what_it_names(page: Page, running: Panel) -> None:
    page.goto(f"http://127.0.0.1:{running.port}/api/docs#deployment.one")
    assert page.locator("[id='deployment.one-'] .try").is_visible()


def test_the_text_keeps_its_contrast(page: Page) -> None:
    """At least 4.5 to 1 (WCAG AA) for text and for what is dimmed."""
    for selector in ("h1", ".summary >> nth=0", ".method.get >> nth=0", ".method.post >> nth=0", "nav a >> nth=0"):
        text = _rgb(page.locator(selector).evaluate("each => getComputedStyle(each).color"))
        back = _rgb(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        light, dark = sorted((_luminance(text), _luminance(back)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, selector


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_an_example_works_as_it_stands(running: Panel, tmp_path: Path) -> None:
    command = curl("project.create", "post", [Field(name="name", schema={"type": "string"}, required=True)])
    env = {"HEADWAY_URL": f"http://127.0.0.1:{running.port}", "HEADWAY_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=True, timeout=30)
    assert '"name":"NAME"' in ended.stdout


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = text.removeprefix("rgb(").removesuffix(")").split(",")[:3]
    return int(red), int(green), int(blue)


def _luminance(colour: tuple[int, int, int]) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
