"""Where in the log a line begins that comes after so much of the output."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from tests.integration.logs.spool import Spool

MASKER = Masker(["hunter2hunter2"])


@pytest.fixture
def paths(tmp_path: Path) -> LogPaths:
    return LogPaths(tmp_path)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


async def test_the_place_behind_so_many_bytes_is_where_a_line_begins(paths: LogPaths, spool: Spool) -> None:
    sizes: list[int] = []
    pump = Pump(spool, paths.log("a"), Masker(["wonderful"]), sizes.append)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"web: new\n")  # it may be the first letter of a secret that is wrapped in a dump
        assert await pump.reach(9) == 9
        assert paths.log("a").read_bytes() == b"web: new\n"
        assert max(sizes) == 9, "followers are shown it too"
        await spool.append(b"no line end")
        assert await pump.reach(20) == 9
        await spool.append(b"\nd29uZGVy")  # the beginning of one, in base64
        assert await pump.reach(29) == 21
        await spool.append(b"ZnVs\nafter\n")
        assert await pump.finish() == len(b"web: new\nno line end\n******\nafter\n")
    assert paths.log("a").read_bytes() == b"web: new\nno line end\n******\nafter\n"


async def test_a_pump_that_takes_over_knows_where_its_line_begins(paths: LogPaths, spool: Spool) -> None:
    await spool.append(b"one\ntwo")
    first = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    running = asyncio.create_task(first.run())
    assert await first.reach(7) == 4
    running.cancel()
    await asyncio.wait([running])
    paths.checkpoint("a").write_text('{"spool": 6, "log": 6}')
    second = Pump(spool, paths.log("a"), MASKER, lambda _: None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(second.run())
        assert await second.reach(7) == 4
        await second.finish()


async def test_a_full_disk_keeps_nobody_from_a_place(spool: Spool) -> None:
    pump = Pump(spool, Path("/dev/full"), Masker(["wonderful"]), lambda _: None)
    running = asyncio.create_task(pump.run())
    await spool.append(b"w")  # all of it is held back, so that nothing was to be written yet
    assert await asyncio.wait_for(pump.reach(1), 20) == 0
    running.cancel()
    await asyncio.wait([running])
