"""Every follower gets the whole log, gapless, in whole characters, whenever it comes, however often it is cut off."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from headway.infra.logs import broadcast as broadcast_module
from headway.infra.logs.broadcast import Broadcast, Chunk, Dropped
from headway.infra.logs.line_pieces import LineState
from headway.infra.logs.paths import LogPaths, NoSuchLogName
from headway.kernel.cadence import GATHERED_SECONDS


class Writer:
    """Writes a log as a pump does, and tells of it."""

    def __init__(self, root: Path) -> None:
        self.paths = LogPaths(root)
        self.broadcast = Broadcast(self.paths)
        self._sizes: dict[str, int] = {}

    def begin(self, deployment_id: str = "a") -> None:
        self.write("", deployment_id)

    def write(self, text: str, deployment_id: str = "a") -> None:
        with self.paths.log(deployment_id).open("ab") as file:
            file.write(text.encode())
            self._sizes[deployment_id] = file.tell()
        self.broadcast.grew(deployment_id, self._sizes[deployment_id])


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


@pytest.fixture(autouse=True)
async def _deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def test_a_finished_log_is_read_from_its_file_and_ends(writer: Writer) -> None:
    text = "grüße 🎉\x00\r\n" * 20_000
    writer.paths.log("a").write_text(text, newline="")
    chunks = await _chunks(writer, "a")
    assert _joined(chunks, 0) == text
    assert len(chunks) > 1
    assert _joined(await _chunks(writer, "a", chunks[0].end_offset), chunks[0].end_offset) == _joined(chunks[1:], None)


async def test_a_log_that_is_not_there_is_empty(writer: Writer) -> None:
    assert await _chunks(writer, "a") == []
    assert await _chunks(writer, "a", 1000) == []
    with pytest.raises(NoSuchLogName):
        await _chunks(writer, "../a")


async def test_a_live_log_is_followed_to_its_end(writer: Writer) -> None:
    writer.write("before\n")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_chunks(writer, "a"))
        for n in range(50):
            writer.write(f"line {n} ä\n")
            await asyncio.sleep(0.001 * (n % 7))
        late = group.create_task(_chunks(writer, "a", len("before\n")))
        await asyncio.sleep(0)
        writer.write("the end")
        writer.broadcast.ended("a")
    text = writer.paths.log("a").read_text()
    assert _joined(first.result(), 0) == text
    assert _joined(late.result(), len("before\n")) == text.removeprefix("before\n")
    assert _joined(await _chunks(writer, "a"), 0) == text


async def test_a_line_after_a_pause_arrives_at_once(writer: Writer) -> None:
    writer.begin()
    loop = asyncio.get_running_loop()
    waits = []
    async with aclosing(writer.broadcast.follow("a")) as follower, asyncio.TaskGroup() as group:
        for n in range(8):
            coming = group.create_task(_next(follower))
            await asyncio.sleep(GATHERED_SECONDS + 0.02)
            begin = loop.time()
            writer.write(f"{n}\n")
            assert _text(await coming) == f"{n}\n"
            waits.append(loop.time() - begin)
    assert min(waits) < 0.02, "who looked again and again would be late each time"


async def test_lines_that_follow_are_gathered_and_the_end_is_not_waited_with(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast_module, "GATHERED_SECONDS", 60.0)  # in which the test does not end
    writer.begin()
    following = asyncio.create_task(_chunks(writer, "a"))
    await _until_followed(writer, 1)
    for n in range(5):
        writer.write(f"{n}\n")
        await asyncio.sleep(0.01)
    writer.broadcast.ended("a")
    assert [chunk.text for chunk in await following] == ["0\n", "1\n2\n3\n4\n"]


async def test_lines_are_gathered_for_longer_the_more_follow(writer: Writer) -> None:
    writer.begin()
    many = 50
    following = [asyncio.create_task(_chunks(writer, "a")) for _ in range(many)]
    await _until_followed(writer, many)
    began = asyncio.get_running_loop().time()
    while (over := asyncio.get_running_loop().time() - began) < 1.0:
        writer.write("line\n")
        await asyncio.sleep(0.005)
    writer.broadcast.ended("a")
    pieces = {len(chunks) for chunks in await asyncio.gather(*following)}
    assert max(pieces) <= over / (many * broadcast_module._GATHERED_SECONDS_PER_FOLLOWER) + 2


async def test_a_full_chunk_is_not_waited_with(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast_module, "GATHERED_SECONDS", 60.0)
    writer.begin()
    async with aclosing(writer.broadcast.follow("a")) as follower:
        coming = asyncio.create_task(_next(follower))
        await _until_followed(writer, 1)
        writer.write("first\n")
        assert _text(await coming) == "first\n"
        coming = asyncio.create_task(_next(follower))
        await _until_followed(writer, 1)
        writer.write("little\n")
        await asyncio.sleep(0.02)
        assert not coming.done()
        writer.write("x" * broadcast_module._LARGEST_BUDGET_BYTES)
        assert _text(await coming).startswith("little\nxxx")


async def test_followers_share_one_chunk_that_is_encoded_once(writer: Writer) -> None:
    writer.begin()
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(_chunks(writer, "a")) for _ in range(20)]
        await _until_followed(writer, 20)
        writer.write("one\n")
        writer.broadcast.ended("a")
    chunks = [task.result() for task in following]
    assert all(len(of_one) == 1 for of_one in chunks)
    assert {id(of_one[0]) for of_one in chunks} == {id(chunks[0][0])}
    assert chunks[0][0].sse is chunks[0][0].sse


def test_a_chunk_is_an_event_whose_id_is_where_it_ends() -> None:
    text = 'ä "quoted"\r\nsecond\u2028\x00line\n'
    event = Chunk(offset=10, text=text, end_offset=10 + len(text.encode())).sse.decode()
    lines = event.split("\n")
    assert lines[:2] == [f"id: {10 + len(text.encode())}", "event: log"]
    assert json.loads(lines[2].removeprefix("data: ")) == text
    assert lines[3:] == ["", ""]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
async def test_a_follower_cut_off_at_random_points_gets_the_identical_text(writer: Writer, seed: int) -> None:
    chance = random.Random(seed)
    writer.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(_write_at_random(writer, chance))
        text = await _follow_with_cuts(writer, random.Random(seed + 100))
    assert text == writer.paths.log("a").read_bytes().decode()
    assert len(text) > 100_000


async def test_a_slow_follower_is_dropped_and_goes_on_where_it_was(writer: Writer) -> None:
    writer.begin()
    async with aclosing(writer.broadcast.follow("a")) as slow:
        coming = asyncio.create_task(_next(slow))
        await _until_followed(writer, 1)
        writer.write("first\n")
        assert _text(await coming) == "first\n"
        reading = asyncio.create_task(_chunks(writer, "a"))
        for _ in range(60):
            writer.write("x" * 99_999 + "\n")
            await asyncio.sleep(0.01)
        assert await anext(slow) == Dropped(offset=len("first\n"))
        with pytest.raises(StopAsyncIteration):
            await anext(slow)
    resumed = asyncio.create_task(_chunks(writer, "a", len("first\n")))
    await asyncio.sleep(0)
    writer.broadcast.ended("a")
    assert "first\n" + _joined(await resumed, len("first\n")) == writer.paths.log("a").read_text()
    assert _joined(await reading, 0) == writer.paths.log("a").read_text()


async def test_an_expected_log_is_waited_for(writer: Writer) -> None:
    waiting = asyncio.create_task(_chunks(writer, "a", expected=True))
    await asyncio.sleep(0)
    assert not waiting.done()
    writer.paths.log("a").write_text("from before\n")
    writer.write("new\n")
    writer.broadcast.ended("a")
    assert _joined(await waiting, 0) == "from before\nnew\n"
    assert _joined(await _chunks(writer, "a", expected=True), 0) == "from before\nnew\n"


async def test_an_expected_log_that_never_comes_ends(writer: Writer) -> None:
    waiting = asyncio.create_task(_chunks(writer, "a", expected=True))
    await asyncio.sleep(0)
    writer.broadcast.ended("a")
    assert await waiting == []
    assert await _chunks(writer, "a", expected=True) == []


async def test_nothing_is_kept_of_expectations_given_up(writer: Writer) -> None:
    waiting = asyncio.create_task(_chunks(writer, "a", expected=True))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert writer.broadcast._live == {}


async def test_a_follower_ahead_of_a_pump_that_writes_again_gets_nothing_twice(writer: Writer) -> None:
    writer.paths.log("a").write_text("one ä two three")
    writer.broadcast.grew("a", 0)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(_chunks(writer, "a", len("one ä ".encode())))
        await _until_followed(writer, 1)
        for size in (4, 12, len("one ä two three".encode())):
            writer.broadcast.grew("a", size)
            await asyncio.sleep(0.02)
        writer.broadcast.ended("a")
    assert _joined(following.result(), len("one ä ".encode())) == "two three"


async def test_the_last_line_comes_though_no_pump_told_of_it(writer: Writer) -> None:
    writer.write("one\n")
    following = asyncio.create_task(_chunks(writer, "a"))
    await _until_followed(writer, 1)
    writer.paths.log("a").write_text("one\nThe end.\n")
    writer.broadcast.ended("a")
    assert _joined(await following, 0) == "one\nThe end.\n"


async def test_a_log_removed_under_its_followers_ends(writer: Writer) -> None:
    writer.write("one\n")
    following = asyncio.create_task(_chunks(writer, "a"))
    await _until_followed(writer, 1)
    await writer.paths.remove("a")
    writer.broadcast.grew("a", 100)
    assert _joined(await following, 0) == "one\n"


async def test_followers_of_a_log_that_is_written_anew_are_sent_to_its_beginning(writer: Writer) -> None:
    writer.write("first run\n")
    async with aclosing(writer.broadcast.follow("a")) as follower:
        assert _text(await anext(follower)) == "first run\n"
        coming = asyncio.create_task(_next(follower))
        await _until_followed(writer, 1)
        await writer.paths.remove("a")
        writer.broadcast.restarted("a")
        assert await coming == Dropped(offset=0)
    writer.write("second\n")
    following = asyncio.create_task(_chunks(writer, "a"))
    await _until_followed(writer, 1)
    writer.broadcast.ended("a")
    assert _joined(await following, 0) == "second\n"


async def test_closing_drops_all(writer: Writer) -> None:
    writer.write("one\n")
    items: list[Chunk | Dropped] = []

    async def collect(id: str) -> None:
        items.extend([item async for item in writer.broadcast.follow(id, expected=True)])

    async with asyncio.TaskGroup() as group:
        group.create_task(collect("a"))
        group.create_task(collect("b"))
        await _until_followed(writer, 1)
        writer.broadcast.close()
    assert {item.offset for item in items if isinstance(item, Dropped)} == {0, 4}


async def test_many_logs_at_once_do_not_mix(writer: Writer) -> None:
    ids = [f"d{n}" for n in range(30)]
    for name in ids:
        writer.begin(name)
    async with asyncio.TaskGroup() as group:
        following = {name: [group.create_task(_chunks(writer, name)) for _ in range(5)] for name in ids}
        await asyncio.sleep(0.02)
        for n in range(20):
            for name in ids:
                writer.write(f"{name} line {n}\n", name)
            await asyncio.sleep(0.003)
        for name in ids:
            writer.broadcast.ended(name)
    for name, tasks in following.items():
        assert {_joined(task.result(), 0) for task in tasks} == {"".join(f"{name} line {n}\n" for n in range(20))}
    assert writer.broadcast._live == {}


async def _write_at_random(writer: Writer, chance: random.Random) -> None:
    for _ in range(150):
        writer.write("".join(chance.choice("aä€🎉\x00\r\n") for _ in range(chance.choice([1, 10, 5000]))))
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.01)
    writer.broadcast.ended("a")


async def _follow_with_cuts(writer: Writer, chance: random.Random) -> str:
    """Follows as a client that loses its connection again and again, and comes back with the last id it saw."""
    text, offset, ended = "", 0, False
    while not ended:
        left = chance.randrange(1, 6)
        async with aclosing(writer.broadcast.follow("a", offset)) as follower:
            ended = True
            async for item in follower:
                text += _text(item)
                offset = item.end_offset if isinstance(item, Chunk) else offset
                left -= 1
                if not left:
                    ended = False
                    break
    return text


async def _chunks(writer: Writer, id: str, offset: int = 0, *, expected: bool = False) -> list[Chunk]:
    items = [item async for item in writer.broadcast.follow(id, offset, expected=expected)]
    assert [item for item in items if isinstance(item, Dropped)] == []
    return [item for item in items if isinstance(item, Chunk)]


def _joined(chunks: list[Chunk], offset: int | None) -> str:
    """The text of chunks that follow one another without a gap."""
    for chunk in chunks:
        assert offset in {None, chunk.offset}
        assert chunk.end_offset == chunk.offset + len(chunk.text.encode())
        offset = chunk.end_offset
    return "".join(chunk.text for chunk in chunks)


async def _next(follower: AsyncGenerator[Chunk | Dropped, None]) -> Chunk | Dropped:
    return await anext(follower)


def _text(item: Chunk | Dropped) -> str:
    assert isinstance(item, Chunk)
    return item.text


async def _until_followed(writer: Writer, count: int) -> None:
    """Waits until as many followers have caught up."""
    while sum(len(live.queues) for live in writer.broadcast._live.values()) < count:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def test_who_takes_nothing_makes_nobody_keep_many_lines(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast_module, "_MOST_KEPT_BYTES", 1 << 20, raising=False)
    monkeypatch.setattr(broadcast_module, "GATHERED_SECONDS", 0.01)
    writer.begin()
    slow, fast = (writer.broadcast.follow("a", expected=True) for _ in range(2))
    async with aclosing(slow), aclosing(fast):
        first = asyncio.create_task(anext(slow))
        chunks, state = list[Chunk](), LineState()
        for _ in range(40):
            taken = asyncio.create_task(anext(fast))
            await asyncio.sleep(0.02)
            writer.write("\n" * 500)
            chunk = await taken
            assert isinstance(chunk, Chunk)
            state = writer.broadcast.lines("a", chunk, state).after
            chunks.append(chunk)
        assert state.number == 40 * 500 + 1
        kept = sum(len(piece.lines) for chunk in chunks for piece in chunk._pieces)
        assert kept < 10 * 500

        again = LineState()
        for number in range(40):
            chunk = await (first if number == 0 else anext(slow))
            assert isinstance(chunk, Chunk)
            again = writer.broadcast.lines("a", chunk, again).after
        assert again.number == state.number
