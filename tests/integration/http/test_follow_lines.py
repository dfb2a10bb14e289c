"""``deployment.followLines`` over a real connection: numbered lines, once each, from where one was, whatever breaks."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from headway.cli.sse import Event, EventReader
from headway.core.deployments.service import DeploymentService
from headway.core.deployments.store import remove_all
from headway.infra.logs import line_pieces
from headway.infra.logs.line_index import LineNotes, LineRecord
from headway.infra.logs.lines import LinePlace
from headway.infra.logs.log_line import LogLine, RawLine, line_of
from headway.kernel.ansi import Style
from headway.kernel.errors import Unavailable
from tests.integration.http.serving import eventually, reader, served
from tests.integration.http.test_follow import Writer, running, step, told
from tests.integration.http.test_log import logged
from tests.integration.http.world import World

ESC = "\x1b"


async def events(client: httpx.AsyncClient, **given: str | int) -> AsyncGenerator[Event, None]:
    """The events of one connection, to its end."""
    parse = EventReader()
    async with client.stream("GET", "/deployment.followLines", params=given) as answer:
        assert answer.status_code == 200, await answer.aread()
        try:
            async for piece in answer.aiter_bytes():
                for event in parse.feed(piece):
                    yield event
        except httpx.RemoteProtocolError:
            return  # it was sent away


async def whole(world: World, **given: str | int) -> list[Event]:
    async with served(world) as server, reader(server) as client:
        return [event async for event in events(client, **given)]


class Shown:
    """What somebody shows who puts each line under its number."""

    def __init__(self) -> None:
        self.generation = ""
        self.lines: dict[int, str] = {}
        self.rows: list[dict[str, Any]] = []

    def take(self, event: Event) -> None:
        if event.kind != "lines":
            return
        found = json.loads(event.data)
        self.generation = found["generation"]
        assert found["first"] == found["rows"][0]["n"]
        for row in found["rows"]:
            self.rows.append(row)
            self.lines[row["n"]] = "".join(text for _, text in row["runs"])

    @property
    def next(self) -> int:
        return max(self.lines, default=1)


async def test_a_log_that_has_ended_is_told_by_its_lines(world: World) -> None:
    deployment_id = await logged(world, f"one\n{ESC}[31mtwo ✅\nthr{ESC}[0mee\nopen")
    asked = await world.get("deployment.lines", deploymentId=deployment_id)
    found = await whole(world, deploymentId=deployment_id)
    shown = Shown()
    for event in found:
        shown.take(event)
    assert shown.generation == asked["generation"]
    assert shown.rows == asked["rows"], "as deployment.lines tells them"
    assert [each["status"] for each in told(found, "status")] == ["done"]
    assert (found[-1].kind, found[-1].data) == ("end", "{}")


async def test_one_begins_at_any_line_in_its_colour(world: World) -> None:
    deployment_id = await logged(world, f"one\n{ESC}[31mtwo\nthree\n")
    async with served(world) as server, reader(server) as client:
        for start, numbers in ((1, [1, 2, 3]), (3, [3]), (99, [3])):
            shown = Shown()
            async for event in events(client, deploymentId=deployment_id, **{"from": start}):
                shown.take(event)
            assert [row["n"] for row in shown.rows] == numbers
            assert shown.rows[-1]["runs"] == [["ansi-red", "three"]]


async def test_an_open_line_is_told_again_whole_and_steps_before_their_lines(world: World) -> None:
    lease, log = await running(world)
    found: list[Event] = []

    async def shows(text: str) -> None:
        await eventually(lambda: any(text in event.data for event in found))

    async with served(world) as server, reader(server) as client:

        async def read() -> None:
            async for event in events(client, deploymentId=lease.deployment_id):
                found.append(event)  # noqa: PERF401 - others look while it grows

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await shows('"running"')
            log.write("one\n10 %")
            await shows("10 %")
            log.write(" 20 %")
            await shows("10 % 20 %")
            await step(world, lease, "build", 12)
            log.write("\nbuilt\n")
            await shows("built")
            await log.end(lease)
    shown = Shown()
    for event in found:
        shown.take(event)
    assert [(row["n"], row["open"]) for row in shown.rows] == [
        (1, False),
        (2, True),
        (2, True),
        (2, False),
        (3, False),
    ]
    assert shown.lines == {1: "one", 2: "10 % 20 %", 3: "built"}
    assert shown.rows[-1]["step"] == "build"
    kinds = [event.kind for event in found]
    assert kinds.index("step") < len(kinds) - 1 - kinds[::-1].index("lines")


async def test_followers_share_what_is_read_and_encoded_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, log = await running(world)
    read = list[int]()

    def noted(raw: RawLine, style: Style, record: LineRecord) -> tuple[LogLine, Style]:
        read.append(raw.number)
        return line_of(raw, style, record)

    monkeypatch.setattr(line_pieces, "line_of", noted)
    async with served(world) as server, reader(server) as client, asyncio.TaskGroup() as group:
        shown = [Shown() for _ in range(10)]

        async def follow(one: Shown) -> None:
            async for event in events(client, deploymentId=lease.deployment_id):
                one.take(event)

        for each in shown:
            group.create_task(follow(each))
        log.write("first\n")
        await eventually(lambda: all(each.lines for each in shown))
        read.clear()
        log.write("second\n")
        await eventually(lambda: all(2 in each.lines for each in shown))
        assert read == [2]
        await log.end(lease)


async def test_whoever_is_cut_off_again_and_again_shows_the_identical_log(world: World) -> None:
    lease, log = await running(world)
    dice = random.Random(5)
    text = "".join(f"line {number} {'x' * (number % 90)}\n" for number in range(3_000))
    shown = Shown()
    has_ended = False
    async with served(world) as server, reader(server) as client, asyncio.TaskGroup() as group:

        async def write() -> None:
            at = 0
            while at < len(text):
                piece = text[at : at + dice.randrange(1, 4_000)]
                log.write(piece)
                at += len(piece)
                await asyncio.sleep(0.005)
            await log.end(lease)

        group.create_task(write())
        while not has_ended:
            taken = 0
            asked: dict[str, str | int] = {"deploymentId": lease.deployment_id, "from": shown.next}
            if shown.generation:
                asked["generation"] = shown.generation
            following = events(client, **asked)
            async for event in following:
                assert event.kind != "anew"
                shown.take(event)
                has_ended = event.kind == "end"
                taken += 1
                if taken > dice.randrange(3, 30):
                    break
            await following.aclose()
    lines = text.splitlines()
    assert shown.lines == dict(enumerate(lines, 1))


async def test_a_log_begun_anew_is_told_and_comes_from_its_first_line(world: World) -> None:
    lease, log = await running(world)
    log.write("one\ntwo\n")
    before = await world.get("deployment.lines", deploymentId=lease.deployment_id)
    path = world.platform.data_dir.logs / f"{lease.deployment_id}.log"
    async with served(world) as server, reader(server) as client:
        given = {"deploymentId": lease.deployment_id, "generation": before["generation"], "from": 2}
        following = events(client, **given)
        while (await anext(following)).kind != "lines":
            pass
        path.unlink()
        world.services.broadcast.restarted(lease.deployment_id)
        assert [event async for event in following if event.kind in {"lines", "end"}] == [], "it is sent away"
        again = Writer(world, lease.deployment_id)
        LineNotes(path, 0, lambda _offset, _limit: b"", is_new=True).close()
        again.write("new\n")
        await again.end(lease)
        found = [event async for event in events(client, **given)]
    kinds = [event.kind for event in found]
    shown = Shown()
    for event in found:
        shown.take(event)
    assert kinds.index("anew") < kinds.index("lines")
    assert json.loads(found[kinds.index("anew")].data) == {"generation": shown.generation}
    assert (shown.generation != before["generation"], shown.lines) == (True, {1: "new"})


async def test_one_that_waits_is_followed_from_before_its_first_line(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    shown = Shown()
    async with served(world) as server, reader(server) as client:
        following = events(client, deploymentId=deployment_id)
        assert (await anext(following)).kind == "status"
        lease = await world.claim()
        log = Writer(world, deployment_id)
        log.write("begun\n")
        await log.end(lease)
        async for event in following:
            shown.take(event)
    assert shown.lines == {1: "begun"}


async def test_whoever_follows_while_the_database_is_away_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deployment_id, away, find = (
        await world.deploy(await world.application()),
        asyncio.Event(),
        DeploymentService.line_place,
    )

    async def line_place(service: DeploymentService, *given: Any) -> LinePlace | None:  # noqa: ANN401 - as it is given
        if away.is_set():
            raise Unavailable("The database does not answer.")
        return await find(service, *given)

    monkeypatch.setattr(DeploymentService, "line_place", line_place)
    async with served(world) as server, reader(server) as client:
        following = events(client, deploymentId=deployment_id)
        assert (await anext(following)).kind == "status"
        lease = await world.claim()
        away.set()
        log = Writer(world, deployment_id)
        log.write("begun\n")
        assert {event.kind async for event in following} <= {"status", "step"}, "it is sent away"
        await log.end(lease)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_what_is_not_text_is_told_as_lines_tells_it(world: World) -> None:
    lease, log = await running(world)
    path = world.platform.data_dir.logs / f"{lease.deployment_id}.log"
    path.write_bytes(b"a\xff\xfeb\nc\x80\nlast\n")
    world.services.broadcast.grew(lease.deployment_id, path.stat().st_size)
    await log.end(lease)
    shown = Shown()
    for event in await whole(world, deploymentId=lease.deployment_id):
        shown.take(event)
    assert shown.rows == (await world.get("deployment.lines", deploymentId=lease.deployment_id))["rows"]
    assert [row["offset"] for row in shown.rows] == [0, 5, 8]


async def test_who_follows_what_is_removed_before_it_says_anything_is_sent_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    lease, log = await running(world)
    found: list[Event] = []
    async with served(world) as server, reader(server) as client:

        async def read() -> None:
            async for event in events(client, deploymentId=lease.deployment_id):
                found.append(event)  # noqa: PERF401 - others look meanwhile

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(read())
            await eventually(lambda: bool(told(found, "status")))
            await world.services.db.run(lambda tx: remove_all(tx, [lease.deployment_id]))
            log.write("one\n")
    assert [event.kind for event in found if event.kind in {"lines", "end"}] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_lines_are_gathered_none_is_lost_and_the_end_comes_at_once(world: World) -> None:
    lease, log = await running(world)
    chance, sizes = random.Random(1), list[int]()
    shown, lines = Shown(), [f"line {number}" for number in range(1, 121)]
    async with served(world) as server, reader(server) as client, asyncio.TaskGroup() as group:

        async def follow() -> None:
            async for event in events(client, deploymentId=lease.deployment_id):
                before = len(shown.rows)
                shown.take(event)
                if event.kind == "lines":
                    sizes.append(len(shown.rows) - before)

        following = group.create_task(follow())
        await eventually(lambda: world.app.state.followed() == 1)
        for line in lines:
            log.write(f"{line}\n")
            await asyncio.sleep(chance.choice([0.0, 0.002, 0.01]))
        await log.end(lease)
        await following
    assert [shown.lines[number] for number in range(1, 121)] == lines
    assert [row["n"] for row in shown.rows if not row["open"]] == list(range(1, 121)), "each once, in order"
    assert len(sizes) < len(lines) / 3
