"""Forms and open pages in a real browser: what a refusal says, whose times are told, what an update leaves alone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.panel.browser import (
    CHROMIUM,
    NAME,
    PASSWORD,
    address_of,
    chromium,
    cookie_name,
    session_of,
    visited,
)
from tests.support.panel.panel import Panel, git_repository, panel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
SOON = 8_000  # milliseconds
TALKS = """\
import http.server, os, threading, time

def talk():
    for number in range(1_000_000):
        print(f"line {number} of what it says", flush=True)
        time.sleep(0.02)

threading.Thread(target=talk, daemon=True).start()
address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""
PRESS = """
() => {
  const button = document.querySelector("form.question button[type=submit]");
  const tell = () => say(`${button.ariaBusy} ${button.innerText}`);
  new MutationObserver(tell).observe(button, { subtree: true, childList: true });
  button.click();
  setTimeout(() => button.click(), 800);
}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path_factory.mktemp("forms") / "data", HEADWAY_CONCURRENCY="1") as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Panel) -> Iterator[Browser]:
    del running  # which is ended after the browser
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def session(running: Panel) -> str:
    return session_of(running)


@contextmanager
def opened(running: Panel, browser: Browser, session: str) -> Iterator[Page]:
    """A page whose scripts must not fail."""
    with visited(running, browser, session) as page:
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        assert said == []


def ended(running: Panel, name: str) -> tuple[str, str, str]:
    """An environment, an application in it, and a deployment of that which has ended at once: it has no source."""
    environment_id = running.post("project.create", name=name)["environment"]["environmentId"]
    application_id = running.post("application.create", name=name, environmentId=environment_id)["applicationId"]
    deployment_id = running.deploy(application_id, title=f"of {name}")
    running.ended(deployment_id)
    return environment_id, application_id, deployment_id


def comes(page: Page, condition: str) -> None:
    """Returns once it is so on the page, which is looked at from outside: its own scripts evaluate nothing."""
    deadline = time.monotonic() + 2 * SOON / 1_000
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def within(page: Page, part: str) -> bool:
    """Whether the focus is within a part."""
    found = page.evaluate("part => document.activeElement.closest('[data-part]')?.dataset.part === part", part)
    return bool(found)


def test_who_is_refused_is_led_to_what_is_not_right(running: Panel, browser: Browser, session: str) -> None:
    with opened(running, browser, session) as page:
        page.goto("/servers/add")
        page.get_by_label("Name", exact=True).fill("far")
        page.locator("#field-ipAddress").fill("127.0.0.1")
        page.locator("#field-port").fill("70000")
        page.locator("form.question button[type=submit]").click()
        focused = page.locator(":focus")
        assert focused.get_attribute("role") == "alert"
        assert "Nothing was done: 1 field is not right." in focused.inner_text()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        comes(page, "document.activeElement.id === 'field-port'")


def test_times_are_those_of_who_reads(running: Panel, browser: Browser, session: str) -> None:
    _, _, deployment_id = ended(running, "timed")
    context = browser.new_context(base_url=address_of(running), timezone_id="America/New_York")
    context.add_cookies([{"name": cookie_name(running), "value": session, "url": address_of(running)}])
    page = context.new_page()
    page.goto(f"/deployments/{deployment_id}")
    facts = page.get_by_label("Facts", exact=True)
    assert re.search(r"\d:\d\d:\d\d E[SD]T", facts.inner_text())
    assert re.fullmatch(r".*\d:\d\d:\d\d UTC", facts.locator("time").first.get_attribute("title") or "")
    assert "UTC" not in page.locator("main").inner_text()
    age = page.locator("time[data-age=ago]").first.get_attribute("title") or ""
    assert re.fullmatch(r".* E[SD]T \(.* UTC\)", age)
    assert re.fullmatch(r"of day, E[SD]T", page.locator("[data-log-times] [value=clock]").inner_text())
    context.close()


def test_what_is_cut_short_can_be_read_whole(running: Panel, browser: Browser, session: str) -> None:
    name = "a name that goes on " * 8 + "to its end"
    _, application_id, deployment_id = ended(running, name)
    with opened(running, browser, session) as page:
        hides = "getComputedStyle(each).overflow !== 'visible' && each.scrollWidth > each.clientWidth + 1"
        cut = f"[...document.querySelectorAll('.fact *, .heading *')].filter(each => {hides}).length"
        for width in (390, 1_440):
            page.set_viewport_size({"width": width, "height": 900})
            for path in (f"/deployments/{deployment_id}", f"/services/{application_id}"):
                page.goto(path)
                assert page.evaluate(cut) == 0, (path, width)
        page.goto("/services")
        link = page.locator(f'a[href="/services/{application_id}"]')
        is_cut = f"each => {hides}"
        assert link.evaluate(is_cut)
        while not link.evaluate("link => link === document.activeElement"):
            page.keyboard.press("Tab")
        assert not link.evaluate(is_cut), "and in a table by the keyboard"


def test_on_a_phone_the_name_of_a_row_has_its_whole_width_however_many_columns_there_are(
    running: Panel, browser: Browser, session: str
) -> None:
    _, _, deployment_id = ended(running, "wide")
    running.post("deployment.createLink", deploymentId=deployment_id)
    shares = """
      () => [...document.querySelectorAll("tbody .cell-main")].map((each) => {
        const row = each.closest("tr"), { paddingLeft, paddingRight } = getComputedStyle(row);
        return each.offsetWidth / (row.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
      })
    """
    with opened(running, browser, session) as page:
        for width, least, most in ((390, 0.95, 1.0), (1_440, 0.2, 0.45)):
            page.set_viewport_size({"width": width, "height": 900})
            for path in ("/deployments", "/services", "/deployments/links"):
                page.goto(path)
                found = page.evaluate(shares)
                assert found, path
                assert all(least <= each <= most for each in found), (path, width, found)


def test_links_are_revoked_by_keys_alone_and_without_scripts(running: Panel, browser: Browser, session: str) -> None:
    _, _, deployment_id = ended(running, "shared by keys")
    for seconds in (3_600, 7_200, 86_400):
        running.post("deployment.createLink", deploymentId=deployment_id, expiresIn=seconds)
    path = "/deployments/links?text=shared+by+keys"
    with opened(running, browser, session) as page:
        page.goto(path)
        boxes = page.get_by_role("checkbox")
        labels = {each.get_attribute("aria-label") for each in boxes.all()}
        assert len(labels) == 3, "who hears them tells them apart"
        page.locator("#several button").focus()
        for _ in range(2):
            while not page.evaluate("document.activeElement.type === 'checkbox' && !document.activeElement.checked"):
                page.keyboard.press("Tab")
            page.keyboard.press("Space")
        page.locator("#several button").focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Revoke 2 links?").wait_for(timeout=SOON)
        page.get_by_role("button", name="Revoke them").press("Enter")
        page.get_by_text("2 done.").wait_for(timeout=SOON)
        page.get_by_role("link", name="Go back").press("Enter")
        page.wait_for_url(f"**{path}", timeout=SOON)
        boxes.first.wait_for(timeout=SOON)
        assert boxes.count() == 1
    with visited(running, browser, session, scripts=False) as page:
        page.goto(path)
        page.locator("tbody").get_by_role("link", name="Revoke").click()
        page.get_by_role("button", name="Revoke it").click()
        page.get_by_text("Revoked: the link opens nothing any more.").wait_for(timeout=SOON)
        assert page.url.endswith(path)
        assert page.get_by_role("checkbox").count() == 0


def test_an_update_leaves_the_focus_where_it_is(running: Panel, browser: Browser, session: str) -> None:
    environment_id, _, deployment_id = ended(running, "middle")
    later = running.post("application.create", name="middlemost", environmentId=environment_id)["applicationId"]
    with opened(running, browser, session) as page:
        page.goto("/services?text=middle")
        page.locator(f'a[href="/services/{later}"]').focus()
        running.post("application.create", name="before the middle", environmentId=environment_id)
        page.get_by_role("link", name="before the middle").wait_for(timeout=SOON)
        assert page.locator(":focus").inner_text() == "middlemost"
        running.post("application.delete", applicationId=later)
        page.locator(f'a[href="/services/{later}"]').wait_for(state="detached", timeout=2 * SOON)
        assert within(page, "list"), page.locator(":focus").evaluate_all("all => all.map(each => each.outerHTML)")

        page.goto(f"/deployments/{deployment_id}")
        page.locator('[data-part="state"] .actions a').last.focus()
        running.post("deployment.removeDeployment", deploymentId=deployment_id)
        page.get_by_text("This was removed.").first.wait_for(timeout=SOON)
        assert page.evaluate("document.activeElement.closest('[data-gone]') !== null")


def test_what_somebody_marks_in_a_log_stays(running: Panel, browser: Browser, session: str, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "talks", {"app.py": TALKS, "Procfile": "web: python3 app.py\n"})
    application_id = running.application(url, "talks")
    running.done(running.deploy(application_id), 90)
    with opened(running, browser, session) as page:
        page.goto(f"/services/{application_id}/log")
        follow = page.locator("[data-log-end]")
        comes(page, "document.querySelectorAll('#log.log-whole .log-line').length >= 40")
        assert follow.get_attribute("aria-pressed") == "true"
        page.evaluate("getSelection().selectAllChildren([...document.querySelectorAll('#log .log-line')].at(-5))")
        marked = page.evaluate("getSelection().toString()")
        assert marked.startswith("line ")
        comes(page, "document.querySelector('[data-log-end]').getAttribute('aria-pressed') === 'false'")
        told = page.locator("[data-log-total]").inner_text()
        comes(page, f"document.querySelector('[data-log-total]').innerText !== {told!r}")
        page.wait_for_timeout(4_000)
        assert page.evaluate("getSelection().toString()") == marked
        follow.click()
        comes(page, f"!document.querySelector('#log').innerText.includes({marked!r})")
        page.get_by_label("Times").select_option("clock")
        comes(page, r"/^≤ \d\d:\d\d:\d\d$/.test(document.querySelector('#log .log-time')?.textContent)")
        page.get_by_label("Find in the log").fill("LINE 7 of")
        page.keyboard.press("Enter")
        comes(page, "document.querySelector('#log .log-current .log-text')?.textContent === 'line 7 of what it says'")
    running.post("application.stop", applicationId=application_id)


def test_a_form_at_work_says_so_and_is_not_sent_twice(running: Panel, browser: Browser, session: str) -> None:
    _, application_id, _ = ended(running, "worked on")
    with opened(running, browser, session) as page:
        page.goto(f"/services/{application_id}/variables/add-application")
        page.locator("#field-name").fill("GREETING")
        words = page.locator("form.question button[type=submit]").inner_text()
        held: list[Route] = []
        said: list[str] = []
        page.route("**/variables/add-application", lambda route: held.append(route))  # noqa: PLW0108 - it looks at it
        page.expose_function("say", lambda text: said.append(text))  # noqa: PLW0108 - as above
        page.evaluate(PRESS)  # nobody can look into a page that waits for its next one, which tells by itself
        page.wait_for_timeout(1_500)
        assert said[-1:] == ["true Working …"]
        assert len(held) == 1
        held[0].continue_()
        page.wait_for_url(f"**/services/{application_id}/variables", timeout=SOON)
        page.unroute("**/variables/add-application")
        page.go_back()
        page.wait_for_url("**/variables/add-application", timeout=SOON)
        assert page.locator("form.question button[type=submit]").inner_text() == words

        page.goto(f"/new/services/{application_id}/upload")
        field = page.locator("#field-zip")
        field.evaluate("field => { field.dataset.mostBytes = 10; }")
        field.set_input_files({"name": "shop.zip", "mimeType": "application/zip", "buffer": b"x" * 11})
        assert "larger than" in field.evaluate("field => field.validationMessage")


def test_a_page_of_another_organisation_shows_nothing_of_this_one(
    running: Panel, browser: Browser, session: str
) -> None:
    del session  # but there is somebody who may
    ended(running, "of the first")
    running.post("organization.create", name="The second")
    with visited(running, browser) as page:
        page.goto("/services")
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/services")
        page.get_by_role("link", name="of the first").first.wait_for(timeout=SOON)
        form, other = page.context.new_page(), page.context.new_page()
        form.goto("/servers/add")
        form.locator("#field-name").fill("kept")
        other.goto("/account")
        other.locator('form[action^="/organization/"] button').click()
        other.wait_for_url("**/home")
        for tab in (page, form):
            tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            tab.get_by_text("You look at another organisation now.").wait_for(timeout=SOON)
            tab.get_by_role("link", name="Load this page again").wait_for(timeout=SOON)
        assert page.get_by_role("link", name="of the first").count() > 0, "what is old is left alone"
        assert form.locator("#field-name").input_value() == "kept"
        page.keyboard.press("Control+k")
        page.get_by_text("This was not to be had.").wait_for(timeout=SOON)
        form.locator("#field-ipAddress").fill("127.0.0.1")
        form.locator("form.question button[type=submit]").click()
        form.get_by_text("You have signed in anew since this page was opened.").wait_for(timeout=SOON)
        assert form.locator("#field-name").input_value() == "kept"


def test_a_page_of_before_an_upgrade_says_so_once(running: Panel, browser: Browser, session: str) -> None:
    _, application_id, _ = ended(running, "upgraded")

    def as_another_version(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "x-headway-files": "another"})

    with opened(running, browser, session) as page:
        page.goto("/services?text=upgraded")
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        page.route("**/-/*", as_another_version)
        running.post("application.update", applicationId=application_id, name="upgraded since")
        page.get_by_text("Headway was updated.").wait_for(timeout=2 * SOON)
        page.wait_for_timeout(1_000)
        assert page.get_by_text("upgraded since").count() == 0
        assert loads == [], "who has just come is left alone"
