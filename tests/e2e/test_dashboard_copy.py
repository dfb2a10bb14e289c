"""A button beside what is shown to be handed on, which copies it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_dashboard_first_day import browser, running, signed_in
from tests.support.panel.browser import opened
from tests.support.panel.panel import Panel

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser", "running", "signed_in"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_what_is_shown_once_is_copied_by_a_button(running: Panel, browser: Browser, signed_in: str) -> None:
    with opened(running, browser, signed_in) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/keys/create")
        page.get_by_label("Name", exact=True).fill("ci")
        page.get_by_label("read looks").check()
        page.get_by_role("button", name="Make it").click()
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("Copied.").wait_for()
        shown = page.locator("#once-value").input_value()
        assert len(shown) > 20
        assert page.evaluate("navigator.clipboard.readText()") == shown
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as over plain HTTP
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("Copied.").wait_for()
