"""A log of a million lines is shown, jumped in, searched and scrolled like a short one, by the panel and a browser."""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headway.infra.logs.logfile import close_log
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from tests.integration.logs.spool import Spool
from tests.support.panel.browser import CHROMIUM, FLAGS
from tests.support.panel.panel import Panel, git_repository, until, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LINES = 1_000_000
NEEDLE = "the one needle of this log"
MOST_LINES_MS = 100
MOST_FIND_SECONDS = 1.9
FIRST_MS, JUMP_MS, SEARCH_MS, FRAME_MS, TAB_MIB = 300, 200, 1_000, 100, 300
A_SECOND, SECONDS = 2_000, 15  # lines that somebody follows

# Asks frame by frame until a line of this number stands where it is seen.
SEEN = """
  (wanted) => new Promise((done) => {
    const begun = performance.now();
    const look = () => {
      const log = document.querySelector("#log.log-whole"), place = log.getBoundingClientRect();
      const line = [...log.querySelectorAll(".log-line:not(.log-missing)")].find((each) =>
        each.firstElementChild.dataset.n === String(wanted));
      const at = line?.getBoundingClientRect();
      const isSeen = at && at.top >= place.top - 1 && at.bottom <= place.bottom + 1;
      if (isSeen || performance.now() - begun > 30_000) done(performance.now() - begun);
      else requestAnimationFrame(look);
    };
    look();
  })
"""


@pytest.fixture
def panel() -> Iterator[Panel]:
    with tempfile.TemporaryDirectory(prefix="headway-lines-") as folder:
        Path(folder).chmod(0o711)
        panel = Panel(Path(folder) / "data")
        try:
            panel.start()
            yield panel
        finally:
            panel.clean_up()


@pytest.mark.parametrize("is_coloured", [False, True])
def test_a_million_lines(panel: Panel, tmp_path: Path, is_coloured: bool) -> None:  # noqa: FBT001
    application_id = panel.application(git_repository(tmp_path / "repository", web("x")))
    deployment_id = panel.deploy(application_id)
    panel.done(deployment_id)
    paths = LogPaths(panel.data_dir / "logs")
    asyncio.run(paths.remove(deployment_id))
    seconds = asyncio.run(_written(paths.log(deployment_id), tmp_path / "spool", is_coloured=is_coloured))
    size, beside = paths.log(deployment_id).stat().st_size, paths.lines(deployment_id).stat().st_size
    print(f"\n{size >> 20} MiB pumped in {seconds:.1f} s, its index has {beside >> 10} KiB; coloured: {is_coloured}")
    _look(panel, deployment_id)
    paths.lines(deployment_id).unlink()
    begun = time.monotonic()
    assert panel.get("deployment.lines", deploymentId=deployment_id, count=1)["total"] == LINES + 1
    print(f"the first lines of one without an index: {time.monotonic() - begun:.2f} s")
    assert paths.lines(deployment_id).exists()
    _look(panel, deployment_id)


def _look(panel: Panel, deployment_id: str) -> None:
    given = {"deploymentId": deployment_id}
    for what, asked in (("first", {"from": 1}), ("middle", {"around": 600_000}), ("last", {"count": 500})):
        found, times = panel.get("deployment.lines", **given, **asked), []
        for _ in range(20):
            begun = time.monotonic()
            panel.get("deployment.lines", **given, **asked)
            times.append(1000 * (time.monotonic() - begun))
        assert (len(found["rows"]), found["total"]) == (500, LINES + 1)
        if what == "middle":
            assert "".join(text for _, text in found["rows"][250]["runs"]).startswith("600000 ")
        print(f"500 lines, {what}: {statistics.median(times):.0f} ms (median of 20, the fastest {min(times):.0f})")
        assert min(times) < MOST_LINES_MS
    for text, is_regex, hits in ((NEEDLE, False, 1), ("need.e of (this|that)", True, 1), ("no such words", False, 0)):
        begun = time.monotonic()
        found = panel.get("deployment.find", **given, text=text, regex=str(is_regex).lower())
        took = time.monotonic() - begun
        assert (found["cut"], found["total"]) == (None, hits)
        assert found["hits"] == ([LINES - 1] if hits else [])
        print(f"search for {text!r} through all of it: {took:.2f} s")
        assert took < MOST_FIND_SECONDS
    found = panel.get("deployment.find", **given, text="compiling", direction="backward")
    print(f"a word in each line: {found['seconds']:.2f} s, {found['total']} lines; ended at line {found['cut']}")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_million_lines_in_a_browser(panel: Panel, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    application_id = panel.application(git_repository(tmp_path / "repository", web("x")))
    deployment_id = panel.deploy(application_id)
    panel.done(deployment_id)
    log = LogPaths(panel.data_dir / "logs").log(deployment_id)
    asyncio.run(LogPaths(panel.data_dir / "logs").remove(deployment_id))
    asyncio.run(_written(log, tmp_path / "spool", is_coloured=True))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = _signed_in(panel, browser)
            figures = (
                ("first lines", _show_first(page, deployment_id), FIRST_MS),
                ("jump", _jump(page), JUMP_MS),
                ("search", _search(page), SEARCH_MS),
                ("longest frame", _scroll(page), FRAME_MS),
                ("MiB of the tab (PSS of its process)", _renderer_mib(), TAB_MIB),
            )
            for name, figure, most in figures:
                print(f"{name}: {figure:.0f}, at most {most}")
            assert [name for name, figure, most in figures if figure > most] == []
        finally:
            browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_log_is_followed_by_a_browser_over_the_end_of_a_panel(panel: Panel, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    loop = 'i=0; while [ $i -lt {0} ]; do i=$((i+1)); seq -f "$i.%.0f and what is said of it" {1}; sleep 0.1; done'
    build = f"sleep 5; {loop.format(10 * SECONDS, A_SECOND // 10)}"
    repository = git_repository(tmp_path / "repository", web("x"))
    deployment_id = panel.deploy(panel.application(repository, buildCommand=build))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = _signed_in(panel, browser)
            page.goto(f"/deployments/{deployment_id}")
            page.wait_for_function("() => document.querySelector('#log.log-whole .log-text')")
            until(lambda: "30.200 " in panel.deployment_log(deployment_id), 60)
            behind = [_behind(page, panel, deployment_id) for _ in range(10)]
            print(f"\nfollowed at {A_SECOND} lines a second, it is behind by at most {max(behind)} lines")
            assert max(behind) < A_SECOND
            panel.kill()
            panel.start()
            panel.done(deployment_id, 120)
            page.get_by_role("button", name="To the end").wait_for(timeout=60_000)
            total = panel.get("deployment.lines", deploymentId=deployment_id, count=1)["total"]
            told = page.locator("[data-log-total]").inner_text()
            assert re.sub(r"\D", "", told) == str(total)
            said = panel.get(
                "deployment.find", deploymentId=deployment_id, text=r"^[0-9]+\.[0-9]+ and what", regex="true"
            )
            assert said["total"] == A_SECOND * SECONDS, "no line is lost or doubled"
        finally:
            browser.close()


def _signed_in(panel: Panel, browser: Browser) -> Page:
    link = re.search(r"^To sign in, open within an hour, once: (\S+)$", panel.log(), re.MULTILINE)
    assert link is not None, panel.log()
    context = browser.new_context(base_url=f"http://127.0.0.1:{panel.port}", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.goto(link[1])
    page.get_by_label("Name to sign in with").fill("owner")
    page.get_by_label("Password", exact=True).fill("a long enough password")
    page.get_by_role("button", name="Set the password and sign in").click()
    page.wait_for_url("**/home")
    return page


def _show_first(page: Page, deployment_id: str) -> float:
    times = list[float]()
    for _ in range(5):
        page.goto(f"/deployments/{deployment_id}")
        page.wait_for_function("() => document.querySelector('#log.log-whole .log-text')")
        times.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    print(f"\nfirst lines, which the panel has written into the page: {min(times):.0f} ms (of 5; {max(times):.0f})")
    return min(times)


def _jump(page: Page) -> float:
    times = list[float]()
    for line in (1, 500_000, 999_000, 250_000, 750_123, 12_345):
        page.evaluate("(line) => { location.hash = `#L${line}`; }", line)
        times.append(page.evaluate(SEEN, line))
    print(f"a jump to any line: {statistics.median(times):.0f} ms (median of 6; {max(times):.0f})")
    return statistics.median(times)


def _search(page: Page) -> float:
    page.get_by_label("Find in the log").fill(NEEDLE)
    page.keyboard.press("Enter")
    took = float(page.evaluate(SEEN, LINES - 1))
    print(f"a search to the last hit: {took:.0f} ms")
    return took


def _scroll(page: Page) -> float:
    page.evaluate("location.hash = '#L400000'")
    page.evaluate(SEEN, 400_000)
    page.evaluate(
        """() => {
          globalThis.frames_ = [];
          let last = performance.now();
          const next = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(next); };
          requestAnimationFrame(next);
        }"""
    )
    page.locator("#log").hover()
    for way in (1, -1):
        for _ in range(60):
            page.mouse.wheel(0, 700 * way)
            page.wait_for_timeout(16)
    for share in range(20):
        page.evaluate(
            "(share) => { const log = document.getElementById('log'); log.scrollTop = log.scrollHeight * share; }",
            share / 20,
        )
        page.wait_for_timeout(50)
    frames: list[float] = page.evaluate("frames_")
    print(f"{len(frames)} frames while it is scrolled, the longest {max(frames):.0f} ms")
    assert page.locator("#log .log-line").count() < 500
    return max(frames)


def _renderer_mib() -> float:
    """The proportional share of memory of the largest process that draws pages."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                rollup = (process / "smaps_rollup").read_text()
                found.append(int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]))  # type: ignore[index]
        except OSError:
            continue
    return max(found) / 1024


def _behind(page: Page, panel: Panel, deployment_id: str) -> int:
    """By how many lines the last that is seen is behind what the log had before."""
    total = int(panel.get("deployment.lines", deploymentId=deployment_id, count=1)["total"])
    shown = int(
        page.evaluate("Math.max(...[...document.querySelectorAll('#log .log-number')].map((each) => +each.dataset.n))")
    )
    time.sleep(0.2)
    return max(0, total - shown)


async def _written(log: Path, spool: Path, *, is_coloured: bool) -> float:
    rest = "compiling a module of many, with a path that is long and words that say what is done, " * 3
    begin, end = ("\x1b[32m", "\x1b[0m") if is_coloured else ("", "")
    with spool.open("w") as file:
        for number in range(1, LINES + 1):
            said = f"{begin}the one{end} needle of this log" if number == LINES - 1 else rest
            file.write(f"{number} {begin}ok{end} {said}\n")
    begun, masker = time.monotonic(), Masker(["a-secret-that-is-never-printed"])
    pump = Pump(Spool(spool), log, masker, lambda _: None)
    await close_log(log, await pump.finish(), "Deployment done.", masker)
    return time.monotonic() - begun
