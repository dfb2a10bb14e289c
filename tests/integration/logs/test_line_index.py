"""The index beside a log: true however the output comes and whatever a crash leaves, and nothing a log waits for."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.core.engine.run_log import LogFolder
from headway.core.engine.troubles import Troubles
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.line_index import BLOCK_BYTES, LineCount, LineIndex, LineNotes, LineRecord, load_index
from headway.infra.logs.logfile import LogFile, close_log
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from headway.kernel.events import Events
from tests.integration.logs.spool import Spool

MASKER = Masker(["hunter2hunter2"])
PIECES = st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\x07", b"\n")), max_size=12)


@pytest.fixture
def paths(tmp_path: Path) -> LogPaths:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    return paths


def index_of(log: Path) -> LineIndex:
    index = load_index(log)
    assert index is not None
    return index


def assert_true(log: Path) -> None:
    """Every record says where a line begins, and which."""
    content = log.read_bytes()
    for record in index_of(log).records:
        before = content[: record.offset]
        assert (record.line, before[-1:]) in {(before.count(b"\n"), b"\n"), (0, b"")}
        assert record.offset < len(content)
        assert record.has_escape or b"\x1b" not in before


def written(log: Path, text: bytes, begin: int = 0) -> None:
    """Writes a log from ``begin`` on as a pump does."""
    is_new = not log.exists()
    log.open("ab").close()

    def read(offset: int, limit: int) -> bytes:
        return log.read_bytes()[offset : offset + limit]

    notes = LineNotes(log, begin, read, is_new=is_new)
    with log.open("r+b") as file:
        file.seek(begin)
        file.write(text)
    os.utime(log, (time.time(), time.time()))
    notes.add(text)
    notes.close()
    assert notes.problem is None


@given(PIECES)
@settings(deadline=None)
def test_however_the_text_comes_its_lines_are_counted_alike(pieces: list[bytes]) -> None:
    count, whole, records = LineCount(is_first=True), LineCount(is_first=True), []
    text = b"".join(pieces)
    whole.count(text)
    for number, piece in enumerate(pieces):
        record = count.take(piece, 1000 * (number + 2))
        if record is not None:
            records.append(record)
    assert (count.lines, count.offset, count.has_escape) == (text.count(b"\n"), len(text), b"\x1b" in text)
    assert (whole.lines, whole.offset, whole.has_escape) == (count.lines, count.offset, count.has_escape)
    for record in records:
        before = text[: record.offset]
        assert record.line == before.count(b"\n")
        assert before == b"" or before.endswith(b"\n")
        assert record.offset < len(text), "of a line of which there is nothing yet nobody knows when it came"
    if text:
        assert records[0] == LineRecord(milliseconds=records[0].milliseconds, has_escape=records[0].has_escape)


def test_a_record_is_due_for_each_128_kib_and_each_second() -> None:
    count = LineCount(is_first=True)
    told = [count.take(b"a\n" * 1000, at) for at in (10_000, 10_500, 11_100, 11_200, 9_000)]
    assert [record and record.offset for record in told] == [0, None, 4000, None, 8000]
    count = LineCount(is_first=True)
    lines = b"x" * 1023 + b"\n"
    told = [count.take(lines * 64) for _ in range(9)]
    assert [number for number, record in enumerate(told) if record] == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("seconds_apart", [0, 2])
def test_an_index_that_is_torn_anywhere_is_taken_up_as_if_it_had_never_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_apart: int
) -> None:
    """Whatever a crash has left of index and log, at each byte, and wherever the checkpoint stands."""
    now = [1_700_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    texts = [b"one\ntw", b"o\n\x1b[1mthree\n", b"fo", b"ur\n", b"five\nsix"]

    def write_from(log: Path, begin: int) -> None:
        at = 0
        for number, text in enumerate(texts):
            now[0] = 1_700_000_000.0 + number * seconds_apart
            if at >= begin:
                written(log, text, at)
            at += len(text)
        written(log, b"", at)

    whole = tmp_path / "whole.log"
    write_from(whole, 0)
    reference, content = index_of(whole), whole.read_bytes()
    packed = whole.with_name("whole.log.lines").read_bytes()
    begins = [sum(map(len, texts[:number])) for number in range(len(texts) + 1)]
    for begin in begins:
        for torn in range(len(packed) + 1):
            log = tmp_path / f"{begin}.{torn}.log"
            log.write_bytes(content[: begin + torn % 3])
            last = 1_700_000_000.0 + (begins.index(begin) - 1) * seconds_apart
            os.utime(log, (last, last))
            beside = log.with_name(f"{log.name}.lines")
            left = packed[:torn] + b"\0" * (torn % 40)
            beside.write_bytes(left)
            write_from(log, begin)
            assert_true(log)
            index = index_of(log) if load_index(log) else None
            if left[:20] != packed[:20]:  # not even its head was whole; one may end in zeros
                assert index is None or index.generation != reference.generation
            else:
                assert index is not None
                assert index.generation == reference.generation
            if torn == len(packed):
                assert index == reference


async def test_a_pump_writes_an_index_that_its_successor_takes_over(paths: LogPaths, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", piece=100_000)
    await spool.append(b"a line of a build\n" * 200_000)
    log = paths.log("a")
    first = Pump(spool, log, MASKER, lambda _: None)
    running = asyncio.create_task(first.run())
    async with asyncio.timeout(20):
        await first.reach(1_500_000)
    running.cancel()
    await asyncio.wait([running])
    before = index_of(log)
    assert len(before.records) > 4
    assert_true(log)
    paths.checkpoint("a").write_text(json.dumps({"spool": 1_000_001, "log": 1_000_001}))
    second = Pump(spool, log, MASKER, lambda _: None)
    await close_log(log, await second.finish(), "The end.", MASKER)
    after = index_of(log)
    assert_true(log)
    assert after.generation == before.generation
    assert after.before(1_000_001) == before.before(1_000_001), "when they were read is kept"
    gaps = [b.offset - a.offset for a, b in zip(after.records, after.records[1:], strict=False)]
    assert max(gaps) <= 2 * BLOCK_BYTES
    assert after.records[0].is_late, "it was there before it was read"
    assert not after.records[-1].is_late, "the last line is Headway's own"


async def test_what_is_held_back_is_not_noted_before_it_is_decided(paths: LogPaths, tmp_path: Path) -> None:
    masker = Masker(["zebras-are-striped"])  # Base64 of it begins with an e, and may be wrapped behind that
    spool = Spool(tmp_path / "spool")
    pump = Pump(spool, paths.log("a"), masker, lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"a tree\n")
        await pump.reach(7)
        assert paths.log("a").read_bytes() == b"a tree\n"
        await spool.append(b"more\n")
        await pump.finish()
    assert_true(paths.log("a"))
    assert [record.line for record in index_of(paths.log("a")).records] == [0]


async def test_a_log_that_is_begun_anew_is_another(paths: LogPaths, tmp_path: Path) -> None:
    folder = LogFolder(paths, Broadcast(paths), Events())
    spool = Spool(tmp_path / "spool")
    await spool.append(b"one\n")
    generations = set()
    for _ in range(3):
        log = await folder.open("a", spool, ())
        await log.finish("The end.")
        generations.add(index_of(paths.log("a")).generation)
        again = await folder.open("a", spool, ())
        await again.finish("The end.")
        assert index_of(paths.log("a")).generation in generations, "who takes over changes nothing"
        await log.discard()
        assert list(paths.root.iterdir()) == []
    assert len(generations) == 3


@pytest.mark.parametrize("hindrance", ["folder", "link"])
async def test_a_log_waits_for_no_index(paths: LogPaths, tmp_path: Path, hindrance: str) -> None:
    if hindrance == "folder":
        paths.lines("a").mkdir()
    else:
        paths.lines("a").symlink_to(tmp_path / "victim")
    troubles = Troubles()
    folder = LogFolder(paths, Broadcast(paths), Events(), troubles)
    spool = Spool(tmp_path / "spool")
    await spool.append(b"one\ntwo\n")
    log = await folder.open("a", spool, ())
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(log.run())
        await spool.append(b"three\n")
        await log.reached(14)
        noted = [(trouble.loop, trouble.item, trouble.times) for trouble in troubles.all()]
        assert noted == [("line index", "a", 1)], "it is told, once"
        await log.finish("The end.")
    await log.ended()
    assert paths.log("a").read_bytes() == b"one\ntwo\nthree\nThe end.\n"
    assert not (tmp_path / "victim").exists()
    assert troubles.all() == []


@pytest.mark.root
async def test_an_index_for_which_there_is_no_room_leaves_the_log_alone(small_disk: Path, tmp_path: Path) -> None:
    log = small_disk / "a.log"
    log.write_bytes(b"")
    ballast = small_disk / "ballast"
    notes = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True)
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4096"], check=False, capture_output=True)
    for _ in range(300):  # what fits its first page is written still
        notes.add(b"x" * BLOCK_BYTES + b"\nmore")
    notes.close()
    assert isinstance(notes.problem, OSError)
    index = index_of(log)
    assert index.records
    assert all(record.line == number for number, record in enumerate(index.records))


async def test_a_log_that_cannot_be_read_for_its_index_ends_all_the_same(
    paths: LogPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_file: LogFile, _offset: int, _limit_bytes: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(LogFile, "read", broken)
    assert await close_log(paths.log("a"), 0, "The end.", MASKER) == 9
    assert paths.log("a").read_bytes() == b"The end.\n"
    assert index_of(paths.log("a")).records == ()


async def test_a_pump_tells_once_that_there_is_no_index(paths: LogPaths, tmp_path: Path) -> None:
    paths.lines("a").mkdir()
    spool, problems = Spool(tmp_path / "spool"), list[Exception]()
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None, on_problem=problems.append)
    await spool.append(b"one\n")
    running = asyncio.create_task(pump.run())
    async with asyncio.timeout(20):
        await pump.reach(4)
    running.cancel()
    await asyncio.wait([running])
    await pump.finish()
    assert [type(each) for each in problems] == [IsADirectoryError]
