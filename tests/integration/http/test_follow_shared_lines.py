"""``deployment.followSharedLines`` over a real connection: lines as they come, for as long as the link is good."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from headway.cli.sse import Event, EventReader
from headway.core.access import audience
from headway.core.deployments.status import Status
from headway.features.deployments.links import DeploymentLinks
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.transaction import Tx
from headway.infra.logs.lines import LinePlace
from tests.integration.http.serving import eventually, reader, served
from tests.integration.http.test_deployment_links import linked
from tests.integration.http.test_follow import running, step, told
from tests.integration.http.world import World

NO_KEY = ""


async def events(client: httpx.AsyncClient, token: str) -> AsyncGenerator[Event, None]:
    """The events of one connection, to its end."""
    parse = EventReader()
    async with client.stream("GET", "/deployment.followSharedLines", params={"token": token}) as answer:
        assert answer.status_code == 200, await answer.aread()
        try:
            async for piece in answer.aiter_bytes():
                for event in parse.feed(piece):
                    yield event
        except httpx.RemoteProtocolError:
            return  # it was sent away


def texts(found: list[Event]) -> list[str]:
    """The lines that were told."""
    return [
        "".join(text for _, text in row["runs"])
        for event in found
        if event.kind == "lines"
        for row in json.loads(event.data)["rows"]
    ]


async def test_who_has_a_link_follows_to_the_end(world: World) -> None:
    lease, log = await running(world)
    link = await linked(world, lease.deployment_id)
    found: list[Event] = []

    async with served(world) as server, reader(server, NO_KEY) as client:

        async def read() -> None:
            async for event in events(client, link["token"]):
                found.append(event)  # noqa: PERF401 - others look while it grows

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await eventually(lambda: bool(told(found, "status")))
            log.write("one\n")
            await step(world, lease, "build", 4)
            log.write("two\n")
            await eventually(lambda: "two" in texts(found))
            await world.end(lease, Status.ERROR, "Broken by Annabel.")
            world.services.broadcast.ended(lease.deployment_id)
    assert texts(found) == ["one", "two"]
    assert {each["name"] for each in told(found, "step")} == {"build"}
    assert found[-1].kind == "end"
    assert [each["status"] for each in told(found, "status")] == ["running", "error"]
    assert {name for each in told(found, "status") for name in each} == {"status", "reason", "startedAt", "finishedAt"}
    assert "Annabel" not in "".join(event.data for event in found)


async def _revoked(world: World, deployment_id: str, link_id: str) -> None:
    await world.post("deployment.removeLink", deploymentId=deployment_id, linkId=link_id)


async def _maker_changed(world: World, _deployment_id: str, link_id: str) -> None:
    """It has to ask again then, and is told that the link is over."""
    user_id = (await world.get("user.get"))["userId"]

    def write(tx: Tx) -> None:
        tx.execute(update(deployment_links).where(deployment_links.c.link_id == link_id).values(api_key_id="none"))
        tx.after(lambda: world.services.access.changed(user_id))

    await world.services.db.run(write)


ENDS = [_revoked, _maker_changed]


@pytest.mark.parametrize("ends", ENDS, ids=["revoked", "its maker may not"])
async def test_who_follows_by_a_link_is_sent_away_when_it_opens_nothing_any_more(
    world: World, ends: Callable[[World, str, str], Awaitable[None]]
) -> None:
    lease, log = await running(world)
    link, stays = await linked(world, lease.deployment_id), await linked(world, lease.deployment_id)
    found: list[Event] = []
    others: list[Event] = []

    async def read(client: httpx.AsyncClient, token: str, into: list[Event]) -> None:
        async for event in events(client, token):
            into.append(event)  # noqa: PERF401 - others look while it grows

    async with served(world) as server, reader(server, NO_KEY) as client:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(read(client, link["token"], found))
            staying = group.create_task(read(client, stays["token"], others))
            log.write("before\n")
            await eventually(lambda: "before" in texts(found) and "before" in texts(others))
            await ends(world, lease.deployment_id, link["linkId"])
            await eventually(following.done)
            log.write("after\n")
            if ends is _revoked:
                await eventually(lambda: "after" in texts(others))
            else:
                await eventually(staying.done)  # who made both: it may ask again
            await log.end(lease)
        again = [
            (await client.get("/deployment.followSharedLines", params={"token": each["token"]})).status_code
            for each in (link, stays)
        ]
    assert again == [404, 200]
    assert texts(found) == ["before"]


async def test_who_follows_by_a_link_is_sent_away_at_its_end(world: World) -> None:
    lease, log = await running(world)
    link = await linked(world, lease.deployment_id)

    def write(tx: Tx) -> None:
        tx.execute(update(deployment_links).values(ends_at=tx.now + timedelta(seconds=1)))

    await world.services.db.run(write)
    found: list[Event] = []
    async with served(world) as server, reader(server, NO_KEY) as client:
        log.write("before\n")
        async with asyncio.timeout(10):
            async for event in events(client, link["token"]):
                found.append(event)  # noqa: PERF401 - it ends
        log.write("after\n")
        answer = await client.get("/deployment.followSharedLines", params={"token": link["token"]})
    assert answer.status_code == 404
    assert texts(found) == ["before"]
    assert "end" not in {event.kind for event in found}, "the deployment has not"


async def test_a_link_that_is_revoked_before_anybody_listens_tells_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, log = await running(world)
    await step(world, lease, "build")
    link = await linked(world, lease.deployment_id)
    admit = DeploymentLinks.line_place

    async def place(self: DeploymentLinks, token: str, number: int) -> LinePlace | None:
        monkeypatch.setattr(DeploymentLinks, "line_place", admit)
        found = await admit(self, token, number)
        await _revoked(world, lease.deployment_id, link["linkId"])
        return found

    monkeypatch.setattr(DeploymentLinks, "line_place", place)
    async with served(world) as server, reader(server, NO_KEY) as client, asyncio.timeout(10):
        assert [event async for event in events(client, link["token"])] == []
    await log.end(lease)


async def test_who_follows_where_links_that_are_none_were_tried_comes_back_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    lease, log = await running(world)
    link = await linked(world, lease.deployment_id)
    found: list[Event] = []

    async with served(world) as server, reader(server, NO_KEY) as client:

        async def read() -> None:
            async for event in events(client, link["token"]):
                found.append(event)  # noqa: PERF401 - others look while it grows

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(read())
            await eventually(lambda: bool(told(found, "status")))
            for number in range(30):
                await client.get("/deployment.shared", params={"token": f"none-{number}"})
            log.write("one\n")
        refused = await client.get("/deployment.followSharedLines", params={"token": link["token"]})
    await log.end(lease)
    assert texts(found) == []
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


async def test_as_many_follow_by_one_link_as_may(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "_MOST_OF_A_LINK", 1)
    lease, log = await running(world)
    link, other = await linked(world, lease.deployment_id), await linked(world, lease.deployment_id)
    found: dict[str, list[Event]] = {link["token"]: [], other["token"]: []}

    async def read(client: httpx.AsyncClient, token: str) -> None:
        async for event in events(client, token):
            found[token].append(event)

    async with served(world) as server, reader(server, NO_KEY) as client, asyncio.TaskGroup() as group:
        group.create_task(read(client, link["token"]))
        await eventually(lambda: bool(found[link["token"]]))
        refused = await client.get("/deployment.followSharedLines", params={"token": link["token"]})
        assert refused.status_code == 429
        assert "retry-after" in refused.headers
        group.create_task(read(client, other["token"]))
        await eventually(lambda: bool(found[other["token"]]))
        await log.end(lease)
