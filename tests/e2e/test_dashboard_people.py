"""The pages of people in a real browser, with and without scripts: who they are is asked for within a form."""

from __future__ import annotations

import base64
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.e2e.test_dashboard_first_day import browser, running, signed_in
from tests.support.panel.browser import PASSWORD, is_complaint, opened
from tests.support.panel.panel import Panel, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser", "running", "signed_in"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def let_pass(running: Panel, page: Page) -> None:
    """Ten minutes since anybody has confirmed that it is them, as soon as the panel has looked."""
    with sqlite3.connect(running.data_dir / "headway.db") as database:
        database.execute("UPDATE sessions SET confirmed_at = 0")
    other = page.context.new_page()

    def is_asked() -> bool:
        other.goto("/account/password")
        return other.get_by_label("Your password, or a code").count() == 1

    until(is_asked, 30)
    other.close()


@contextmanager
def visited(running: Panel, browser: Browser, cookie: str, *, scripts: bool) -> Iterator[Page]:
    """A page of a browser of its own, which finds nothing to complain of but that a form was refused."""
    url = f"http://127.0.0.1:{running.port}"
    context = browser.new_context(java_script_enabled=scripts, base_url=url)
    context.add_cookies([{"name": f"headway-{running.port}", "value": cookie, "url": url}])
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert [each for each in said if "status of 403" not in each] == []
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_who_they_are_is_asked_for_within_a_form_which_loses_nothing(
    running: Panel, browser: Browser, signed_in: str, *, scripts: bool
) -> None:
    name = f"ci {scripts}"
    with visited(running, browser, signed_in, scripts=scripts) as page:
        page.goto("/keys")
        page.get_by_role("link", name="New API key").first.click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("read looks").check()
        page.get_by_label("It ends after").select_option("7 days")
        let_pass(running, page)
        said = page.get_by_role("button", name="Make it")
        with page.expect_response("**/keys/create") as refused:
            said.click()
        assert refused.value.status == 403
        assert page.get_by_label("Name", exact=True).input_value() == name
        assert page.get_by_label("read looks").is_checked()
        assert not page.get_by_label("deploy deploys").is_checked()
        page.get_by_label("Your password, or a code").fill(PASSWORD)
        page.get_by_role("button", name="Make it").click()
        key = page.get_by_label("Key", exact=True).input_value()
        page.get_by_role("link", name="I have kept it").click()
        page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
        assert key not in page.content()
    (made,) = [each for each in running.get("user.apiKeys") if each["name"] == name]
    assert (made["scopes"], made["projects"], made["expiresAt"] is not None) == (["read"], None, True)


def test_a_second_factor_is_taken_from_its_picture_or_its_text(
    running: Panel, browser: Browser, signed_in: str
) -> None:
    with opened(running, browser, signed_in) as page:
        let_pass(running, page)
        page.goto("/account")
        page.get_by_role("link", name="Set up a second factor").click()
        page.get_by_label("Your password, or a code").fill(PASSWORD)
        page.get_by_role("button", name="Show the secret").click()
        picture = page.get_by_role("img", name="The secret as a picture")
        box = picture.bounding_box()
        assert box is not None
        assert (box["width"] > 150, box["width"] == box["height"]) == (True, True)
        secret = page.locator("code.secret").inner_text().replace(" ", "")
        shown = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - as RFC 6238 has it
        page.get_by_label("Code", exact=True).fill(shown.generate(int(time.time())).decode())
        page.get_by_role("button", name="Switch it on").click()
        page.locator(".codes li").nth(9).wait_for()
        assert page.locator(".codes li").count() == 10
        page.get_by_role("link", name="I have kept them").click()
        page.locator("main").get_by_text("10 left").first.wait_for()
        page.get_by_role("link", name="Remove the second factor").click()
        page.get_by_role("button", name="Remove it").click()
        page.get_by_role("link", name="Set up a second factor").wait_for()
