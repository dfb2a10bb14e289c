"""A terminal in a real browser: a command inside what runs, typed into, sized, ended, and gone with its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.e2e.axe import axe_source, violations
from tests.support.panel.browser import CHROMIUM, chromium, opened, session_of
from tests.support.panel.panel import Panel, git_repository, panel, until, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(180)]
SECRET = "a-word-that-nobody-reads"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with panel(tmp_path_factory.mktemp("terminal") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Panel) -> Iterator[Browser]:
    del running  # which is ended after the browser
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def cookie(running: Panel) -> str:
    return session_of(running)


@pytest.fixture(scope="module")
def serving(running: Panel, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An application that serves, with a second process and a secret."""
    files = web("one", Procfile="web: python3 app.py\nworker: sleep 1000\n")
    url = git_repository(tmp_path_factory.mktemp("site") / "repository", files)
    application_id = running.application(url, "long", env=f"API_TOKEN={SECRET}")
    running.done(running.deploy(application_id))
    return application_id


ROWS = "[...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.trim())"


def shows(page: Page, pattern: str) -> str:
    """The first line of the terminal that is of this pattern, once there is one."""
    script = f"(pattern) => {ROWS}.find((row) => new RegExp(`^${{pattern}}$`).test(row))"
    return str(page.wait_for_function(script, arg=pattern, timeout=20_000).json_value())


def enter(page: Page, application_id: str) -> None:
    """Opens a shell in it."""
    page.goto(f"/services/{application_id}")
    page.get_by_role("link", name="Terminal").click()
    page.get_by_role("button", name="Open").click()
    page.get_by_text("It is open.").wait_for(timeout=20_000)
    shows(page, r"\$")


def sleeping(seconds: str) -> list[str]:
    """The processes that sleep for so long."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_text() == f"sleep\0{seconds}\0":
                found.append(folder.name)
    return found


def test_a_shell_is_typed_into_and_tells_how_it_ended(
    running: Panel, browser: Browser, cookie: str, serving: str
) -> None:
    with opened(running, browser, cookie) as page:
        enter(page, serving)
        page.keyboard.type("echo $((6 * 7)) is $API_TOKEN\n")
        shows(page, r"42 is \*{6}")
        page.keyboard.type("printf '\\033[38;2;200;0;0m%s\\033[0m\\n' coloured\n")
        shows(page, "coloured")
        coloured = page.locator(".xterm-rows span", has_text=re.compile("^coloured$"))
        assert "rgb(200, 0, 0)" in coloured.evaluate("(each) => each.style.color")
        page.keyboard.type("exit 3\n")
        page.get_by_text("The command has ended with exit status 3.").wait_for()
        assert SECRET not in page.content()
        page.get_by_role("button", name="Open").click()  # and once more
        page.get_by_text("It is open.").wait_for(timeout=20_000)
        shows(page, r"\$")
        leave(page)


def test_the_command_has_the_size_that_is_seen(running: Panel, browser: Browser, cookie: str, serving: str) -> None:
    with opened(running, browser, cookie) as page:
        page.set_viewport_size({"width": 1440, "height": 900})
        enter(page, serving)
        page.keyboard.type("echo $(stty size) wide\n")  # a row may be shown before all of it has come
        wide = int(shows(page, r"\d+ \d+ wide").split()[1])
        page.set_viewport_size({"width": 390, "height": 800})
        page.locator(".terminal-box").click()
        page.keyboard.type("echo $(stty size) narrow\n")
        narrow = int(shows(page, r"\d+ \d+ narrow").split()[1])
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        leave(page)
    assert wide > 120
    assert 30 < narrow < 60


def test_the_other_process_is_entered_and_axe_finds_nothing(
    running: Panel, browser: Browser, cookie: str, serving: str, request: pytest.FixtureRequest
) -> None:
    assert request.config.cache is not None
    source = axe_source(request.config.cache)
    with opened(running, browser, cookie) as page:
        page.goto(f"/services/{serving}/terminal")
        page.get_by_label("Process").select_option("worker")
        page.get_by_label("Command").fill("sh -c env;cat")
        page.get_by_role("button", name="Open").click()
        shows(page, "API_TOKEN=.*")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page, source) == []
        leave(page)


def test_one_command_runs_at_a_time(running: Panel, browser: Browser, cookie: str, serving: str) -> None:
    """Who presses Enter in its field once more begins none that nobody sees."""
    seconds = f"1{uuid4().int % 10**8}"
    with opened(running, browser, cookie) as page:
        asked: list[str] = []
        page.on(
            "request", lambda request: asked.append(request.url) if "/api/application.exec" in request.url else None
        )
        page.goto(f"/services/{serving}/terminal")
        command = page.get_by_label("Command")
        command.fill(f"sleep {seconds}")
        command.press("Enter")
        command.press("Enter")  # while it is being opened
        page.get_by_text("It is open.").wait_for(timeout=20_000)
        until(lambda: len(sleeping(seconds)) == 1)
        command.press("Enter")
        page.wait_for_timeout(1_000)
        assert len(asked) == 1
        assert page.get_by_text("It is open.").is_visible()
        assert len(sleeping(seconds)) == 1
        page.get_by_role("button", name="End it").click()
        until(lambda: sleeping(seconds) == [])
        page.get_by_role("button", name="Open").click()
        page.get_by_text("It is open.").wait_for(timeout=20_000)
    until(lambda: sleeping(seconds) == [])


def test_what_it_began_ends_with_its_page(running: Panel, browser: Browser, cookie: str, serving: str) -> None:
    seconds = f"1{uuid4().int % 10**8}"
    with opened(running, browser, cookie) as page:
        enter(page, serving)
        page.keyboard.type(f"sleep {seconds} & sleep {seconds}\n")
        until(lambda: len(sleeping(seconds)) == 2)
    until(lambda: sleeping(seconds) == [])


def leave(page: Page) -> None:
    """By the keys alone, which go to the command otherwise."""
    page.keyboard.press("Shift+Escape")
    page.keyboard.press("Enter")
    page.get_by_text("It was ended from here.").wait_for()
