"""The log of a deployment or a service in a real browser, as it grows: followed over a panel's end, and had again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_dashboard_first_day import signed_in
from tests.e2e.test_dashboard_log import browser, ended, first_of, refused_now_and_then, running, seen, shown
from tests.support.applications.kept import open_folder
from tests.support.panel.panel import WEB, Panel, git_repository, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

__all__ = ["browser", "ended", "running", "signed_in"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
NOT_THERE = {"message": "Nothing runs of it.", "data": {"code": "NOT_FOUND", "httpStatus": 404}}


def test_a_log_is_followed_until_one_looks_back_and_over_the_end_of_a_panel(
    running: Panel, browser: Browser, signed_in: str, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "repository", web("one"))
    with open_folder() as folder:
        wait = "while [ ! -e {0}/{1} ]; do sleep 0.05; done"
        many = "for i in $(seq 30); do seq -f '{0} %.0f of it' $((i*100-99)) $((i*100)); sleep 0.02; done"
        go = [wait.format(folder, name) for name in ("one", "two", "three")]
        said = [many.format(name) for name in ("first", "second", "third")]
        build = f"{said[0]}; {go[0]}; {said[1]}; {go[1]}; {said[2]}; {go[2]}"
        deployment_id = running.deploy(running.application(url, "grows", buildCommand=build))
        running.running(deployment_id, "first 3000 of it\n")
        context = browser.new_context(base_url=f"http://127.0.0.1:{running.port}")
        cookie = f"headway-{running.port}"
        context.add_cookies([{"name": cookie, "value": signed_in, "url": f"http://127.0.0.1:{running.port}"}])
        page = context.new_page()
        page.goto(f"/deployments/{deployment_id}")
        seen(page, "first 3000 of it")
        follow = page.get_by_role("button", name="Follow")
        assert follow.get_attribute("aria-pressed") == "true"
        page.locator('#log .log-stuck [data-step="build"]').focus()
        (folder / "one").touch()
        seen(page, "second 3000 of it")
        assert page.evaluate("document.activeElement.dataset.step") == "build", "its heading was drawn anew meanwhile"
        assert follow.get_attribute("aria-pressed") == "true", "it comes while it is scrolled"

        page.get_by_role("region", name="Lines of the log").focus()
        for _ in range(3):
            page.keyboard.press("PageUp")
        page.wait_for_function(
            "() => document.querySelector('[data-log-end]').getAttribute('aria-pressed') === 'false'"
        )
        before = shown(page)
        running.kill()
        (folder / "two").touch()
        page.get_by_role("status").filter(has_text="Not connected since").wait_for(timeout=30_000)
        running.start()
        running.running(deployment_id, "third 3000 of it\n")
        page.get_by_role("status").filter(has_text="Not connected since").wait_for(state="hidden", timeout=40_000)
        stays = set(before) & set(shown(page))
        assert stays, "who looks back is left where they are"

        follow.click()
        seen(page, "third 3000 of it")
        (folder / "three").touch()
        running.done(deployment_id, 90)
        page.get_by_role("button", name="To the end").wait_for(timeout=30_000)
        total = running.get("deployment.lines", deploymentId=deployment_id, count=1)["total"]
        assert page.locator("[data-log-total]").inner_text().replace(",", "") == f"{total} lines"
        for number, text in shown(page).items():
            (row,) = running.get("deployment.lines", deploymentId=deployment_id, count=1, **{"from": number})["rows"]
            assert "".join(part for _, part in row["runs"]) == text
        context.close()


def test_the_log_of_a_service_goes_on_when_it_is_started_again(
    running: Panel, browser: Browser, signed_in: str, tmp_path: Path
) -> None:
    begins = WEB.replace(
        "import http.server, os", "import http.server, os\n\nprint('process', os.getpid(), flush=True)"
    )
    url = git_repository(tmp_path / "repository", {"app.py": begins, "Procfile": "web: python3 app.py\n"})
    application_id = running.application(url, "starts again")
    running.done(running.deploy(application_id), 90)
    lines = "[...document.querySelectorAll('#log .log-text')]"
    said = f"{lines}.filter((each) => /^process \\d+$/.test(each.textContent)).length"
    with refused_now_and_then(running, browser, signed_in) as page:
        page.goto(f"/services/{application_id}/log")
        page.wait_for_function(f"() => {said} === 1", timeout=30_000)
        for number in (2, 3):
            running.post("application.stop", applicationId=application_id)
            page.get_by_role("button", name="To the end").wait_for(timeout=60_000)
            assert page.evaluate(said) == number - 1, "what it wrote stays while it does not run"
            running.post("application.start", applicationId=application_id)
            page.wait_for_function(f"() => {said} === {number}", timeout=60_000)
            page.get_by_role("button", name="Following").wait_for(timeout=60_000)

        page.route("**/*service.logLines*", lambda route: route.fulfill(status=404, json=NOT_THERE))
        told = page.locator("[data-log-said]")
        told.filter(has_text="What wrote this is not there any more.").wait_for(timeout=30_000)
        page.unroute("**/*service.logLines*")
        told.wait_for(state="hidden", timeout=40_000)
    running.post("application.stop", applicationId=application_id)


def test_the_log_of_what_has_ended_is_had_again_when_it_is_another(
    running: Panel, browser: Browser, signed_in: str, ended: str
) -> None:
    """A panel that was started anew counts its lines by another generation."""
    first = first_of(running, ended)
    with refused_now_and_then(running, browser, signed_in) as page:
        page.goto(f"/deployments/{ended}")
        page.get_by_role("button", name="To the end").wait_for(timeout=30_000)
        seen(page, "a needle in it")
        refused: list[str] = []

        def once(route: Route) -> None:
            if refused:
                route.continue_()
            else:
                refused.append(route.request.url)
                route.fulfill(status=409, json={"message": "another"})

        page.route("**/*deployment.lines*", once)
        # The lines of before are still there, as many, until it asks for others.
        with page.expect_response(lambda answer: "deployment.lines" in answer.url and answer.status == 409):
            page.evaluate(f"location.hash = '#L{first + 5_000}'")
        page.wait_for_function("() => document.querySelectorAll('#log .log-line .log-text').length > 5", timeout=30_000)
        assert len(refused) == 1
        page.get_by_role("button", name="To the end").click()
        seen(page, "a needle in it")


def test_what_answers_in_the_panels_place_ends_no_log(
    running: Panel, browser: Browser, signed_in: str, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "repository", web("one"))
    with open_folder() as folder:
        build = f"echo begun; until [ -e {folder}/go ]; do sleep 0.05; done; echo gone on; sleep 300"
        deployment_id = running.deploy(running.application(url, "behind", buildCommand=build))
        running.running(deployment_id, "begun\n")
        url = f"http://127.0.0.1:{running.port}"
        context = browser.new_context(base_url=url)
        context.add_cookies([{"name": f"headway-{running.port}", "value": signed_in, "url": url}])
        page = context.new_page()
        page.route("**/*deployment.followLines*", lambda route: route.fulfill(status=502, body="Bad gateway"))
        page.goto(f"/deployments/{deployment_id}")
        seen(page, "begun")
        told = page.locator("[data-log-said]")
        told.evaluate("""(line) => {
            line.all = [];
            new MutationObserver(() => line.all.push(line.textContent)).observe(line, { childList: true });
        }""")
        (folder / "go").touch()
        seen(page, "gone on")
        page.wait_for_timeout(3_000)
        assert told.evaluate("line => line.all") == [], "the lines come, if not as a stream"

        page.route("**/*deployment.lines*", lambda route: route.fulfill(status=404, body="404 page not found"))
        told.filter(has_text="Not connected since").wait_for(timeout=20_000)
        page.unroute("**/*deployment.lines*")
        told.wait_for(state="hidden", timeout=40_000)
        running.post("deployment.killProcess", deploymentId=deployment_id)
        page.get_by_role("button", name="To the end").wait_for(timeout=30_000)
        context.close()
