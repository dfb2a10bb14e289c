"""What open pages are told, over a real socket: what they asked for and may know, for as long as they may."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.cli.sse import Event, EventReader
from headway.core.deployments.status import Status
from headway.http.server import Server
from headway.kernel.events import Whose
from tests.integration.http import test_hooks as hooks
from tests.integration.http.callers import CALLERS, admit_callers, give
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.serving import served
from tests.integration.http.test_notification import channel, turn
from tests.integration.http.world import KEYS, World, open_world
from tests.integration.web.browsers import COOKIE, OWN, form_token_of, signed_in
from tests.support.notifications.receivers import receiver
from tests.unit.features.webhooks import deliveries as sent

OF_ADMINS = ("registries", "invitations", "notifications", "sshKeys", "destinations", "gitProviders")
READ = {"sec-fetch-site": "same-origin", "accept": "text/event-stream"}


class Told:
    """One open page, and what it was told."""

    def __init__(self, answer: httpx.Response) -> None:
        self.headers = answer.headers
        self._answer = answer
        self._pieces = answer.aiter_bytes()
        self._parse = EventReader()
        self._events: list[Event] = []

    async def next(self) -> tuple[str, Any]:
        """The next event."""
        async with asyncio.timeout(10):
            while not self._events:
                self._events += self._parse.feed(await anext(self._pieces))
        event = self._events.pop(0)
        return event.kind, json.loads(event.data)

    async def topics(self) -> list[str]:
        """The topics of the next event that tells of a change."""
        kind, data = await self.next()
        assert kind == "changed", (kind, data)
        return sorted(data["topics"])

    async def end(self) -> None:
        """Returns once it is sent away; whatever it is told before."""
        async with asyncio.timeout(10):
            async for _ in self._pieces:
                pass


def client_of(server: Server, browser: httpx.AsyncClient, name: str = COOKIE) -> httpx.AsyncClient:
    """The same session at a served world."""
    cookie = f"headway-{server.port}={browser.cookies[name]}"
    headers = {**READ, "cookie": cookie, "accept-encoding": "identity"}
    base_url = f"http://127.0.0.1:{server.port}"
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=20, trust_env=False)


@asynccontextmanager
async def looking(world: World) -> AsyncIterator[tuple[httpx.AsyncClient, Server]]:
    """The owner's session at a served world."""
    async with signed_in(world) as browser, served(world) as server, client_of(server, browser) as client:
        yield client, server


@asynccontextmanager
async def told(client: httpx.AsyncClient, topics: Sequence[str]) -> AsyncIterator[Told]:
    """A page that looks at these."""
    async with client.stream("GET", "/live", params={"topic": list(topics)}) as answer:
        assert answer.status_code == 200, await answer.aread()
        page = Told(answer)
        kind, data = await page.next()
        assert (kind, sorted(data)) == ("beat", ["now"])
        yield page


async def test_a_page_is_told_what_it_asked_for_and_nothing_else(world: World) -> None:
    application_id = await world.application()
    other_id = await world.application("other")
    topics = [f"service:{application_id}", "unknown:thing"]
    async with looking(world) as (client, _), told(client, topics) as page:
        assert page.headers["content-type"] == "text/event-stream; charset=utf-8"
        await world.deploy(other_id)
        await world.deploy(application_id)
        assert await page.topics() == topics[:1]


async def test_a_page_is_told_of_nothing_that_its_reader_may_not_see(world: World) -> None:
    application_id = await world.application()
    project_id = (await world.get("application.one", applicationId=application_id))["environment"]["projectId"]
    members = await admit_callers(world)
    for name in ("member of the project", "member with the service"):
        await give(world, members[CALLERS[name]], CALLERS[name], project_id, application_id)
    own = [f"service:{application_id}", "services", "deployments"]
    topics = [*own, "auditLogs", *OF_ADMINS, "servers", "marker"]
    people = ("Owner", "admin", "in-project", "in-service", "member", "stranger")
    homes = [(await client.get("/user.get")).json()["organizationId"] for client in (world.owner, world.stranger)]
    async with served(world) as server, AsyncExitStack() as stack:
        pages = {}
        for person in people:
            browser = await stack.enter_async_context(signed_in(world, person))
            client = await stack.enter_async_context(client_of(server, browser))
            pages[person] = await stack.enter_async_context(told(client, topics))
        await world.deploy(application_id)
        await world.post("registry.create", registryName="r", username="u", password="p", registryUrl="r.example")
        await world.post("organization.inviteMember", email="mia@example.org", role="member")
        await world.post("notification.create", name="ops", endpoint="http://127.0.0.1:1")
        await world.post("sshKey.create", name="key")
        await world.post("destination.create", name="here", provider="local")
        await world.post("gitea.create", giteaUrl="http://127.0.0.1:1", accessToken="x")
        await world.post("server.create", **A_SERVER)
        for home in homes:
            world.platform.base.events.changed(Whose(organization_id=home, everyone=True), "marker")
        found = {person: await _until_marker(page) for person, page in pages.items()}
    assert found == {
        "Owner": sorted([*own, "auditLogs", *OF_ADMINS, "servers"]),
        "admin": sorted([*own, "auditLogs", *OF_ADMINS, "servers"]),
        "in-project": sorted([*own, "servers"]),
        "in-service": sorted([*own, "servers"]),
        "member": ["servers"],
        "stranger": [],
    }


async def test_what_comes_by_itself_is_told(world: World) -> None:
    """Deliveries of webhooks, which nobody has signed in for, and what became of a notice."""
    application_id, url = await hooks.told(world)
    with receiver() as heard:
        made = await channel(world, heard)
        await world.ended(application_id, Status.ERROR)
        own = f"notification:{made['notificationId']}"
        async with looking(world) as (client, _), told(client, ["deliveries", own]) as page:
            await hooks.deliver(world, url, sent.github())
            assert await page.topics() == ["deliveries"]
            await turn(world)
            assert await page.topics() == [own]


async def test_only_a_page_of_this_panel_with_a_session_is_told(world: World) -> None:
    async with signed_in(world) as browser, served(world) as server, client_of(server, browser) as client:
        one = {"topic": "services"}
        cookie, key = client.headers["cookie"], {"x-api-key": KEYS["owner"]}
        refused = {
            "no session": await _status(client, one, cookie=""),
            "a key": await _status(client, one, cookie="", **key),
            "another cookie": await _status(client, one, cookie=cookie[:-3]),
            "another site": await _status(client, one, **{"sec-fetch-site": "cross-site"}),
            "another origin": await _status(client, one, origin="http://evil.example"),
            "no topic": await _status(client, {}),
            "17 topics": await _status(client, {"topic": [f"service:{number}" for number in range(17)]}),
            "a long topic": await _status(client, {"topic": "x" * 101}),
            "by POST": (await client.post("/live", params=one)).status_code,
        }
        async with told(client, [f"service:{number}" for number in range(16)]):
            pass
    assert refused == {
        **dict.fromkeys(("no session", "a key", "another cookie"), 401),
        **dict.fromkeys(("another site", "another origin"), 403),
        **dict.fromkeys(("no topic", "17 topics", "a long topic"), 400),
        "by POST": 404,
    }


async def test_nobody_looks_at_more_than_a_person_may(tmp_path: Path, sqlite_template: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, HEADWAY_STREAMS_PER_PERSON="2") as world, looking(world) as (client, _):
        async with told(client, ["services"]), told(client, ["deployments"]):
            answer = await client.get("/live", params={"topic": "services"})
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
            assert answer.headers["x-headway-page"] == "1"
        async with asyncio.timeout(10):
            while await _status(client, {"topic": "services"}) == 429:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.05)
        async with told(client, ["services"]):
            pass


async def test_a_page_is_sent_away_when_its_session_ends_or_its_access_changes(world: World) -> None:
    async with served(world) as server, signed_in(world) as browser, client_of(server, browser) as client:
        async with signed_in(world, "member") as other, client_of(server, other) as member:
            async with told(client, ["services"]) as mine, told(member, ["services"]) as theirs:
                people = await world.get("user.all")
                member_id = next(each["userId"] for each in people if each["user"]["name"] == "member")
                await world.post("user.assignPermissions", id=member_id, accessedServices=[])
                await theirs.end()
                form_token = await form_token_of(browser)
                out = await browser.post("/sign-out", data={"form_token": form_token}, headers=OWN)
                assert out.status_code == 303
                await mine.end()
            async with told(member, ["services"]):
                pass
        assert await _status(client, {"topic": "services"}) == 401


async def test_what_changes_quickly_is_told_together(world: World) -> None:
    (home,) = {(await world.get("user.get"))["organizationId"]}
    topics = ["services", "deployments", "marker"]
    async with looking(world) as (client, _), told(client, topics) as page:
        began, events, seen = time.monotonic(), 0, set[str]()
        for number in range(400):
            world.platform.base.events.changed(Whose(organization_id=home), topics[number % 2])
            await asyncio.sleep(0.001)
        world.platform.base.events.changed(Whose(organization_id=home, everyone=True), "marker")
        while "marker" not in seen:
            seen |= set(await page.topics())
            events += 1
        assert seen == set(topics)
        assert 1 <= events <= 10 * (time.monotonic() - began) + 1


async def test_a_page_that_was_told_of_a_change_sees_it(world: World) -> None:
    application_id = await world.application()
    async with looking(world) as (client, _), told(client, ["deployments"]) as page:
        for _ in range(10):
            deployment_id = await world.deploy(application_id)
            kind, data = await page.next()
            assert kind == "changed"
            answer = await client.get("/deployments/-/rows", headers={"x-headway-told": data["revision"]})
            assert deployment_id in answer.text


async def test_a_panel_that_stops_sends_its_pages_away_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.http.server._SECONDS_TO_STOP", 60)  # until answers that are under way are cut off
    async with looking(world) as (client, server), told(client, ["services"]) as page:
        server.stop()
        await page.end()


@pytest.mark.parametrize("piece", ["whole", "part", "form"])
async def test_a_page_says_what_it_depends_on(world: World, piece: str) -> None:
    deployment_id = await world.deploy(await world.application())
    address = {"whole": "", "part": "/-/state", "form": "/cancel"}[piece]
    async with signed_in(world) as browser:
        text = (await browser.get(f"/deployments/{deployment_id}{address}")).text
        gone = (await browser.get("/deployments/unknown")).text
    assert (f'data-topics="deployment:{deployment_id}"' in text) == (piece == "whole")
    assert "data-topics" not in gone


async def _until_marker(page: Told) -> list[str]:
    """All that it is told of up to the marker."""
    found: set[str] = set()
    while "marker" not in found:
        found |= set(await page.topics())
    return sorted(found - {"marker"})


async def _status(client: httpx.AsyncClient, query: Mapping[str, str | list[str]], **headers: str) -> int:
    async with client.stream("GET", "/live", params=query, headers=headers) as answer:
        return answer.status_code
