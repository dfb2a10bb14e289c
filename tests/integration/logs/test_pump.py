"""The pump carries every byte once, whatever dies, fills up or is out of reach."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from headway.infra.logs import pump as pump_module
from headway.infra.logs.logfile import close_log, drop_checkpoint
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump, PumpStopped
from headway.kernel.errors import HeadwayError
from headway.kernel.turns import Turns
from tests.integration.logs.pump_program import SECRETS
from tests.integration.logs.spool import Spool

ROOT = Path(__file__).resolve().parents[3]
MASKER = Masker(SECRETS)


@pytest.fixture
def paths(tmp_path: Path) -> LogPaths:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    return paths


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


async def test_output_reaches_the_log_as_it_comes(paths: LogPaths, spool: Spool) -> None:
    sizes: asyncio.Queue[int] = asyncio.Queue()
    pump = Pump(spool, paths.log("a"), MASKER, sizes.put_nowait)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        assert await sizes.get() == 0
        for n in range(5):
            await spool.append(b"line %d with hunter2hunter2\n" % n)
            assert await sizes.get() == len(b"line 0 with ******\n") * (n + 1)
        assert await pump.finish() == pump.size == len(b"line 0 with ******\n") * 5
    assert paths.log("a").read_bytes() == b"".join(b"line %d with ******\n" % n for n in range(5))
    assert paths.log("a").stat().st_mode & 0o777 == 0o600


async def test_a_log_whose_checkpoint_cannot_be_read_is_left_as_it_was(paths: LogPaths, spool: Spool) -> None:
    paths.checkpoint("a").mkdir()
    with pytest.raises(IsADirectoryError):
        await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish()
    assert str(paths.log("a")) not in [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]


async def test_whoever_waits_for_so_many_bytes_waits_no_longer(paths: LogPaths, spool: Spool) -> None:
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None, Turns(30))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        assert await pump.catch_up() == 0
        more = group.create_task(pump.reach(10))
        await spool.append(b"first\n")  # its turn is over for half a minute, but for who asks
        assert await pump.reach(6) == 6
        await asyncio.sleep(0.05)
        assert not more.done()
        await spool.append(b"second\n")
        assert await more == 13
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pump.reach(14)
        assert await pump.finish() == 13
        assert await pump.reach(14) == 13, "no more comes"


async def test_what_comes_between_two_turns_is_read_at_once(paths: LogPaths, spool: Spool) -> None:
    turn_seconds, began = 0.05, time.monotonic()
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None, Turns(turn_seconds))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        for n in range(100):
            await spool.append(b"line %d\n" % n)
            await asyncio.sleep(0.002)
        await pump.finish()
    assert paths.log("a").read_bytes() == b"".join(b"line %d\n" % n for n in range(100))
    turns = (time.monotonic() - began) / turn_seconds
    assert spool.reads < 2 * turns + 4, "in each once, and once more where there is nothing left"


@pytest.mark.parametrize("ask", [Pump.catch_up, Pump.finish])
async def test_who_wants_all_that_there_is_waits_for_no_turn(
    ask: Callable[[Pump], Awaitable[int]], paths: LogPaths, spool: Spool
) -> None:
    sizes: asyncio.Queue[int] = asyncio.Queue()
    pump = Pump(spool, paths.log("a"), MASKER, sizes.put_nowait, Turns(60))
    await spool.append(b"x\n")
    running = asyncio.create_task(pump.run())
    async with asyncio.timeout(20):
        while await sizes.get() != 2:
            pass
        await asyncio.sleep(0.01)  # it waits for its turn now
        await spool.append(b"y\n")
        assert await ask(pump) == 4
        await pump.finish()
        await running


async def test_what_is_held_back_comes_with_more_or_at_the_end(paths: LogPaths, spool: Spool) -> None:
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"is it hunter2")
        assert await pump.catch_up() == len(b"is it ")
        await spool.append(b"hunter3? or hun")
        assert await pump.catch_up() == len(b"is it hunter2hunter3? or ")
        assert await pump.finish() == len(b"is it hunter2hunter3? or hun")
    assert paths.log("a").read_bytes() == b"is it hunter2hunter3? or hun"


async def test_finishing_needs_no_pump_that_runs_and_may_be_repeated(paths: LogPaths, spool: Spool) -> None:
    await spool.append(b"one\ntwo\n")
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    assert [await pump.finish(), await pump.finish(), await pump.catch_up()] == [8, 8, 8]
    assert await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish() == 8
    assert paths.log("a").read_bytes() == b"one\ntwo\n"


async def test_finishing_while_the_end_is_being_read_is_not_missed(paths: LogPaths, tmp_path: Path) -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()

    class SlowSpool(Spool):
        async def read(self, offset: int, limit: int) -> bytes:
            data = await super().read(offset, limit)
            reading.set()
            await go_on.wait()
            return data

    pump = Pump(SlowSpool(tmp_path / "spool"), paths.log("a"), MASKER, lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await reading.wait()
        finishing = group.create_task(pump.finish())
        await asyncio.sleep(0)
        go_on.set()
        assert await finishing == 0


async def test_a_pump_that_is_cancelled_can_still_be_finished(paths: LogPaths, spool: Spool) -> None:
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    running = asyncio.create_task(pump.run())
    await spool.append(b"one\n")
    await pump.catch_up()
    asking = asyncio.create_task(pump.catch_up())
    running.cancel()
    await asyncio.wait([running])
    with pytest.raises(PumpStopped):
        await asking
    await spool.append(b"two\n")
    assert await pump.finish() == 8
    assert paths.log("a").read_bytes() == b"one\ntwo\n"


async def test_whoever_asks_a_pump_that_has_failed_is_told_so(paths: LogPaths) -> None:
    class Gone:
        async def read(self, offset: int, limit: int) -> bytes:
            raise HeadwayError("the anchor is gone")

        async def changed(self, offset: int) -> None:
            raise HeadwayError("the anchor is gone")

    pump = Pump(Gone(), paths.log("a"), MASKER, lambda _: None)
    with pytest.raises(HeadwayError, match="gone"):
        await pump.run()
    async with asyncio.timeout(5):
        with pytest.raises(PumpStopped):
            await pump.catch_up()


async def test_a_host_out_of_reach_only_delays(paths: LogPaths, spool: Spool) -> None:
    spool.away = 2
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"one\n")
        await pump.catch_up()
        spool.away = 1
        await spool.append(b"two\n")
        assert await pump.finish() == 8
    assert spool.away == 0


async def test_an_idle_pump_asks_for_nothing(paths: LogPaths, spool: Spool) -> None:
    pump = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"one\n")
        await pump.catch_up()
        before = -1
        while before != spool.reads:  # once more after a moment, for its last letter could begin a secret
            before = spool.reads
            await asyncio.sleep(0.3)  # the time in which nothing may happen
        await pump.finish()


async def test_the_last_line_stands_once_at_its_place(paths: LogPaths, spool: Spool) -> None:
    await spool.append(b"one\nno line end")
    offset = await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish()
    for text in ("Failed: a long sentence with hunter2hunter2 in it", "Failed: short", "Failed: short\n"):
        assert await close_log(paths.log("a"), offset, text, MASKER) == paths.log("a").stat().st_size
    assert paths.log("a").read_bytes() == b"one\nno line end\nFailed: short\n"
    assert await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish() == offset


async def test_a_log_of_nothing_but_its_end_can_be_written(paths: LogPaths) -> None:
    await close_log(paths.log("a"), 0, "Cancelled before it started; hunter2hunter2", MASKER)
    assert paths.log("a").read_bytes() == b"Cancelled before it started; ******\n"


@pytest.mark.slow
async def test_a_checkpoint_spares_the_successor_the_beginning(paths: LogPaths, spool: Spool) -> None:
    await spool.append(_output(12 << 20, seed=1))
    first = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    running = asyncio.create_task(first.run())
    await first.catch_up()
    running.cancel()
    await asyncio.wait([running])
    saved = json.loads(paths.checkpoint("a").read_bytes())
    assert saved["spool"] >= 8 << 20
    sizes: list[int] = []
    await Pump(spool, paths.log("a"), MASKER, sizes.append).finish()
    assert sizes[0] == saved["log"]
    assert paths.log("a").read_bytes() == MASKER.mask(spool.path.read_bytes())
    await drop_checkpoint(paths.log("a"))
    await drop_checkpoint(paths.log("a"))
    assert not paths.checkpoint("a").exists()


@pytest.mark.parametrize(
    "damage", [b"", b"nonsense", b"[]", b"{}", b'{"spool": 1, "log": 999999999}', b'{"spool": 4, "log": -1}']
)
async def test_a_checkpoint_that_the_log_does_not_bear_out_is_ignored(
    paths: LogPaths, spool: Spool, damage: bytes
) -> None:
    await spool.append(b"one\ntwo\n")
    paths.log("a").write_bytes(b"on\x00\x00")  # as a power cut may leave it
    paths.checkpoint("a").write_bytes(damage)
    await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish()
    assert paths.log("a").read_bytes() == b"one\ntwo\n"


@pytest.mark.root
async def test_a_full_disk_only_delays(
    spool: Spool, small_disk: Path, held_up: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    log = small_disk / "a.log"
    await spool.append(_output(1500 << 10, seed=2))
    pump = Pump(spool, log, MASKER, lambda _: None)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        running = group.create_task(pump.run())
        await held_up.wait()
        assert not running.done()
        ballast.unlink()
        await pump.finish()
    assert "No space left on device" in caplog.records[0].__dict__["reason"]
    assert log.read_bytes() == MASKER.mask(spool.path.read_bytes())


async def test_an_error_that_time_does_not_mend_is_raised(paths: LogPaths, spool: Spool) -> None:
    paths.log("a").mkdir()
    with pytest.raises(IsADirectoryError):
        await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish()


async def test_a_link_in_the_place_of_a_log_is_not_followed(paths: LogPaths, spool: Spool, tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_bytes(b"untouched")
    paths.log("a").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish()
    assert target.read_bytes() == b"untouched"


@pytest.mark.slow
async def test_nul_bad_utf8_and_a_line_of_10_mb_pass(paths: LogPaths, spool: Spool) -> None:
    line = random.Random(3).randbytes(1 << 20).replace(b"\n", b" ") * 10
    await spool.append(b"a\x00b\rc\xff\n" + line + b"\nhunter2hunter2\n")
    await Pump(spool, paths.log("a"), MASKER, lambda _: None).finish()
    log = paths.log("a").read_bytes()
    assert log.decode().startswith("a\x00b\rc\ufffd\n")
    assert log.endswith(b"\n******\n")
    assert log == MASKER.mask(spool.path.read_bytes())


@pytest.mark.timeout(120)
@pytest.mark.slow
def test_a_pump_killed_anywhere_leaves_a_log_that_its_successor_completes(paths: LogPaths, tmp_path: Path) -> None:
    spool, log = tmp_path / "spool", paths.log("a")
    spool.write_bytes(_output(12 << 20, seed=4) + b"\n")
    whole = MASKER.mask(spool.read_bytes())
    chance = random.Random(5)
    for goal in sorted(chance.randrange(len(whole)) for _ in range(8)):
        with _pumping(spool, log, "go on") as process:
            deadline = time.monotonic() + 30
            while process.poll() is None and _size(log) < goal and time.monotonic() < deadline:
                time.sleep(0.001)
            assert process.poll() is None
            process.kill()
        assert whole.startswith(log.read_bytes())
    for _ in range(2):
        with _pumping(spool, log, "The end.") as process:
            assert process.wait(60) == 0
        assert log.read_bytes() == whole + b"The end.\n"


@pytest.mark.slow
def test_100_mb_arrive_complete_in_bounded_memory(paths: LogPaths, tmp_path: Path) -> None:
    spool, log = tmp_path / "spool", paths.log("a")
    part = _output(10 << 20, seed=6) + b"\n"
    with spool.open("wb") as file:
        for _ in range(10):
            file.write(part)
    (tmp_path / "empty").touch()
    with _pumping(tmp_path / "empty", paths.log("b"), "The end.") as process:
        at_rest = _peak_kib(process)
    with _pumping(spool, log, "The end.") as process:
        peak = _peak_kib(process)
    assert log.read_bytes() == MASKER.mask(part) * 10 + b"The end.\n"
    assert peak - at_rest < 30 << 10


@pytest.fixture
def held_up() -> Iterator[asyncio.Event]:
    """Set when a pump says that it cannot go on for now."""
    event = asyncio.Event()

    def told(record: logging.LogRecord) -> bool:
        event.set()
        return True

    pump_module.log.addFilter(told)
    yield event
    pump_module.log.removeFilter(told)


def _output(size: int, *, seed: int) -> bytes:
    """Lines of all kinds, secrets whole and in parts among them."""
    chance = random.Random(seed)
    secret = SECRETS[1].encode()
    kinds = (
        lambda: b"step %d of many is done\n" % chance.randrange(1000),
        lambda: b"password %s!\n" % SECRETS[0].encode(),
        lambda: secret[: chance.randrange(1, len(secret) + 1)],
        lambda: chance.randbytes(chance.randrange(40)),
        lambda: "grüße 🎉 \r".encode() * 3,
    )
    parts = [chance.choice(kinds)() for _ in range(2000)]
    whole = b"".join(chance.choice(parts) for _ in range(size // 20))
    return (whole * (size // len(whole) + 1))[:size]


def _pumping(spool: Path, log: Path, last_line: str) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tests.integration.logs.pump_program"]
    return subprocess.Popen([*program, str(spool), str(log), last_line], cwd=ROOT)


def _peak_kib(process: subprocess.Popen[bytes]) -> int:
    """The most memory that the process has held, followed to its end."""
    peak = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        peak = max([peak, *(int(line.split()[1]) for line in found)])
        time.sleep(0.01)
    assert process.returncode == 0
    return peak


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
