"""Somebody at a browser, by mouse or by keyboard alone, who gets everywhere by what a page shows and by no address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tests.support.panel.browser import is_complaint
from tests.support.panel.panel import Panel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

H = TypeVar("H", bound="Hands")
PASSWORD = "a long enough password"
PATIENCE = 300_000  # milliseconds: a build, on a machine that has other work
MOST_STOPS = 150  # of the keyboard, from the beginning of a page to anything on it
# What is wrong with how the element is shown that has the focus; "" where all of it is right, or nothing has it.
WRONG_WITH_FOCUS = """
  () => {
    const at = document.activeElement;
    if (at === null || at === document.body) return "";
    const style = getComputedStyle(at), box = at.getClientRects()[0];
    const told = `${at.localName} “${at.textContent.trim().slice(0, 60)}” of ${location.pathname}`;
    if (!at.matches(":focus-visible")) return `${told} has the focus, which it does not show`;
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1) return `${told} has no outline`;
    if (!box || box.width < 1 || box.height < 1) return `${told} is not there to be seen`;
    const within = (low, high, most) => (Math.max(0, low) + Math.min(high, most)) / 2;
    const [x, y] = [within(box.left, box.right, innerWidth), within(box.top, box.bottom, innerHeight)];
    const top = document.elementFromPoint(x, y);
    if (top === null) return `${told} is out of sight`;
    return at.contains(top) || top.contains(at) || top.closest("label") ? "" : `${told} is covered by ${top.className}`;
  }
"""


class Hands:
    """What somebody does, by the words that a page has for it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def main(self) -> Locator:
        """What is the page's own."""
        return self.page.locator("main")

    def follow(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Goes where a link leads."""
        place = self.page.locator("body") if within is None else within
        self._leave(place.get_by_role("link", name=name, exact=True).first)

    def press(self, name: str, *, careful: bool = False) -> None:
        """Sends a form; a ``careful`` one may ask once more who they are."""
        confirms = self.page.get_by_label("Your password, or a code of your second factor")
        if careful and confirms.count():
            self._type(confirms, PASSWORD)
        self._leave(self.page.get_by_role("button", name=name, exact=True).first)

    def unfold(self, text: str, within: Locator) -> None:
        """Opens what is folded."""
        self._use(within.locator("summary").filter(has_text=text).first)

    def write(self, label: str, text: str) -> None:
        """Types into a field, in place of what it had."""
        self._type(self.page.get_by_label(label, exact=True), text)

    def choose(self, label: str, option: str) -> None:
        """Chooses one of several."""
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def go_to(self, place: str) -> None:
        """Goes to a place of the navigation, be it one that is folded."""
        places = self.page.get_by_role("navigation", name="Main")
        link = places.get_by_role("link", name=place, exact=True)
        if link.count() == 0:
            self.unfold("Settings", places)
        self._leave(link.first)

    def sees(self, text: str | re.Pattern[str], within: Locator | None = None) -> Locator:
        """Waits until a text is there, without asking for it anew."""
        found = (self.main if within is None else within).get_by_text(text).first
        self._await(found)
        return found

    def sees_end(self, word: str) -> str:
        """Waits until the deployment that is shown says of itself how it has ended; its id."""
        self._await(self.page.locator("#part-state .badge").get_by_text(word, exact=True))
        return self.page.url.partition("?")[0].rpartition("/")[2].partition("#")[0]

    def sees_line(self, text: str | re.Pattern[str]) -> None:
        """Waits until a line of the log that is shown is this one, or like that."""
        self._await(self.page.locator("#log").get_by_text(text, exact=True).first)

    def _await(self, target: Locator) -> None:
        target.wait_for(timeout=PATIENCE)

    def _use(self, target: Locator) -> None:
        target.click()

    def _type(self, target: Locator, text: str) -> None:
        target.fill(text)

    def _leave(self, target: Locator) -> None:
        target.wait_for()
        with self.page.expect_navigation(timeout=PATIENCE):
            self._use(target)


class Loads(Hands):
    """The same without scripts: a page that does not go on by itself says so, and is loaded again."""

    def _await(self, target: Locator) -> None:
        until = time.monotonic() + PATIENCE / 1_000
        while not target.is_visible():
            again = self.main.get_by_role("link", name="load it again", exact=True)
            if time.monotonic() > until or not again.count():
                target.wait_for(timeout=1_000)
                return
            time.sleep(0.2)
            self._leave(again)


class Keys(Hands):
    """The same by keyboard alone: from stop to stop by Tab, each of which has to show that it has the focus."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.stops = 0
        self.wrong: dict[str, None] = {}

    def _use(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def _type(self, target: Locator, text: str) -> None:
        self._reach(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        self._reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(option)

    def _reach(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(MOST_STOPS):
            if target.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            self.stops += 1
            if wrong := self.page.evaluate(WRONG_WITH_FOCUS):
                self.wrong[str(wrong)] = None
        raise AssertionError(f"Tab does not lead to {target}, on {self.page.url}")


@contextmanager
def at_browser(
    running: Panel,
    browser: Browser,
    use: Callable[[Page], H],
    *,
    scripts: bool = True,
    quiet: bool = True,
) -> Iterator[H]:
    """Somebody at a browser of their own. ``quiet``: the panel's pages find nothing to complain of; they load nothing
    from elsewhere.
    """
    origin = f"http://127.0.0.1:{running.port}"
    context = browser.new_context(java_script_enabled=scripts, base_url=origin)
    page, said = context.new_page(), list[str]()
    page.set_default_timeout(30_000)
    page.on("console", lambda told: said.append(told.text) if is_complaint(told) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: said.append(sent.url) if is_foreign(sent.url, running) else None)
    try:
        yield use(page)
        assert not quiet or said == []
    finally:
        context.close()


def is_foreign(url: str, running: Panel) -> bool:
    """Whether an address is neither the panel's nor that of an application of it."""
    own = rf"http://(127\.0\.0\.1:{running.port}|[\w.-]+\.localhost:{running.edge_port})/|data:,"
    return re.match(own, url) is None


def sign_in_by_link(hands: Hands, running: Panel) -> None:
    """Takes the link that the panel has printed."""
    link = re.search(r"^To sign in, open within an hour, once: (\S+)$", running.log(), re.MULTILINE)
    assert link is not None, running.log()
    hands.page.goto(link[1])
    hands.write("Name to sign in with", "owner")
    hands.write("Password", PASSWORD)
    hands.press("Set the password and sign in")
    hands.page.wait_for_url("**/home")


def answer_of(hands: Hands) -> str:
    """What the service that is shown answers who follows its address; back at its page after it."""
    hands.follow(re.compile("^http:"), hands.page.locator("#part-standing"))
    text = hands.page.locator("body").inner_text()
    hands.page.go_back()
    hands.page.locator("#part-standing").wait_for()
    return text


def places_of(hands: Hands) -> Sequence[str]:
    """All that the navigation leads to, by its words."""
    links = hands.page.get_by_role("navigation", name="Main").locator("a")
    return list(dict.fromkeys(text.strip() for text in links.all_text_contents()))


def left_on(running: Panel, deployment_id: str) -> list[Path]:
    """What lies on the machine of a deployment, where builds and applications have their folders."""
    return [*running.work.rglob(f"*{deployment_id}*")]
