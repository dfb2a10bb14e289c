"""The log of a deployment in a real browser: any line of it, found, folded, linked, and followed over a panel's end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_dashboard_first_day import signed_in
from tests.support.panel.browser import CHROMIUM, chromium, opened
from tests.support.panel.panel import Panel, git_repository, panel, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = ["signed_in"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
LINES = 20_000
# The heading of the build is so near to the top that the one which stays there would cover it, and is pushed away.
PUSHES = """() => {
  const log = document.querySelector('#log'), head = log.querySelector('.log-space [data-step="build"]');
  const at = head.getBoundingClientRect(), stuck = log.querySelector('.log-stuck .log-fold');
  const near = at.top - log.getBoundingClientRect().top;
  return near > 0 && near < 20 && stuck && stuck.getBoundingClientRect().bottom <= at.top + 1
    && head.contains(document.elementFromPoint(at.left + at.width / 3, at.top + 3));
}"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path_factory.mktemp("log") / "data", HEADWAY_CONCURRENCY="3") as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Panel) -> Iterator[Browser]:
    del running  # whose tests they are
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def ended(running: Panel, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A deployment with a long log, in colours."""
    url = git_repository(tmp_path_factory.mktemp("site") / "repository", web("one"))
    build = f"seq -f '\x1b[32mline\x1b[0m %.0f of it' {LINES}; echo a needle in it"
    deployment_id = running.deploy(running.application(url, "long", buildCommand=build))
    running.done(deployment_id, 90)
    return deployment_id


def shown(page: Page) -> dict[int, str]:
    """The lines that stand in the page, by their numbers."""
    found = page.evaluate(
        """() => [...document.querySelectorAll("#log .log-line")].map((line) =>
             [Number(line.querySelector(".log-number").dataset.n), line.querySelector(".log-text").textContent])"""
    )
    return {int(number): str(text) for number, text in found}


def seen(page: Page, text: str) -> None:
    """Returns once a line of this text stands where it can be seen."""
    page.wait_for_function(
        """(text) => {
             const log = document.querySelector("#log.log-whole");
             if (log === null) return false;
             const place = log.getBoundingClientRect();
             return [...log.querySelectorAll(".log-line")].some((line) => {
               const at = line.getBoundingClientRect();
               return line.querySelector(".log-text").textContent === text && at.top >= place.top - 1
                 && at.bottom <= place.bottom + 1;
             });
           }""",
        arg=text,
        timeout=20_000,
    )


def pages_down(page: Page) -> float:
    """By how many heights of the log it is scrolled, once it stands still."""
    return float(
        page.evaluate(
            """() => new Promise((done) => {
                 const log = document.querySelector("#log");
                 let [at, since] = [NaN, 0];
                 const look = (now) => {
                   if (log.scrollTop !== at) [at, since] = [log.scrollTop, now];
                   if (now - since > 500) done(at / log.clientHeight);
                   else requestAnimationFrame(look);
                 };
                 requestAnimationFrame(look);
               })"""
        )
    )


def first_of(running: Panel, deployment_id: str) -> int:
    """The number of the line that says it is the first."""
    return int(running.get("deployment.find", deploymentId=deployment_id, text="line 1 of it")["hits"][0])


@contextmanager
def refused_now_and_then(running: Panel, browser: Browser, cookie: str) -> Iterator[Page]:
    """A page whose console may tell of answers that refuse."""
    url = f"http://127.0.0.1:{running.port}"
    context = browser.new_context(base_url=url)
    context.add_cookies([{"name": f"headway-{running.port}", "value": cookie, "url": url}])
    try:
        yield context.new_page()
    finally:
        context.close()


def test_any_line_of_a_long_log_is_a_jump_a_search_or_a_link_away(
    running: Panel, browser: Browser, signed_in: str, ended: str
) -> None:
    first = first_of(running, ended)
    with opened(running, browser, signed_in) as page:
        page.goto(f"/deployments/{ended}#L{first + 12_344}")
        seen(page, "line 12345 of it")
        marked = page.locator("#log .log-marked .log-text")
        marked.first.wait_for()
        assert marked.all_inner_texts() == ["line 12345 of it"]
        assert page.locator("#log .log-marked .ansi-green").inner_text() == "line"

        log = page.get_by_role("region", name="Lines of the log")
        log.focus()
        page.keyboard.press("Home")
        page.keyboard.press("PageDown")  # whose lines come while the browser glides there
        assert 0.75 < pages_down(page) < 1, "a page is a page"
        page.keyboard.press("PageDown")
        page.keyboard.press("Home")
        assert pages_down(page) == 0, "it glides no further"
        seen(page, "line 1 of it")
        log.evaluate("log => { log.scrollTop = log.scrollHeight * 0.5; }")
        page.wait_for_function("""() => [...document.querySelectorAll('#log .log-text')].some(
            (line) => / (9|10|11)\\d\\d\\d of it/.test(line.textContent))""")
        assert len(shown(page)) < 400, "few of them stand in the page"
        page.keyboard.press("End")
        seen(page, "a needle in it")

        page.get_by_label("Line", exact=True).fill(f"{first + 4}-{first + 6}")
        page.keyboard.press("Enter")
        seen(page, "line 6 of it")
        marked.nth(2).wait_for()
        assert marked.all_inner_texts() == [f"line {number} of it" for number in (5, 6, 7)]
        assert page.url.endswith(f"#L{first + 4}-{first + 6}")

        page.keyboard.press("Escape")
        log.focus()
        page.keyboard.press("/")
        page.keyboard.type("LINE 1999")
        page.keyboard.press("Enter")
        seen(page, "line 1999 of it")
        told = page.get_by_role("status").filter(has_text="of 11 lines")
        assert told.inner_text().startswith("1 of 11 lines")
        page.keyboard.press("Enter")
        seen(page, "line 19990 of it")
        page.get_by_role("button", name="Previous").click()
        seen(page, "line 1999 of it")
        page.emulate_media(forced_colors="active")  # last, for the page is laid out anew with them
        assert page.locator("#log .log-current").evaluate("line => getComputedStyle(line).outlineStyle") == "solid"


def test_steps_fold_and_times_are_told(running: Panel, browser: Browser, signed_in: str, ended: str) -> None:
    first = first_of(running, ended)
    with opened(running, browser, signed_in) as page:
        page.goto(f"/deployments/{ended}#L{first}")
        seen(page, "line 1 of it")
        page.get_by_role("button", name="Fold all steps").click()
        page.wait_for_function("() => document.querySelectorAll('#log .log-line').length < 20")
        build = page.locator('#log .log-space [data-step="build"]')
        assert build.get_attribute("aria-expanded") == "false"
        build.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelectorAll('#log .log-line').length > 20")
        assert build.get_attribute("aria-expanded") == "true"
        page.locator("#log").hover()
        seen(page, "line 1 of it")
        above = "head => head.getBoundingClientRect().top - head.closest('#log').getBoundingClientRect().top - 10"
        page.mouse.wheel(0, build.evaluate(above))
        page.wait_for_function(PUSHES)
        page.get_by_label("Times").select_option("step")
        page.wait_for_function(
            "() => /^(≤ )?[+]\\d\\d:\\d\\d$/.test(document.querySelector('#log .log-time')?.textContent)"
        )
        page.get_by_label("Wrap").uncheck()
        page.wait_for_function("() => document.querySelector('#log.log-unwrapped') !== null")
        page.reload()
        page.wait_for_function("() => document.querySelector('#log.log-unwrapped.log-timed') !== null")


def test_a_step_of_the_timeline_leads_to_its_first_line(
    running: Panel, browser: Browser, signed_in: str, ended: str
) -> None:
    told = running.get("deployment.lines", deploymentId=ended, count=1)
    first = next(each["first"] for each in told["steps"] if each["name"] == "build")
    for scripts in (True, False):
        with opened(running, browser, signed_in, scripts=scripts) as page:
            page.goto(f"/deployments/{ended}")
            if scripts:
                seen(page, "a needle in it")
                page.evaluate("window.isSame = true")
            page.get_by_role("region", name="Steps").get_by_role("link", name="build", exact=True).click()
            page.locator(f'#log .log-line:has([data-n="{first}"])').wait_for()
            assert page.url.endswith(f"#L{first}")
            if scripts:
                assert page.evaluate("window.isSame && document.activeElement.id") == "log", "it is not loaded anew"
                page.locator(f'#log .log-marked [data-n="{first}"]').wait_for()


def test_a_search_is_by_its_ticks_and_stays_in_the_address(
    running: Panel, browser: Browser, signed_in: str, ended: str
) -> None:
    with opened(running, browser, signed_in) as page:
        page.goto(f"/deployments/{ended}")
        seen(page, "a needle in it")
        told = page.locator("[data-log-count]")
        field = page.get_by_label("Find in the log")
        field.fill("1999[0-9] OF it$")
        page.get_by_label("Regular expression").check()
        told.filter(has_text="of 10 lines").wait_for()
        page.get_by_label("Match case").check()
        told.filter(has_text="No line has it.").wait_for()
        page.reload()
        told.filter(has_text="No line has it.").wait_for()
        assert page.get_by_label("Regular expression").is_checked()
        page.get_by_label("Match case").uncheck()
        told.filter(has_text="of 10 lines").wait_for()
        field.fill("needle")
        page.get_by_label("Regular expression").uncheck()
        told.filter(has_text=re.compile("of [12] lines?,")).wait_for()
        seen(page, "a needle in it")
        page.get_by_role("button", name="End the search").click()
        assert page.url.endswith(f"/deployments/{ended}")
    with refused_now_and_then(running, browser, signed_in) as page:
        page.goto(f"/deployments/{ended}?find=(&regex=true")
        page.locator("[data-log-count]").filter(has_text="This cannot be looked for: Unmatched (").wait_for()


def test_a_time_has_its_date_where_it_is_not_of_today_or_the_day_changes(
    running: Panel, browser: Browser, signed_in: str, ended: str
) -> None:
    def as_of_yesterday(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        for each in told["rows"]:
            if each["n"] <= 3 and each.get("at"):
                at = datetime.fromisoformat(each["at"]) - timedelta(days=1)
                each["at"] = at.isoformat()
        route.fulfill(response=answer, json=told)

    times = "[...document.querySelectorAll('#log .log-line')].slice(0, 5).map((each) => each.children[1].textContent)"
    dated = r"/^(≤ )?\d+ \w+ \d\d:\d\d:\d\d$/.test(each)"
    with opened(running, browser, signed_in) as page:
        page.route("**/deployment.lines?*", as_of_yesterday)
        page.goto(f"/deployments/{ended}")
        page.get_by_label("Times").select_option("clock")
        page.get_by_role("button", name="Beginning").click()
        page.wait_for_function(f"() => {times}.map((each) => {dated}).join() === 'true,true,true,true,false'")
        assert page.locator("#log.log-dated").count() == 1
        page.get_by_label("Times").select_option("step")
        page.wait_for_function("() => document.querySelector('#log.log-dated') === null")


def test_without_scripts_windows_links_and_search_stay(
    running: Panel, browser: Browser, signed_in: str, ended: str
) -> None:
    with opened(running, browser, signed_in, scripts=False) as page:
        page.goto(f"/deployments/{ended}")
        page.get_by_role("link", name="Beginning").click()
        page.locator("#log").get_by_text("line 1 of it", exact=True).wait_for()
        assert page.get_by_role("button", name="Fold all steps").count() == 0
        page.get_by_label("Find in the log").fill("needle")
        page.get_by_role("button", name="Search").click()
        page.get_by_text(re.compile("lines? ha(s|ve) “needle”")).wait_for()
