"""Every text from outside on every page in a real browser, every forged request, and the table of access for pages: the
whole of what the suite tries in part.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headway.operations import all_pages
from tests.integration.http.serving import served
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import COOKIE, signed_in
from tests.integration.web.outside import PAYLOADS, PRODUCT, SECRET, Filled, asked_with, filled
from tests.integration.web.page_rows import PEOPLE
from tests.integration.web.shown import ELEMENTS, wrongs
from tests.integration.web.test_foreign_requests import nothing_forged_is_done
from tests.integration.web.test_page_access import gets_what_the_rows_say
from tests.support.forges.forge_apis import TOKEN, forge_api
from tests.support.panel.browser import CHROMIUM, FLAGS, is_complaint

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Page

WIDTH, HEIGHT = 390, 844
# What a page has made of a text, by what the browser itself has read.
LOOK = """
  ({elements, product, secret, width}) => {
    const wrong = [], own = (value) => {
      try { return new URL(value, location.href).origin === location.origin; } catch { return false; }
    };
    for (const each of document.querySelectorAll("*")) {
      const tag = each.localName;
      if (!elements.includes(tag)) wrong.push(`element ${tag}`);
      for (const {name, value} of each.attributes) {
        // A style as it was sent is seen in the HTML, and refused by the policy; here are those that our scripts set.
        if (name.startsWith("on") || ["srcdoc", "srcset"].includes(name)) wrong.push(`${name} of ${tag}`);
        if (!["href", "src", "action", "formaction", "data", "xlink:href"].includes(name)) continue;
        const isWeb = tag === "a" && name === "href" && /^https?:$/.test(each.protocol);
        if (!isWeb && !own(value)) wrong.push(`${name} of ${tag}: ${value.slice(0, 200)}`);
        if (/^\\s*(javascript|data|vbscript):/i.test(value)) wrong.push(`${name} of ${tag}: ${value.slice(0, 200)}`);
      }
      if (tag === "form" && !own(each.getAttribute("action") ?? "")) wrong.push("a form that leads away");
    }
    const text = document.documentElement.innerHTML;
    if (text.includes(product)) wrong.push("a template was made of a text");
    if (text.includes(secret)) wrong.push("a secret stands on it");
    const wide = document.scrollingElement.scrollWidth;
    if (width && wide > width) {
      const last = [...document.querySelectorAll("main *")].filter((each) => {
        const place = each.getBoundingClientRect();
        return place.right > width + 1 && place.width > 0;
      }).slice(0, 3).map((each) => `${each.localName}.${each.className} ${each.textContent.trim().slice(0, 30)}`);
      wrong.push(`it is ${wide} wide: ${last.join("; ")}`);
    }
    return [...new Set(wrong)];
  }
"""


@asynccontextmanager
async def _world(folder: Path, template: Path) -> AsyncIterator[World]:
    folder.mkdir()
    shutil.copyfile(template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("what", PAYLOADS)
async def test_a_text_is_only_text_in_a_browser(tmp_path: Path, sqlite_template: Path, what: str) -> None:
    found = await _opened(tmp_path / "data", sqlite_template, what, PAYLOADS[what])
    wrong = {name: said for name, said in found.items() if said}
    for name, said in wrong.items():
        print(f"  {name}: {said[:4]}")
    assert wrong == {}
    assert len(found) > 2 * len(all_pages())


async def _opened(folder: Path, template: Path, what: str, text: str) -> dict[str, list[str]]:
    """What a browser finds on every page of a world that is full of a text."""
    begun = time.monotonic()
    with forge_api("gitea") as names, forge_api("gitea") as branches, forge_api("gitea") as failing:
        names.facts.path = f"team/{text.replace('/', '-')}"
        branches.facts.branches = {"main": "1" * 40, text: "2" * 40}
        failing.facts.failing = (500, {}, text.encode())
        async with _world(folder, template) as world, signed_in(world) as client:
            providers = {
                each: (await world.post("gitea.create", giteaUrl=api.url, accessToken=TOKEN))["gitProviderId"]
                for each, api in (("names", names), ("branches", branches), ("failing", failing))
            }
            full = await filled(world, client, text)
            async with served(world) as server:
                origin = f"http://127.0.0.1:{server.port}"
                addresses = {**_asked(full, text), **_of_forges(providers)}
                found = await _looked_at(origin, client.cookies[COOKIE], addresses)
    seconds = time.monotonic() - begun
    print(f"\n{what}: {full.taken} fields took it; {len(found)} addresses opened, {seconds:.0f} s")
    return found


def _asked(full: Filled, text: str) -> dict[str, str]:
    addresses = full.addresses()
    looked = {f"{name}?": f"{addresses[name]}?{asked_with(text)}" for name in addresses if name in all_pages()}
    return {**addresses, **looked, **full.named_by(text)}


def _of_forges(providers: Mapping[str, str]) -> dict[str, str]:
    """The pages that show what a git provider answers."""
    page = "/new/provider/{gitProviderId}"
    within = f"/new/provider/{providers['branches']}/team/app"
    forms = {f"{page}, {name}": f"{within}/{name}" for name in all_pages()[f"{page}/{{owner}}/{{repository}}"]().forms}
    return {f"{page}, {name}": f"/new/provider/{each}" for name, each in providers.items()} | forms


async def _looked_at(origin: str, cookie: str, addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """What the browser finds at each address, and what it complains of."""
    from playwright.async_api import async_playwright

    found: dict[str, list[str]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(base_url=origin, viewport={"width": WIDTH, "height": HEIGHT})
        await context.add_cookies([{"name": f"headway-{origin.rpartition(':')[2]}", "value": cookie, "url": origin}])
        page = await context.new_page()
        said = _listened_to(page, origin)
        for name, address in addresses.items():
            said.clear()
            answer = await page.goto(address, wait_until="load")
            assert answer is not None
            given = {"elements": sorted(ELEMENTS), "product": PRODUCT, "secret": SECRET}
            # A part alone has no style of its own: how wide it is, its page shows.
            wrong = await page.evaluate(LOOK, {**given, "width": 0 if "/-/" in name else WIDTH})
            status = answer.status
            expected = "/-/" not in name and name in all_pages()
            wrong += sorted(set(wrongs(await answer.body())))
            wrong += [f"status {status}"] if (status != 200 if expected else status >= 500) else []
            # What a script asks with a text that is too long for it is refused, and its field says so.
            known = f"status of {400 if name.endswith('?') and status < 400 else status}"
            wrong += [each for each in said if (status < 400 and not name.endswith("?")) or known not in each]
            found[name] = wrong
        await browser.close()
    return found


def _listened_to(page: Page, origin: str) -> list[str]:
    """All that a page does that none may do, as it does it."""
    said: list[str] = []

    async def dialog(opened: Any) -> None:  # noqa: ANN401 - Playwright's own
        said.append(f"dialog: {opened.message}")
        await opened.dismiss()

    page.on("dialog", dialog)
    page.on("popup", lambda opened: said.append(f"popup: {opened.url}"))
    page.on("console", lambda told: said.append(told.text) if _is_complaint(told) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for event in ("request", "framenavigated"):
        page.on(event, lambda told: None if told.url.startswith((f"{origin}/", "data:,")) else said.append(told.url))
    return said


def _is_complaint(told: ConsoleMessage) -> bool:
    """Whether it complains, but of the icon that a browser asks for where a part, which names none, is opened alone."""
    return is_complaint(told) and not str(told.location["url"]).endswith("/favicon.ico")


async def test_nothing_that_is_forged_is_done(tmp_path: Path, sqlite_template: Path) -> None:
    async with _world(tmp_path / "data", sqlite_template) as world:
        await nothing_forged_is_done(world, 1)


@pytest.mark.parametrize("name", PEOPLE)
async def test_everybody_gets_what_the_row_says(tmp_path: Path, sqlite_template: Path, name: str) -> None:
    async with _world(tmp_path / "data", sqlite_template) as world:
        await gets_what_the_rows_say(world, name, 1)
