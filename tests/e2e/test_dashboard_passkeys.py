"""Passkeys in a real browser, whose own authenticator makes and shows them: in the account and at the door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_dashboard_first_day import browser, running, signed_in
from tests.support.panel.browser import NAME, PASSWORD, is_complaint
from tests.support.panel.panel import Panel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

__all__ = ["browser", "running", "signed_in"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

A_TELEPHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
A_SMALL_KEY = {**A_TELEPHONE, "transport": "usb", "hasResidentKey": False}


@contextmanager
def at_localhost(running: Panel, browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page of a browser that knows the panel by a name, and what it complains of."""
    context = browser.new_context(base_url=f"http://localhost:{running.port}")
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page, said
    context.close()


def with_authenticator(page: Page, options: dict[str, object]) -> tuple[CDPSession, str]:
    """The browser's own authenticator, as one of these."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/home")


def add(page: Page, name: str) -> None:
    page.goto("/account")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/account")
    page.get_by_role("link", name=name).wait_for()


def leave(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in?said=out")


@pytest.mark.parametrize(
    ("device", "typed"), [(A_TELEPHONE, ""), (A_SMALL_KEY, NAME)], ids=["without a name", "with a name"]
)
def test_a_passkey_is_made_signs_in_and_is_removed(
    running: Panel, browser: Browser, signed_in: str, device: dict[str, object], typed: str
) -> None:
    with at_localhost(running, browser) as (page, said):
        session, authenticator = with_authenticator(page, device)
        sign_in(page)
        name = f"a device {typed}".strip()
        add(page, name)
        (kept,) = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
        assert kept["rpId"] == "localhost"
        leave(page)
        for _ in range(2):
            page.goto("/sign-in?next=/account")
            page.get_by_label("Name", exact=True).fill(typed)
            page.get_by_role("button", name="Sign in with a passkey").click()
            page.wait_for_url("**/account")
            leave(page)
        assert said == []
        sign_in(page)
        page.goto("/account")
        page.get_by_role("link", name=name).click()
        page.get_by_role("link", name="Remove it").click()
        page.get_by_role("button", name="Remove it").click()
        page.wait_for_url("**/account")
        page.get_by_role("link", name="Add a passkey").wait_for()
        assert page.get_by_role("link", name=name).count() == 0
        leave(page)
        page.goto("/sign-in")
        page.get_by_label("Name", exact=True).fill(typed)
        page.get_by_role("button", name="Sign in with a passkey").click()
        alert = page.locator(".problem, [data-said]:not([hidden])")
        alert.first.wait_for()
        assert "passkey" in alert.first.inner_text()
        assert running.get("user.get")["user"]["name"]


def test_who_does_not_confirm_is_told_so_and_tries_again(running: Panel, browser: Browser, signed_in: str) -> None:
    with at_localhost(running, browser) as (page, said):
        session, authenticator = with_authenticator(page, A_TELEPHONE)
        sign_in(page)
        add(page, "a finger")
        leave(page)
        told = {"authenticatorId": authenticator, "isUserVerified": False}
        session.send("WebAuthn.setUserVerified", told)
        page.get_by_role("button", name="Sign in with a passkey").click()
        word = page.locator("[data-said]")
        word.wait_for()
        assert "Nothing was confirmed" in word.inner_text()
        session.send("WebAuthn.setUserVerified", {**told, "isUserVerified": True})
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**/home")
        assert said == []


def test_without_scripts_and_by_numbers_the_pages_say_so(running: Panel, browser: Browser, signed_in: str) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=f"http://localhost:{running.port}")
    page = context.new_page()
    sign_in(page)
    page.goto("/account/passkey")
    page.get_by_role("button", name="Go on").click()
    page.locator("main").get_by_text("needs a browser that has passkeys").wait_for()
    assert page.get_by_role("button", name="Make it").count() == 0
    leave(page)
    page.get_by_role("button", name="Sign in", exact=True).wait_for()
    assert page.get_by_role("button", name="Sign in with a passkey").count() == 0
    page.goto(f"http://127.0.0.1:{running.port}/sign-in")
    assert "localhost" in page.locator("main").inner_text()
    context.close()
