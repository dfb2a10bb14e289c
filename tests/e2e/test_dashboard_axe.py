"""The pages that people see most, looked through by axe-core in light and dark (WCAG 2.2 AA).

All of them are in tests/proofs/test_dashboard_screens.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.axe import axe_source, violations
from tests.support.panel.browser import CHROMIUM, chromium, opened, session_of
from tests.support.panel.inventory import inventory
from tests.support.panel.panel import Panel, panel
from tests.support.panel.past import add_past

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
ADDRESSES = (
    *("/home", "/deployments", "/services", "/projects", "/new", "/new/git", "/servers", "/account", "/settings"),
    "/palette",
    *("/deployments/{done}", "/deployments/{failed}", "/deployments/{done}/remove", "/deployments/links"),
    *("/services/{service}", "/services/{service}/variables", "/services/{service}/domains"),
    *("/services/{service}/settings", "/services/{service}/deploy-application"),
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path_factory.mktemp("axe") / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Panel) -> Iterator[Browser]:
    del running  # which is ended after the browser
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest) -> str:
    assert request.config.cache is not None
    return axe_source(request.config.cache)


def looked_through(page: Page, source: str) -> list[str]:
    """What a page has against it, in light and dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {each}" for each in violations(page, source)]
    return found


def test_nothing_keeps_anybody_from_using_the_main_pages(
    running: Panel, browser: Browser, source: str, tmp_path: Path
) -> None:
    found: dict[str, list[str]] = {}
    with opened(running, browser, still=True) as page:
        page.goto("/sign-in")
        found["/sign-in"] = looked_through(page, source)
    with inventory(running, tmp_path) as made:
        made.begin()
    ids = {**add_past(running, made.places), "service": made.application_id}
    with opened(running, browser, session_of(running), still=True) as page:
        for each in ADDRESSES:
            answer = page.goto(each.format(**ids))
            assert answer is not None
            assert answer.status == 200, each
            found[each] = looked_through(page, source)
    assert {name: each for name, each in found.items() if each} == {}


def test_it_sees_what_would(running: Panel, browser: Browser, source: str) -> None:
    with opened(running, browser, still=True) as page:
        page.goto("/sign-in")
        page.evaluate("document.querySelectorAll('label').forEach((each) => each.remove())")
        page.evaluate("document.querySelector('button').style.setProperty('color', '#999')")
        found = {each.partition(":")[0] for each in violations(page, source)}
    assert found >= {"label", "color-contrast"}
