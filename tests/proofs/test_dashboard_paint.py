"""How soon the pages that people see most are drawn here, that nothing in them moves by itself afterwards, and
how heavy they are: by the browser's own figures, each time in a browser that has seen nothing of the panel before.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.panel.browser import chromium, session_of, visited
from tests.support.panel.inventory import inventory
from tests.support.panel.panel import panel
from tests.support.panel.past import add_past

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession

    from tests.support.panel.panel import Panel

TIMES = 7
MOST_MILLISECONDS = 500
MOST_BYTES = 150_000
SECONDS_AFTER = 4  # parts are pulled each three seconds
PAGES = {
    "home": "/home",
    "deployments": "/deployments",
    "a deployment that failed": "/deployments/{failed}",
    "a deployment that runs": "/deployments/{runs}",
    "a service": "/services/{service}",
    "its log": "/services/{service}/log",
    "its terminal": "/services/{service}/terminal",
}
# What has moved without anybody's doing, by how much and which elements.
WATCH = """
  globalThis.moved_ = [];
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) {
      const of = each.sources.map((source) => source.node?.outerHTML?.slice(0, 120) ?? "");
      if (!each.hadRecentInput) moved_.push([each.value, of]);
    }
  }).observe({ type: "layout-shift", buffered: true });
"""


def drawn(
    running: Panel, browser: Browser, cookie: str, address: str
) -> tuple[float, list[tuple[float, list[str]]], float]:
    """Milliseconds until the first content was drawn, what has moved, and the bytes that came over the wire."""
    with visited(running, browser, cookie) as page:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.add_init_script(WATCH)
        session: CDPSession = page.context.new_cdp_session(page)
        session.send("Network.enable")
        came: list[float] = []
        session.on("Network.loadingFinished", lambda told: came.append(told["encodedDataLength"]))
        page.goto(address, wait_until="load")
        weight = sum(came)
        page.wait_for_timeout(SECONDS_AFTER * 1_000)
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        return first, page.evaluate("moved_"), weight


def test_pages_are_drawn_at_once_stand_still_and_weigh_little(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with (
        panel(tmp_path / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as running,
        inventory(running, tmp_path) as made,
        chromium() as browser,
    ):
        made.begin()
        ids = {**add_past(running, made.places), "service": made.application_id}
        running.post("application.update", applicationId=made.application_id, buildCommand="seq 1000; sleep 600")
        ids["runs"] = running.deploy(made.application_id)
        running.running(ids["runs"], "1000\n", 60)
        cookie = session_of(running)
        wrong = []
        print(f"\n{'page':28}{'first content, ms':>20}{'moved':>8}{'kB':>8}")
        for name, address in PAGES.items():
            found = [drawn(running, browser, cookie, address.format(**ids)) for _ in range(TIMES)]
            first = statistics.median(each for each, _, _ in found)
            moved = max(sum(value for value, _ in each) for _, each, _ in found)
            weight = max(each for _, _, each in found)
            print(f"{name:28}{first:12.0f} ({max(each for each, _, _ in found):4.0f}){moved:9.4f}{weight / 1_000:8.1f}")
            wrong += [f"{name}: drawn after {first:.0f} ms"] if first >= MOST_MILLISECONDS else []
            wrong += [f"{name}: {of} moved by {value}" for _, each, _ in found for value, of in each]
            wrong += [f"{name}: {weight} bytes"] if weight >= MOST_BYTES else []
        running.post("deployment.killProcess", deploymentId=ids["runs"])
    assert wrong == []


def test_it_sees_what_moves(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running, chromium() as browser, visited(running, browser) as page:
        page.add_init_script(WATCH)
        page.goto("/sign-in")
        page.wait_for_timeout(500)
        assert page.evaluate("moved_") == []
        page.evaluate(
            "document.querySelector('main').prepend(Object.assign(document.createElement('pre'), {textContent: '1'}))"
        )
        page.wait_for_timeout(500)
        assert page.evaluate("moved_").pop()[0] > 0
