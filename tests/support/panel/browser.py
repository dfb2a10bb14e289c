"""A real browser on the pages of a panel: it may load from that panel alone, and finds nothing to complain of."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.panel.panel import NOBODY, Panel

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage as AsyncMessage
    from playwright.sync_api import Browser, ConsoleMessage, Page

    Message = AsyncMessage | ConsoleMessage

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Chromium ends all that is under way when the machine gets an address, as it does with each network of another test's
# engine; a page asks again, as it has to where somebody's laptop changes networks.
NOT_OURS = "net::ERR_NETWORK_CHANGED"
NAME, PASSWORD = "owner", "a long enough password"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; where there is none the test is skipped. It ends before the panel, whose end it delays."""
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


def address_of(running: Panel) -> str:
    """Where a panel's pages are."""
    return f"http://127.0.0.1:{running.port}"


def link_of(running: Panel) -> str:
    """The link by which its owner signs in for the first time, as the panel has printed it."""
    link = re.search(r"^To sign in, open within an hour, once: (\S+)$", running.log(), re.MULTILINE)
    assert link is not None, running.log()
    return link[1]


def session_of(running: Panel) -> str:
    """The cookie of a session of its owner, who signs in for the first time, without a browser."""
    own = {"origin": address_of(running), "sec-fetch-site": "same-origin"}
    typed = {"name": NAME, "password": PASSWORD}
    answer = httpx.post(link_of(running), data=typed, headers=own, trust_env=False, verify=NOBODY)
    assert answer.status_code == 303, answer.text
    return answer.cookies[cookie_name(running)]


def cookie_name(running: Panel) -> str:
    """What the cookie of a session is called."""
    return f"headway-{running.port}"


@contextmanager
def opened(
    running: Panel, browser: Browser, cookie: str | None = None, *, scripts: bool = True, still: bool = False
) -> Iterator[Page]:
    """A page of a browser of its own, which must find nothing to complain of."""
    with visited(running, browser, cookie, scripts=scripts, still=still) as page:
        said = complaints(running, page)
        yield page
        assert said == [], said


@contextmanager
def visited(
    running: Panel, browser: Browser, cookie: str | None = None, *, scripts: bool = True, still: bool = False
) -> Iterator[Page]:
    """A page of a browser of its own. What is ``still`` moves nothing by itself."""
    url = address_of(running)
    context = browser.new_context(
        java_script_enabled=scripts, base_url=url, reduced_motion="reduce" if still else "no-preference"
    )
    if cookie is not None:
        context.add_cookies([{"name": cookie_name(running), "value": cookie, "url": url}])
    yield context.new_page()
    context.close()


def complaints(running: Panel, page: Page) -> list[str]:
    """What a page finds to complain of, as it comes: warnings and errors, and requests to somebody else."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: said.append(sent.url) if is_foreign(sent.url, running) else None)
    return said


def is_complaint(message: Message) -> bool:
    """Whether what a page says is a warning or an error that has to do with us."""
    return message.type in {"error", "warning"} and NOT_OURS not in message.text


def is_foreign(url: str, running: Panel) -> bool:
    """Whether an address is somebody else's."""
    return not url.startswith((f"{address_of(running)}/", "data:,"))
