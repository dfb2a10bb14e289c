"""Lines of logs by their numbers: the same ones wherever one begins, with an index, with a part of one, with none."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.infra.logs import lines as lines_module
from headway.infra.logs.download import open_log
from headway.infra.logs.line_index import LineNotes, load_index
from headway.infra.logs.lines import BegunAnew, LineReader, LinesAsked, LogLines
from headway.infra.logs.logfile import close_log
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from headway.kernel.ansi import runs_of
from headway.kernel.errors import Unavailable
from tests.integration.logs.spool import Spool

ESC = "\x1b"
TEXT = st.text(alphabet=st.sampled_from(f"{ESC}[031m;ab \r\nü\n"), max_size=60)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


async def read(log: Path, has_ended: bool = False, **asked: int | str) -> LogLines:  # noqa: FBT001, FBT002
    return await LineReader().read(log, LinesAsked(**asked), has_ended=has_ended)  # type: ignore[arg-type]


def texts(found: LogLines) -> dict[int, str]:
    return {line.number: "".join(text for _, text in line.runs) for line in found.lines}


@given(st.lists(TEXT, max_size=10), st.integers(1, 12), st.integers(1, 4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_the_same_wherever_one_begins_and_however_the_text_came(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], first: int, count: int
) -> None:
    log = tmp_path_factory.mktemp("logs") / "a.log"
    log.write_bytes(b"")
    notes, at = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True), 0
    for number, piece in enumerate(pieces):
        with log.open("ab") as file:
            file.write(piece.encode())
        if number < first:  # from there on nothing is noted
            notes.add(piece.encode())
        at += len(piece.encode())
    notes.close()
    text = "".join(pieces)
    expected = text.removesuffix("\n").split("\n") if text else []
    found = asyncio.run(read(log, start=first, count=count))
    assert found.total == len(expected)
    assert [line.number for line in found.lines] == list(range(first, min(first + count, len(expected) + 1)))
    assert [line.runs for line in found.lines] == runs_of(expected)[first - 1 : first - 1 + count]
    assert [line.offset for line in found.lines] == [
        len("".join(f"{each}\n" for each in expected[: line.number - 1]).encode()) for line in found.lines
    ]
    if found.lines and found.lines[-1].number == found.total:
        assert found.lines[-1].is_open == (not text.endswith("\n"))


async def test_the_last_lines_and_those_around_one(log: Path) -> None:
    log.write_text("".join(f"line {number}\n" for number in range(1, 101)) + "open")
    assert texts(await read(log, count=3)) == {99: "line 99", 100: "line 100", 101: "open"}
    assert texts(await read(log, around=50, count=3)) == {49: "line 49", 50: "line 50", 51: "line 51"}
    assert texts(await read(log, around=1, count=2)) == {1: "line 1", 2: "line 2"}
    assert texts(await read(log, around=900, count=2)) == {100: "line 100", 101: "open"}
    assert texts(await read(log, start=101, count=5)) == {101: "open"}
    assert texts(await read(log, start=102, count=5)) == {}
    assert (await read(log, start=102)).total == 101


async def test_of_a_log_that_is_not_there_there_are_no_lines(log: Path) -> None:
    assert await read(log) == LogLines(generation="", total=0, size=0)
    with pytest.raises(BegunAnew):
        await read(log, generation="0" * 16)
    log.write_bytes(b"")
    found = await read(log)
    assert (found.total, found.lines) == (0, ())
    assert len(found.generation) == 16


async def test_lines_tell_when_they_were_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = passed = float(int(time.time()))
    clock = SimpleNamespace(monotonic=lambda: passed, time=lambda: passed)
    for module in ("pump", "line_index"):
        monkeypatch.setattr(f"headway.infra.logs.{module}.time", clock)
    paths = LogPaths(tmp_path)
    spool = Spool(tmp_path / "spool")
    await spool.append(b"one\ntwo\n")
    pump = Pump(spool, paths.log("a"), Masker(()), lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await pump.reach(8)
        passed += 2
        await spool.append(b"three\n")
        await pump.finish()
    found = await read(paths.log("a"))
    assert [line.at and line.at.timestamp() for line in found.lines] == [begun, begun, begun + 2]
    assert [line.is_late for line in found.lines] == [True, True, False]


@pytest.mark.parametrize(("seconds", "is_known"), [(0.5, True), (100, False)])
@pytest.mark.parametrize("is_closed", [False, True])
async def test_of_lines_behind_an_index_that_was_given_up_nobody_knows_when_they_were_read(
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    is_known: bool,  # noqa: FBT001
    is_closed: bool,  # noqa: FBT001
) -> None:
    begun = 1_700_000_000.0
    log.write_text("one\ntwo\nthree\n")
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: begun)
        notes = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True)
        notes.add(b"one\n")
        notes.close()
    for file in (log, log.with_name("a.log.lines")):
        os.utime(file, (begun, begun))
    os.utime(log, (begun + seconds, begun + seconds))
    if is_closed:
        await close_log(log, log.stat().st_size, "The end.", Masker(()))
    times = [line.at for line in (await read(log)).lines]
    first = datetime.fromtimestamp(begun, UTC)
    assert times[:3] == ([first] * 3 if is_known else [first, None, None])
    if is_closed:
        assert times[3] is not None
        assert times[3] > first


@pytest.mark.parametrize("is_closed", [False, True])
async def test_a_bar_of_progress_takes_no_time_from_the_lines_before_it(
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_closed: bool,  # noqa: FBT001
) -> None:
    begun, bar = 1_700_000_000.0, b"\r 10 % of the image"
    lines = b"one\ntwo\nthree\n"
    log.write_bytes(lines + bar * 60)
    now = [begun]
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now[0])
        notes = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True)
        notes.add(lines)
        for seconds in range(60):
            now[0] = begun + seconds
            notes.add(bar)
        notes.close()
    os.utime(log, (now[0], now[0]))
    if is_closed:
        await close_log(log, log.stat().st_size, "The end.", Masker(()))
    first = datetime.fromtimestamp(begun, UTC)
    assert [line.at for line in (await read(log)).lines][:4] == [first] * 4


async def test_what_is_wrong_beside_a_log_is_told_once(log: Path, caplog: pytest.LogCaptureFixture) -> None:
    log.write_bytes(b"a line of a build\n" * 3)
    log.with_name("a.log.lines").mkdir()
    reader = LineReader()
    for _ in range(3):
        assert (await reader.read(log, LinesAsked(), has_ended=True)).total == 3
    assert len(caplog.records) == 1


async def test_a_log_begun_anew_is_told(log: Path) -> None:
    log.write_text("one\n")
    first = await read(log)
    assert (await read(log, generation=first.generation)).total == 1
    notes = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True)
    notes.close()
    with pytest.raises(BegunAnew):
        await read(log, generation=first.generation)


async def test_a_log_of_before_gets_its_index_once_and_only_when_it_has_ended(log: Path) -> None:
    log.write_bytes(b"".join(b"%d a line of a build\n" % number for number in range(1, 300_001)))
    beside = log.with_name("a.log.lines")
    live = await read(log, start=250_000, count=1)
    assert not beside.exists()
    assert texts(live) == {250_000: "250000 a line of a build"}
    ended = await read(log, has_ended=True, start=250_000, count=1)
    assert (ended.generation, texts(ended)) == (live.generation, texts(live))
    index, kept = load_index(log), beside.stat()
    assert index is not None
    assert len(index.records) >= log.stat().st_size // (512 << 10)
    again = await read(log, has_ended=True, start=300_000, count=1)
    assert texts(again) == {300_000: "300000 a line of a build"}
    assert (again.generation, beside.stat().st_mtime_ns) == (ended.generation, kept.st_mtime_ns)
    assert ended.lines[0].at is None, "nobody knows when it was read"


@pytest.mark.parametrize("damage", [b"", b"nonsense" * 20, b"\0" * 500, "zeros in it", "longer than the log"])
async def test_an_index_that_is_spoilt_harms_no_line(log: Path, damage: bytes | str) -> None:
    lines = [f"{number} a line of a build" for number in range(1, 60_001)]
    log.write_text("\n".join(lines) + "\n")
    beside = log.with_name("a.log.lines")
    notes, content = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True), log.read_bytes()
    for at in range(0, len(content), 50_000):
        notes.add(content[at : at + 50_000])
    notes.close()
    packed = beside.read_bytes()
    if damage == "longer than the log":
        content = content[: len(content) // 2]
        log.write_bytes(content)
    elif damage == "zeros in it":
        beside.write_bytes(packed[:60] + b"\0" * 28 + packed[88:])
    else:
        assert isinstance(damage, bytes)
        beside.write_bytes(damage)
    expected = content.decode().removesuffix("\n").split("\n")
    for number in (1, 30_000, len(expected)):
        found = await read(log, start=number, count=1)
        assert (found.total, texts(found)) == (
            len(expected),
            {number: expected[number - 1]} if number <= len(expected) else {},
        )


async def test_a_line_that_is_very_long_is_cut_and_said(log: Path) -> None:
    log.write_bytes(b"before\n" + b"x" * 3_000_000 + b"\n" + b"\x1b[31m" + b"y" * 20_000 + b"\nafter\n")
    found = await read(log, count=4)
    assert [line.left_out for line in found.lines] == [0, 3_000_000 - 16_384, 20_005 - 16_384, 0]
    assert [len("".join(text for _, text in line.runs)) for line in found.lines] == [6, 16_385, 16_385, 5]
    assert found.lines[3].runs == [("ansi-red", "after")]
    assert found.lines[1].runs[-1] == ("", "…")


async def test_an_answer_is_bounded_and_holds_what_was_asked_for(log: Path) -> None:
    log.write_bytes((b"z" * 15_000 + b"\n") * 1_000)
    first = await read(log, start=1, count=1_000)
    assert 60 < len(first.lines) < 80
    last = await read(log, count=1_000)
    assert last.lines[-1].number == 1_000
    around = await read(log, around=500, count=1_000)
    assert around.lines[0].number <= 500 <= around.lines[-1].number


@pytest.mark.parametrize("hindrance", ["folder", "link"])
async def test_an_index_that_cannot_be_read_hides_no_line(log: Path, tmp_path: Path, hindrance: str) -> None:
    log.write_bytes(b"a line of a build\n" * 400_000)
    beside = log.with_name("a.log.lines")
    if hindrance == "folder":
        beside.mkdir()
    else:
        beside.symlink_to(tmp_path / "elsewhere")
    found = await read(log, has_ended=True, start=400_000)
    assert texts(found) == {400_000: "a line of a build"}
    assert not (tmp_path / "elsewhere").exists()
    if hindrance == "link":
        assert load_index(log) is not None, "it is put right"


async def test_who_is_cancelled_while_a_log_is_opened_leaves_nothing_open(log: Path) -> None:
    os.mkfifo(log)  # which is not open before somebody writes it
    reading = asyncio.create_task(read(log))
    await asyncio.sleep(0)
    reading.cancel()
    os.close(await asyncio.to_thread(os.open, log, os.O_WRONLY))
    await asyncio.wait([reading])
    assert reading.cancelled()
    assert str(log) not in [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]


async def test_who_is_cancelled_while_a_download_is_opened_leaves_nothing_open(log: Path) -> None:
    os.mkfifo(log)  # which is not open before somebody writes it
    opening = asyncio.create_task(open_log(log))
    await asyncio.sleep(0)
    opening.cancel()
    os.close(await asyncio.to_thread(os.open, log, os.O_WRONLY))
    await asyncio.wait([opening])
    assert opening.cancelled()
    assert str(log) not in [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]


async def test_who_asks_again_for_what_takes_long_to_count_gets_it_once(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "_SLICE_BYTES", 1 << 20)
    monkeypatch.setattr(lines_module, "_LONGEST_COUNT_SECONDS", 0.02)
    log.write_bytes(b"a line of a build\n" * 2_500_000)
    answers = list[LogLines]()
    for _ in range(200):
        with suppress(Unavailable):
            answers.append(await read(log, has_ended=True, start=2_500_000))
    assert 0 < len(answers) < 200, "it takes more than one, and then none"
    assert {tuple(texts(found)) for found in answers} == {(2_500_000,)}
