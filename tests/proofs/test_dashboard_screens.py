"""Every page of an empty, a usual and an overfull panel in a real browser: light and dark, wide and narrow. Nothing is
complained of, nothing leaves, nothing scrolls sideways, nothing is heavy; and of the usual one, nothing keeps anybody
from using it (WCAG 2.2 AA, by axe-core).

The pictures lie in build/screens afterwards. With ``WRITE=1`` some of them become docs/pictures/pages.png, and the
README's three are taken anew; ``STATES`` names the states, where not all of them are wanted.
"""

from __future__ import annotations

import html
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from headway.operations import all_pages
from tests.e2e.axe import axe_source, violations
from tests.integration.web.watched import WITH_AN_ENGINE
from tests.proofs._overfull import overfill, overlong
from tests.support.panel.addresses import addresses, passkey_id, questions, session_id, statuses
from tests.support.panel.browser import chromium, complaints, session_of, visited
from tests.support.panel.inventory import inventory, plain
from tests.support.panel.panel import Panel
from tests.support.panel.past import add_past

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENS, PICTURES = ROOT / "build/screens", ROOT / "docs/pictures"
STATES = os.environ.get("STATES", "empty typical overfull").split()
WIDTHS = {1440: 900, 390: 844}
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
MOST_BYTES = 150_000  # on the wire, with all that a page loads
SHOWN = (
    "/home",
    "/palette",
    "/deployments",
    "/deployments/{deploymentId} deployment that failed",
    "/services/{serviceId} application",
    "/services/{serviceId}/variables application",
    "/projects/{projectId} project",
    "/schedules/{scheduleId} schedule",
    "/backups/{backupId} volume backup",
    "/servers/{serverId} server",
    "/previews",
    "/notifications/{notificationId} channel",
    "/settings",
)
IN_THE_README: Mapping[str, tuple[str, Literal["light", "dark"]]] = {
    "home": ("/home", "light"),
    "deployment": ("/deployments/{deploymentId} deployment that failed", "light"),
    "service": ("/services/{serviceId} application", "dark"),
}
AT_A_FORGE = "/new/provider/{gitProviderId}/{owner}/{repository}"  # whose forms ask a forge, which is none here
# What stands out of the window, for a person who mends it.
WIDE = """
  () => {
    const wide = [...document.querySelectorAll("body *")].filter((each) => {
      const box = each.getBoundingClientRect();
      return box.width > 0 && box.right > innerWidth + 1 && getComputedStyle(each).position !== "fixed";
    });
    return document.documentElement.scrollWidth <= innerWidth ? []
      : wide.slice(0, 5).map((each) => `${each.tagName.toLowerCase()}.${each.className}`);
  }
"""


@dataclass(frozen=True, kw_only=True)
class State:
    """A panel in a state: its pages by their names, each with the path that it is registered with and its address."""

    name: str
    running: Panel
    cookie: str
    pages: Mapping[str, tuple[str, str]]
    odd: Mapping[str, int]

    @property
    def addresses(self) -> dict[str, str]:
        """Where the pages are."""
        return {name: address for name, (_, address) in self.pages.items()}


@pytest.fixture(scope="module", params=STATES)
def state(request: pytest.FixtureRequest) -> Iterator[State]:
    name = request.param
    env = {"HEADWAY_DOCKER_HOST": "unix:///nowhere.sock", "HEADWAY_CONCURRENCY": "3"}
    with tempfile.TemporaryDirectory(prefix="headway-screens-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        running = Panel(Path(folder) / "data", **env)
        stack.callback(running.clean_up)
        running.start()
        cookie = session_of(running)
        things = {"session": {"{sessionId}": session_id(running, cookie)}}
        if name != "empty":
            made = stack.enter_context(inventory(running, Path(folder), plain if name == "typical" else overlong))
            made.make()
            ends = add_past(running, made.places, made.named)
            made.things |= {f"deployment {end}": {"{deploymentId}": each} for end, each in ends.items()}
            if name == "overfull":
                overfill(running, made)
            passkey = passkey_id(running, cookie, made.named("Telephone", 64))
            things |= made.things | {"passkey": {"{passkeyId}": passkey}}
        yield shown(name, running, cookie, things)


def shown(name: str, running: Panel, cookie: str, things: Mapping[str, Mapping[str, str]]) -> State:
    """What a panel has to show: of a thing there need not be every page."""
    pages = addresses(things)
    answered = statuses(running, cookie, {each: address for each, (_, address) in pages.items()})
    there = {each: page for each, page in pages.items() if answered[each] == 200}
    odd = {each: status for each, status in answered.items() if status not in {200, 404}}
    return State(name=name, running=running, cookie=cookie, pages=there, odd=odd)


@pytest.fixture(scope="module")
def browser(state: State) -> Iterator[Browser]:
    del state  # which is ended after the browser
    with chromium() as launched:
        yield launched


class Weight:
    """How many bytes came over the wire since a page was asked for, with nothing kept from before."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0.0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.loadingFinished", self._add)

    def _add(self, told: Mapping[str, Any]) -> None:
        self.bytes += told["encodedDataLength"]


def test_every_page_is_there(state: State) -> None:
    """Of what the usual panel and the overfull one hold, each page has something to show."""
    assert state.odd == {}
    if state.name == "empty":
        assert {path for path, _ in state.pages.values() if "{" not in path} == {
            path for path in all_pages() if "{" not in path
        }
    else:
        assert {path for path, _ in state.pages.values()} == set(all_pages()) - WITH_AN_ENGINE
    print(f"{state.name}: {len(state.pages)} pages")


def test_every_page_in_every_light_and_width(state: State, browser: Browser) -> None:
    folder = SCREENS / state.name
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    weights: dict[str, int] = {}
    with visited(state.running, browser, state.cookie, still=True) as page:
        said, weight = complaints(state.running, page), Weight(page)
        for name, address in state.addresses.items():
            weight.bytes = 0
            page.set_viewport_size({"width": 1440, "height": 900})
            page.goto(address)
            settle(page)
            weights[name] = round(weight.bytes)
            problems = [*looked_at(page, folder, file_of(name)), *said]
            problems += [f"{weights[name]} bytes"] if weights[name] > MOST_BYTES else []
            if problems:
                found[name] = problems
            said.clear()
    heaviest = sorted(weights, key=weights.__getitem__, reverse=True)[:5]
    print(f"{state.name}, the heaviest:", {each: weights[each] for each in heaviest})
    assert found == {}


def looked_at(page: Page, folder: Path, name: str) -> list[str]:
    """Takes a picture of a page in every light and width; where it scrolls sideways, and what does."""
    found = []
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(50)
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"scrolls sideways at {width}: {page.evaluate(WIDE)}")
    return found


def test_nothing_keeps_anybody_from_using_a_page(
    state: State, browser: Browser, request: pytest.FixtureRequest
) -> None:
    if state.name != "typical":
        pytest.skip("the pages of other states are made of the same pieces")
    assert request.config.cache is not None
    source, found = axe_source(request.config.cache), dict[str, list[str]]()
    asked = {each: address for each, address in questions(state.pages).items() if not each.startswith(AT_A_FORGE)}
    answered = statuses(state.running, state.cookie, asked)
    assert {each: status for each, status in answered.items() if status not in {200, 404}} == {}
    addressed = state.addresses | {each: address for each, address in asked.items() if answered[each] == 200}
    with visited(state.running, browser, state.cookie, still=True) as page:
        for name, address in addressed.items():
            page.goto(address)
            settle(page)
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    for each in violations(page, source):
                        found.setdefault(each, []).append(f"{name} {width} {scheme}")
    print(f"{len(addressed)} pages in {len(WIDTHS) * len(SCHEMES)} looks: {len(found)} violations")
    assert {each: places[:4] for each, places in found.items()} == {}


def test_some_of_them_become_one_picture(state: State, browser: Browser) -> None:
    if state.name != "typical" or os.environ.get("WRITE") != "1":
        pytest.skip("asked for by WRITE=1, of the usual state")
    looks = [(name, SCHEMES[number % 2]) for number, name in enumerate(SHOWN)]
    figures = "".join(
        f'<figure><img src="{html.escape(file_of(name))}-1440-{scheme}.png"></figure>' for name, scheme in looks
    )
    style = (
        "body{margin:0;padding:10px;display:grid;grid-template-columns:repeat(4,1fr);gap:10px;background:#8a919b}"
        "figure{margin:0;height:230px;overflow:hidden;border-radius:4px}img{width:100%}"
    )
    sheet = SCREENS / state.name / "sheet.html"
    sheet.write_text(f"<!doctype html><style>{style}</style>{figures}")
    page = browser.new_page(viewport={"width": 1400, "height": 740})
    page.goto(sheet.as_uri())
    page.screenshot(path=PICTURES / "pages.png", full_page=True)
    page.close()


def test_three_of_them_become_the_readmes(state: State, browser: Browser) -> None:
    if state.name != "typical" or os.environ.get("WRITE") != "1":
        pytest.skip("asked for by WRITE=1, of the usual state")
    with visited(state.running, browser, state.cookie, still=True) as page:
        page.set_viewport_size({"width": 1200, "height": 840})
        for picture, (name, scheme) in IN_THE_README.items():
            page.emulate_media(color_scheme=scheme)
            page.goto(state.addresses[name])
            settle(page)
            page.screenshot(path=PICTURES / f"{picture}.png")


def settle(page: Page) -> None:
    """Returns once a page has pulled what it shows by its scripts: the lines of a log stand in it already."""
    page.wait_for_timeout(250)


def file_of(name: str) -> str:
    """The name of a page's pictures."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
