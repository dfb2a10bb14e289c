"""The path from an empty panel to a service that answers, in a real browser with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.panel.browser import CHROMIUM, NAME, PASSWORD, chromium, opened
from tests.support.panel.panel import Panel, git_repository, panel, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path / "data", HEADWAY_CONCURRENCY="2") as started:
        yield started


@pytest.fixture
def browser(running: Panel) -> Iterator[Browser]:
    del running  # which is ended after the browser, whose loop is in its way
    with chromium() as launched:
        yield launched


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_an_empty_panel_to_a_service_that_answers(
    running: Panel, browser: Browser, tmp_path: Path, *, scripts: bool
) -> None:
    url = git_repository(tmp_path / "shop", web("one"))
    link = next(line.rpartition(" ")[2] for line in running.log().splitlines() if line.startswith("To sign in, open"))
    with opened(running, browser, scripts=scripts) as page:
        page.goto(link)
        page.get_by_label("Name to sign in with").fill(NAME)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Set the password and sign in").click()
        page.wait_for_url("**/home")
        page.get_by_role("link", name="Deploy something").click()
        page.get_by_role("link", name="A git repository").click()
        page.get_by_label("Address of the repository").fill(url)
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("**/new/services/*")
        _see(page, "python3 app.py")
        page.get_by_label("Health path").fill("/")
        page.get_by_role("button", name="Save and look again").click()
        page.get_by_text("Saved, and looked at again.").wait_for()
        assert page.get_by_label("Health path").input_value() == "/"
        page.get_by_role("button", name="Deploy").click()
        page.wait_for_url("**/deployments/*")
        running.done(page.url.rpartition("/")[2], 60)

        (project,) = running.get("project.all")
        (row,) = project["environments"][0]["applications"]
        assert (project["name"], row["name"]) == ("default", "shop")
        host = urlsplit(running.get("application.one", applicationId=row["applicationId"])["address"]).hostname or ""
        assert running.visit(host.removesuffix(".localhost")).text == "one"
        page.goto("/services")
        page.get_by_role("link", name="shop", exact=True).click()
        page.locator("main").get_by_text("serves", exact=True).first.wait_for()

        if scripts:
            page.keyboard.press("?")
            page.get_by_role("dialog", name="Keys").wait_for()
            page.keyboard.press("Escape")
            page.keyboard.press("g")
            page.keyboard.press("p")
            page.wait_for_url("**/projects")
        page.get_by_role("navigation", name="Main").get_by_text("Settings", exact=True).click()
        page.get_by_role("navigation").get_by_role("link", name="SSH keys").click()
        page.wait_for_url("**/ssh-keys")


def _see(page: Page, text: str) -> None:
    """What was detected, which is looked for while the page is there; without scripts the page is asked for anew."""
    for _ in range(60):
        if text in page.locator("main").inner_text():
            return
        again = page.get_by_role("link", name="See what was found by now")
        if again.is_visible():
            again.click()
        page.wait_for_timeout(500)
    raise AssertionError(f"{text} is not told")
