"""``deployment.follow`` over a real connection: log, steps and status, to the end, and again from where one was."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from headway.cli.sse import Event
from headway.core.deployments.leases import Lease
from headway.core.deployments.store import StepEnd, begin_step, finish_steps
from headway.http import streams
from headway.kernel.events import DeploymentMoved
from tests.integration.http.serving import events, eventually, reader, served
from tests.integration.http.world import World


class Writer:
    """Writes a log as a pump does, and tells the broadcast."""

    def __init__(self, world: World, deployment_id: str) -> None:
        self._world = world
        self._id = deployment_id
        self._path: Path = world.platform.data_dir.logs / f"{deployment_id}.log"
        self._path.touch()

    def write(self, text: str) -> None:
        with self._path.open("a") as file:
            file.write(text)
        self._world.services.broadcast.grew(self._id, self._path.stat().st_size)

    async def end(self, lease: Lease) -> None:
        await self._world.end(lease)
        self._world.services.broadcast.ended(self._id)


async def step(world: World, lease: Lease, name: str, offset: int = 0, *, done: bool = False) -> None:
    if done:
        await world.services.db.run(lambda tx: finish_steps(tx, lease.deployment_id, [StepEnd(name, "null", tx.now)]))
    else:
        await world.services.db.run(lambda tx: begin_step(tx, lease.deployment_id, name, lease.epoch, offset))
    world.services.events.announce(DeploymentMoved(deployment_id=lease.deployment_id, status="running"))


@asynccontextmanager
async def followed(world: World, deployment_id: str) -> AsyncIterator[AsyncGenerator[Event, None]]:
    async with (
        served(world) as server,
        reader(server) as client,
        aclosing(events(client, deployment_id)) as following,
    ):
        yield following


async def running(world: World) -> tuple[Lease, Writer]:
    deployment_id = await world.deploy(await world.application())
    return await world.claim(), Writer(world, deployment_id)


def text_of(found: list[Event]) -> str:
    return "".join(json.loads(event.data) for event in found if event.kind == "log")


def told(found: list[Event], kind: str) -> list[dict[str, object]]:
    return [json.loads(event.data) for event in found if event.kind == kind]


async def test_a_deployment_that_has_ended_is_told_whole(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "one\ntwo ✅\n")
    async with served(world) as server, reader(server) as client:
        found = [event async for event in events(client, deployment_id)]
    assert text_of(found) == "one\ntwo ✅\n"
    assert [status["status"] for status in told(found, "status")] == ["done"]
    assert (found[-1].kind, found[-1].data) == ("end", "{}")
    assert [event.id for event in found if event.kind == "log"][-1] == str(len("one\ntwo ✅\n".encode()))


async def test_whoever_may_follow_no_more_is_sent_away_and_others_are_not(world: World) -> None:
    lease, log = await running(world)
    made = await world.post("organization.inviteMember", email="ada@example.org", role="admin")
    ada = await world.post("organization.acceptInvitation", token=made["token"])
    hers: list[Event] = []
    others: list[Event] = []

    async def read(client: httpx.AsyncClient, found: list[Event]) -> None:
        async for event in events(client, lease.deployment_id):
            found.append(event)  # noqa: PERF401 - others look while it grows

    async with served(world) as server, reader(server, ada["key"]) as hers_client, reader(server) as client:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(read(hers_client, hers))
            group.create_task(read(client, others))
            await eventually(lambda: bool(hers and others))
            await world.post("user.remove", userId=ada["userId"])
            await eventually(following.done)
            log.write("after\n")
            await log.end(lease)
        again = await hers_client.get("/deployment.follow", params={"deploymentId": lease.deployment_id})
    assert (again.status_code, text_of(hers), text_of(others)) == (401, "", "after\n")
    assert others[-1].kind == "end"


async def test_a_running_deployment_is_told_as_it_goes_to_its_end(world: World) -> None:
    lease, log = await running(world)
    found: list[Event] = []

    async def until_shown(text: str) -> None:
        await eventually(lambda: any(text in event.data for event in found))

    async with served(world) as server, reader(server) as client:

        async def read() -> None:
            async for event in events(client, lease.deployment_id):
                found.append(event)  # noqa: PERF401 - others look while it grows

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await until_shown('"running"')
            await step(world, lease, "build")
            await until_shown('"build"')
            log.write("first\n")
            await until_shown("first")
            log.write("second\n")
            await until_shown("second")
            await step(world, lease, "build", done=True)
            await log.end(lease)
    assert text_of(found) == "first\nsecond\n"
    assert [each["finishedAt"] is not None for each in told(found, "step")] == [False, True]
    assert [each["status"] for each in told(found, "status")] == ["running", "done"]
    assert found[-1].kind == "end"


def in_order(found: list[Event]) -> list[str]:
    """The lines of the log, and the steps where they were first told."""
    told, known = "", set[str]()
    for event in found:
        if event.kind == "log":
            told += json.loads(event.data)
        elif event.kind == "step" and (name := str(json.loads(event.data)["name"])) not in known:
            known.add(name)
            told += f"==> {name}\n"
    return told.splitlines()


@pytest.mark.parametrize("pieces", [1, 30])
async def test_who_comes_late_is_told_text_and_steps_in_their_order(world: World, pieces: int) -> None:
    lease, log = await running(world)
    wanted: list[str] = []
    for number in range(4):
        begun = sum(len(f"{line}\n") for line in wanted if not line.startswith("==>"))
        await step(world, lease, f"s{number}", begun)
        lines = [f"{number}.{line} {'x' * 700}" for line in range(pieces * 10)]  # several pieces, or one
        log.write("".join(f"{line}\n" for line in lines))
        await step(world, lease, f"s{number}", done=True)
        wanted += [f"==> s{number}", *lines]
    found: list[Event] = []
    async with followed(world, lease.deployment_id) as following:
        while in_order(found)[-1:] != wanted[-1:]:
            found.append(await anext(following))
        before_its_end = in_order(found)
        await step(world, lease, "last", sum(len(f"{line}\n") for line in wanted if not line.startswith("==>")))
        log.write("end\n")
        await log.end(lease)
        found += [event async for event in following]
    assert before_its_end == wanted
    assert in_order(found) == [*wanted, "==> last", "end"]
    assert [event.kind for event in found[-2:]] == ["status", "end"], "the end is told once all is"


async def test_steps_and_text_come_in_one_order_as_they_happen(world: World) -> None:
    lease, log = await running(world)
    wanted: list[str] = []
    async with served(world) as server, reader(server) as client, asyncio.TaskGroup() as group:
        reads = [group.create_task(_read(client, lease.deployment_id)) for _ in range(5)]
        size = 0
        for number in range(60):
            await step(world, lease, f"s{number}", size)
            line = f"line {number}"
            log.write(f"{line}\n")
            size += len(line) + 1
            wanted += [f"==> s{number}", line]
            if number % 7 == 0:
                await asyncio.sleep(0.01)
        await log.end(lease)
    for each in reads:
        assert in_order(each.result()) == wanted


async def _read(client: httpx.AsyncClient, deployment_id: str) -> list[Event]:
    return [event async for event in events(client, deployment_id)]


async def test_one_that_waits_is_followed_from_before_its_start(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    found: list[Event] = []
    async with followed(world, deployment_id) as following:
        found.append(await anext(following))
        lease = await world.claim()
        log = Writer(world, deployment_id)
        log.write("begun\n")
        await log.end(lease)
        found += [event async for event in following]
    assert told(found, "status")[0]["status"] == "pending"
    assert told(found, "status")[-1]["status"] == "done"
    assert text_of(found) == "begun\n"
    assert found[-1].kind == "end"


async def test_one_that_is_cancelled_while_it_waits_ends(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with followed(world, deployment_id) as following:
        await anext(following)
        await world.post("deployment.cancel", deploymentId=deployment_id)
        async with asyncio.timeout(5):
            rest = [event async for event in following]
    assert told(rest, "status")[-1]["reason"] == "cancelled"
    assert rest[-1].kind == "end"


async def test_one_that_is_removed_ends(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with followed(world, deployment_id) as following:
        await anext(following)
        await world.post("deployment.removeDeployment", deploymentId=deployment_id)
        async with asyncio.timeout(5):
            rest = [event async for event in following]
    assert rest[-1].kind == "end"


@pytest.mark.parametrize("way", ["from", "last-event-id"])
async def test_a_follower_goes_on_from_where_it_says(world: World, way: str) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "0123456789\n")
    async with served(world) as server, reader(server) as client:
        last, start = (None, 4) if way == "from" else ("4", 9)
        found = [event async for event in events(client, deployment_id, last, start)]
    assert text_of(found) == "456789\n"


@pytest.mark.parametrize("last", ["x", "-1", "9" * 30])
async def test_an_id_that_is_none_of_ours_is_not_looked_at(world: World, last: str) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "all\n")
    async with served(world) as server, reader(server) as client:
        found = [event async for event in events(client, deployment_id, last)]
    assert text_of(found) == "all\n"


async def test_a_follower_cut_off_at_random_points_reads_the_identical_text(world: World) -> None:
    lease, log = await running(world)
    lines = [f"line {number} ✅ {'x' * (number % 50)}\n" for number in range(400)]
    whole = ""

    async def write() -> None:
        for line in lines:
            log.write(line)
            await asyncio.sleep(0.001)
        await log.end(lease)

    async with served(world) as server, reader(server) as client, asyncio.TaskGroup() as group:
        group.create_task(write())
        last, ended = "0", False
        while not ended:
            patience = random.randint(1, 6)
            async with aclosing(events(client, lease.deployment_id, last)) as following:
                async for event in following:
                    ended = ended or event.kind == "end"
                    if event.kind == "log":
                        whole += json.loads(event.data)
                        last, patience = event.id or last, patience - 1
                    if patience <= 0 and not ended:
                        break
    assert whole == "".join(lines)


async def test_one_reading_of_the_database_serves_all_followers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, log = await running(world)
    readings = 0
    followed_of = world.services.deployments.followed

    async def counted(*given: object) -> object:
        nonlocal readings
        readings += 1
        return await followed_of(*given)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(world.services.deployments, "followed", counted)
    followers, begun = 50, asyncio.Semaphore(0)

    async with served(world) as server, reader(server) as client:

        async def read() -> list[Event]:
            found = []
            async for event in events(client, lease.deployment_id):
                found.append(event)
                if len(found) == 1:
                    begun.release()
            return found

        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(read()) for _ in range(followers)]
            for _ in range(followers):
                await begun.acquire()
            before = readings
            log.write("shared\n")
            await log.end(lease)
    assert {text_of(each.result()) for each in reads} == {"shared\n"}
    assert {each.result()[-1].kind for each in reads} == {"end"}
    assert before == 1
    assert readings <= 3


async def test_a_quiet_deployment_shows_that_the_connection_lives(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    lease, _ = await running(world)
    async with (
        served(world) as server,
        reader(server) as client,
        client.stream("GET", "/deployment.follow", params={"deploymentId": lease.deployment_id}) as answer,
        asyncio.timeout(5),
    ):
        received = b""
        async for piece in answer.aiter_bytes():
            received += piece
            if received.count(b": still here\n\n") >= 3:
                break


async def test_a_follower_that_leaves_leaves_nothing_behind(world: World) -> None:
    lease, _ = await running(world)
    async with served(world) as server, reader(server) as client:
        async with aclosing(events(client, lease.deployment_id)) as following:
            await anext(following)
            assert world.app.state.followed() == 1
        await eventually(lambda: not world.app.state.followed())


async def test_a_stranger_follows_nothing(world: World) -> None:
    lease, _ = await running(world)
    async with served(world) as server, reader(server, "s" * 64) as client:
        answer = await client.get("/deployment.follow", params={"deploymentId": lease.deployment_id})
    assert (answer.status_code, answer.json()["message"]) == (404, "Deployment not found")


async def test_a_reader_that_takes_nothing_is_sent_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(streams, "STUCK_SECONDS", 0.2)
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "more than any buffer between us holds\n" * 500_000)
    async with served(world) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            request = f"GET /api/deployment.follow?deploymentId={deployment_id} HTTP/1.1"
            connection.sendall(f"{request}\r\nhost: x\r\nx-api-key: {'o' * 64}\r\n\r\n".encode())
            await eventually(lambda: bool(world.app.state.followed()))
            await eventually(lambda: not world.app.state.followed())
