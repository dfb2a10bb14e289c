"""An open page in a real browser is told what changes: without a reload, and over a panel that is started anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.support.applications.kept import open_folder
from tests.support.panel.browser import CHROMIUM, chromium
from tests.support.panel.panel import Panel, git_repository, panel, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
SOON = 8_000  # milliseconds; nobody looks by themselves at what has ended before a minute is over


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path_factory.mktemp("live") / "data", HEADWAY_CONCURRENCY="1") as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Panel) -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def first_session(running: Panel, browser: Browser) -> str:
    link = re.search(r"^To sign in, open within an hour, once: (\S+)$", running.log(), re.MULTILINE)
    assert link is not None, running.log()
    with opened(running, browser) as page:
        page.goto(link[1])
        page.get_by_label("Name to sign in with").fill("owner")
        page.get_by_label("Password", exact=True).fill("a long enough password")
        page.get_by_role("button", name="Set the password and sign in").click()
        page.wait_for_url("**/home")
        return cookie_of(page, running)


@contextmanager
def opened(running: Panel, browser: Browser, cookie: str | None = None) -> Iterator[Page]:
    """A page of a browser of its own."""
    url = f"http://127.0.0.1:{running.port}"
    context = browser.new_context(base_url=url)
    if cookie is not None:
        context.add_cookies([{"name": f"headway-{running.port}", "value": cookie, "url": url}])
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
        assert said == []
    finally:
        context.close()


def cookie_of(page: Page, running: Panel) -> str:
    (cookie,) = [each for each in page.context.cookies() if each.get("name") == f"headway-{running.port}"]
    return str(cookie.get("value"))


def shown(page: Page, path: str) -> None:
    """Opens a page, and returns once it is told what changes and has looked at all of its parts."""
    pulled: list[str] = []
    page.on("response", lambda answer: pulled.append(answer.url) if "/-/" in answer.url else None)
    with page.expect_response(lambda answer: "/live?" in answer.url) as live:
        page.goto(path)
    assert live.value.status == 200
    parts = page.locator("[data-pull]").count()
    assert parts
    while len(set(pulled)) < parts:
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)


def ended(running: Panel, name: str) -> tuple[str, str]:
    """An application and a deployment of it that has ended at once: it has no source."""
    environment_id = running.post("project.create", name=name)["environment"]["environmentId"]
    application_id = running.post("application.create", name=name, environmentId=environment_id)["applicationId"]
    deployment_id = running.deploy(application_id, title=f"of {name}")
    running.ended(deployment_id)
    return application_id, deployment_id


def without_a_line(route: Route) -> None:
    """The log that was asked for, as if it had ended before anything was written."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "rows": [], "total": 0, "ended": True})


def test_what_changes_is_shown_without_a_reload(running: Panel, browser: Browser, first_session: str) -> None:
    application_id, deployment_id = ended(running, "before")
    with opened(running, browser, first_session) as page:
        shown(page, "/services")
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        field = page.get_by_role("searchbox").or_(page.get_by_role("textbox")).first
        field.fill("e")
        row = page.locator(f'[data-part] a[href="/services/{application_id}"]').first
        row.focus()
        running.post("application.update", applicationId=application_id, name="afterwards")
        page.locator("[data-part]").get_by_text("afterwards").first.wait_for(timeout=SOON)
        assert page.locator("[data-part] a:focus", has_text="afterwards").count() == 1, "who is at a link stays there"
        assert field.input_value() == "e"

        shown(page, f"/deployments/{deployment_id}")
        loads.clear()
        running.post("deployment.removeDeployment", deploymentId=deployment_id)
        page.get_by_text("This was removed.").first.wait_for(timeout=SOON)
        assert loads == []


def test_a_status_is_another_as_soon_as_it_is(
    running: Panel, browser: Browser, first_session: str, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "repository", web("one"))
    with open_folder() as folder, opened(running, browser, first_session) as page:
        build = f"echo building; until [ -e {folder}/go ]; do sleep 0.05; done"
        first = running.deploy(running.application(url, "first", buildCommand=build))
        running.running(first, "building\n")
        waiting = running.deploy(running.application(url, "second", buildCommand="true"))
        shown(page, f"/deployments/{waiting}")
        main = page.locator("main")
        assert main.get_by_text("pending", exact=True).count() >= 1
        page.route("**/-/*", lambda route: route.continue_())
        running.post("deployment.cancel", deploymentId=waiting)
        main.get_by_text("cancelled", exact=True).first.wait_for(timeout=2_500)  # sooner than who looks each 3 s
        third = running.deploy(running.application(url, "third", buildCommand="true"))
        page.route("**/api/deployment.lines?*", without_a_line)
        shown(page, f"/deployments/{third}")
        main.get_by_text("Nothing was written.", exact=True).wait_for(timeout=SOON)
        assert page.locator("#part-facts").get_by_text("Commit").count() == 0
        running.post("deployment.killProcess", deploymentId=first)
        page.locator("#part-facts").get_by_text("Commit", exact=True).wait_for(timeout=30_000)
        page.get_by_role("heading", level=1, name="first commit").wait_for(timeout=SOON)
        assert page.title() == "first commit, third · Headway"


def test_many_tabs_leave_room_to_load_another(running: Panel, browser: Browser, first_session: str) -> None:
    """A browser opens six connections to a panel that speaks HTTP/1.1, and each tab is told what changes."""
    application_id, _ = ended(running, "of many")
    with opened(running, browser, first_session) as page:
        tabs = [page, *(page.context.new_page() for _ in range(7))]
        for tab in tabs:
            tab.goto("/services", timeout=SOON)
        running.post("application.update", applicationId=application_id, name="seen in all")
        for tab in tabs:
            tab.locator("[data-part]").get_by_text("seen in all").first.wait_for(timeout=SOON)


def test_a_browser_that_keeps_nothing_is_told_too(running: Panel, browser: Browser, first_session: str) -> None:
    ended(running, "unkept")
    with opened(running, browser, first_session) as page:
        page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
        )
        shown(page, "/services")
        page.keyboard.press("?")
        page.get_by_role("dialog", name="Keys").wait_for(timeout=SOON)


def test_the_palette_leads_where_is_typed(running: Panel, browser: Browser, first_session: str) -> None:
    application_id, deployment_id = ended(running, "found by its name")
    with opened(running, browser, first_session) as page:
        page.goto(f"/deployments/{deployment_id}")
        page.keyboard.press("Control+k")
        palette = page.get_by_role("dialog", name="Go to")
        page.keyboard.type("by its name")
        palette.get_by_role("link", name="Deploy found by its name").wait_for(timeout=SOON)
        palette.get_by_role("link", name="Backups").wait_for(
            state="hidden", timeout=SOON
        )  # which the first letters find
        page.keyboard.press("ArrowDown")
        assert palette.locator("a:focus").get_attribute("href") == f"/services/{application_id}"
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Control+a")
        page.keyboard.type("deploy found")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/services/{application_id}/deploy-application", timeout=SOON)
        page.get_by_role("link", name="Go to").click()
        palette.wait_for(timeout=SOON)
        page.keyboard.press("Escape")
        palette.wait_for(state="hidden", timeout=SOON)


def test_what_comes_late_takes_nobody_out_of_the_palette(running: Panel, browser: Browser, first_session: str) -> None:
    _, deployment_id = ended(running, "late to be found")
    with opened(running, browser, first_session) as page:
        page.goto(f"/deployments/{deployment_id}")
        page.keyboard.press("Control+k")
        palette = page.get_by_role("dialog", name="Go to")
        found = palette.get_by_role("link", name="late to be found").first
        page.keyboard.type("late to be")
        found.wait_for(timeout=SOON)
        found.focus()
        for text, focused in (("late to be found", "a"), ("nothing has this name", "input")):
            with page.expect_response(re.compile(re.escape(urlencode({"text": text}))), timeout=SOON):
                typed = "(field, text) => { field.value = text; field.dispatchEvent(new Event('input')); }"
                palette.locator("input").first.evaluate(typed, text)
            page.wait_for_timeout(500)  # what has come is shown by then
            palette.locator(f"{focused}:focus").wait_for(timeout=SOON)


def test_a_dark_page_is_printed_dark_on_white(running: Panel, browser: Browser, first_session: str) -> None:
    with opened(running, browser, first_session) as page:
        page.goto("/services")
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 26, 32)"


def test_a_page_outlives_the_panel(running: Panel, browser: Browser, first_session: str) -> None:
    application_id, _ = ended(running, "older")
    with opened(running, browser, first_session) as page:
        page.clock.install()
        shown(page, "/services")
        running.stop()
        page.clock.fast_forward(31_000)
        page.clock.run_for(3_000)
        page.get_by_text(re.compile("^Not heard from the panel since")).wait_for(timeout=SOON)
        assert page.locator("html[data-stale]").count() == 1
        page.clock.resume()
        with page.expect_response(lambda answer: "/live?" in answer.url and answer.ok, timeout=60_000):
            running.start()
        page.locator("html:not([data-stale])").wait_for(timeout=SOON, state="attached")
        running.post("application.update", applicationId=application_id, name="newer")
        page.locator("[data-part]").get_by_text("newer").first.wait_for(timeout=SOON)


def test_who_is_signed_out_elsewhere_is_told(running: Panel, browser: Browser, first_session: str) -> None:
    del first_session  # but there is somebody who may
    with opened(running, browser) as page:
        page.goto("/services")
        page.get_by_label("Name").fill("owner")
        page.get_by_label("Password").fill("a long enough password")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/services")
        shown(page, "/services")
        with opened(running, browser, cookie_of(page, running)) as other:
            other.goto("/home")
            other.get_by_role("button", name="Sign out").click()
            other.wait_for_url("**/sign-in?said=out")
        page.get_by_text("You are signed out.").wait_for(timeout=SOON)
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url))
        page.wait_for_timeout(4_500)
        assert asked == [], "nothing is asked any more"
        assert page.get_by_role("link", name="Sign in again").get_attribute("href") == "/sign-in?next=%2Fservices"


def test_where_nothing_is_told_the_page_looks_by_itself(
    running: Panel, browser: Browser, first_session: str, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "repository", web("one"))

    def refuse(route: Route) -> None:
        route.fulfill(status=404, body="<h1>nginx</h1>")

    with open_folder() as folder, opened(running, browser, first_session) as page:
        build = f"echo building; until [ -e {folder}/go ]; do sleep 0.05; done"
        deployment_id = running.deploy(running.application(url, "alone", buildCommand=build))
        running.running(deployment_id, "building\n")
        page.route("**/live?*", refuse)
        page.goto(f"/deployments/{deployment_id}")
        running.post("deployment.killProcess", deploymentId=deployment_id)
        page.locator("main").get_by_text("killed", exact=True).first.wait_for(timeout=SOON)


def test_a_clock_that_is_set_back_stops_nothing(running: Panel, browser: Browser, first_session: str) -> None:
    _, before = ended(running, "before the clock")
    with opened(running, browser, first_session) as page:
        page.route("**/live?*", lambda route: route.fulfill(status=502, body="Bad gateway"))
        page.add_init_script("const own = Date.now; window.behind = 0; Date.now = () => own() - window.behind;")
        page.goto("/deployments")
        page.locator(f'a[href="/deployments/{before}"]').first.wait_for()
        page.wait_for_timeout(4_000)
        page.evaluate("window.behind = 3_600_000")
        _, after = ended(running, "after the clock")
        page.locator(f'a[href="/deployments/{after}"]').first.wait_for(timeout=30_000)
