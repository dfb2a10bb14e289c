"""The first day with the dashboard, in a real browser with and without scripts: from the link to a confirmed kill."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.e2e.test_schedules import living
from tests.support.applications.kept import open_folder
from tests.support.panel.browser import CHROMIUM, NAME, PASSWORD, chromium, cookie_name, link_of, opened, visited
from tests.support.panel.panel import Panel, git_repository, panel, until, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path_factory.mktemp("first-day") / "data", HEADWAY_CONCURRENCY="2") as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Panel) -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def signed_in(running: Panel, browser: Browser) -> str:
    """Takes the link that the panel has printed; the cookie of the session."""
    with opened(running, browser) as page:
        page.goto(link_of(running))
        page.get_by_label("Name to sign in with").fill(NAME)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Set the password and sign in").click()
        page.wait_for_url("**/home")
        (cookie,) = [each for each in page.context.cookies() if each.get("name") == cookie_name(running)]
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Lax")
    return str(cookie.get("value"))


def comes_to(page: Page, seen: Sequence[str], number: int) -> None:
    """Returns once so many were seen; the page goes on meanwhile, which it does while it is waited for alone."""
    deadline = time.monotonic() + 60
    while len(seen) < number:
        assert time.monotonic() < deadline, seen
        page.wait_for_timeout(100)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_deployment_is_found_looked_at_and_killed(
    running: Panel, browser: Browser, signed_in: str, tmp_path: Path, *, scripts: bool
) -> None:
    token = f"{300 + scripts}.{uuid4().int % 10**9}"
    build = f"echo building; sleep {token}"
    url = git_repository(tmp_path / "repository", web("one"))
    application_id = running.application(url, f"shop{int(scripts)}", buildCommand=build)
    deployment_id = running.deploy(application_id, title="The <b>first</b> one")
    until(lambda: living(token), 60)

    with opened(running, browser, signed_in, scripts=scripts) as page:
        page.goto("/")
        page.get_by_role("navigation").get_by_role("link", name="Deployments").click()
        page.get_by_role("link", name="The <b>first</b> one").first.click()
        page.wait_for_url(f"**/deployments/{deployment_id}")
        assert page.get_by_role("heading", level=1).inner_text() == "The <b>first</b> one"
        assert "building" in page.locator("main").inner_text()

        page.get_by_role("link", name="Kill").click()
        page.get_by_role("button", name="Kill it").click()
        page.wait_for_url(f"**/deployments/{deployment_id}")
        told = page.get_by_role("status").filter(has_text="Killed: nothing of it is left.")
        assert told.count() == 1
        assert not living(token)
        row = running.one(deployment_id)
        assert (row["status"], row["reason"]) == ("error", "killed")

        page.reload()
        assert told.count() == 0, "it is told once"
        assert page.get_by_role("link", name="Kill").count() == 0
    logs = running.get("auditLog.all")["logs"]
    killed = [each for each in logs if each["resourceId"] == deployment_id and "kill" in each["procedure"]]
    assert [each["credential"] for each in killed] == ["session"]


def test_a_page_follows_what_happens(running: Panel, browser: Browser, signed_in: str, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "repository", web("one"))
    with open_folder() as folder, opened(running, browser, signed_in) as page:
        build = f"echo building; until [ -e {folder}/go ]; do sleep 0.05; done; echo it was built"
        deployment_id = running.deploy(running.application(url, "live", buildCommand=build))
        running.running(deployment_id, "building\n")
        page.goto(f"/deployments/{deployment_id}")
        page.get_by_text("building", exact=True).wait_for(timeout=20_000)  # one such line, as it is strict
        assert page.get_by_text("it was built", exact=True).count() == 0
        (folder / "go").touch()
        running.done(deployment_id, 60)
        page.locator("main").get_by_text("done", exact=True).first.wait_for(timeout=20_000)
        page.get_by_text("it was built", exact=True).first.wait_for(timeout=20_000)


def test_who_reads_further_back_keeps_the_lines(
    running: Panel, browser: Browser, signed_in: str, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "repository", web("one"))
    with open_folder() as folder, opened(running, browser, signed_in) as page:
        many = "for n in $(seq 300); do echo $1-$n; done"
        wait = f"until [ -e {folder}/go ]; do sleep 0.05; done"
        build = f"set -- early; {many}; {wait}; set -- late; {many}; sleep 600"
        deployment_id = running.deploy(running.application(url, "back", buildCommand=build))
        running.running(deployment_id, "early-300\n")
        # What takes the log over, and may be quicker than this, does nothing: this is about the log that a page has.
        page.route("**/log.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
        page.goto(f"/deployments/{deployment_id}")
        page.locator("#log").get_by_text("early-260", exact=True).evaluate("line => line.scrollIntoView()")
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url) if sent.url.endswith("/-/state") else None)
        (folder / "go").touch()
        running.running(deployment_id, "late-300\n")
        comes_to(page, asked, 3)
        assert page.locator("#log").get_by_text("early-260", exact=True).count() == 1
        page.locator("#log").evaluate("log => { log.scrollTop = log.scrollHeight; }")
        page.locator("#log").get_by_text("late-300", exact=True).wait_for(timeout=20_000)
    running.post("deployment.killProcess", deploymentId=deployment_id)


@pytest.mark.parametrize("status", [404, 401])
def test_what_answers_in_the_place_of_the_panel_is_not_believed(
    running: Panel, browser: Browser, signed_in: str, status: int
) -> None:
    context = browser.new_context(base_url=f"http://127.0.0.1:{running.port}")
    context.add_cookies(
        [{"name": f"headway-{running.port}", "value": signed_in, "url": f"http://127.0.0.1:{running.port}"}]
    )
    page = context.new_page()
    answered: list[str] = []

    def stand_in(route: Route) -> None:
        answered.append(route.request.url)
        route.fulfill(status=status, body="<h1>nginx</h1>")

    page.route("**/-/*", stand_in)
    page.goto("/home")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    comes_to(page, answered, 3)
    page.wait_for_timeout(200)  # for what a page makes of an answer
    told = page.locator("body").inner_text()
    assert ("This was removed." in told, "You are signed out." in told) == (False, False)
    context.close()


def test_who_has_no_session_is_led_to_sign_in_and_back(running: Panel, browser: Browser, signed_in: str) -> None:
    del signed_in  # but there is somebody who may
    with visited(running, browser) as page:  # a browser complains of what was under way when its session ended
        page.goto("/deployments?status=error")
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/deployments?status=error")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in?said=out")
        page.goto("/deployments")
        page.wait_for_url("**/sign-in?next=/deployments")
