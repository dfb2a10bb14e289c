"""How often a pump reads what a program says line by line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from headway.infra.logs import pump as pump_module
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from tests.integration.logs.spool import Spool


async def test_the_first_line_is_read_as_it_comes_what_follows_at_once_and_the_end_is_not_waited_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "GATHERED_SECONDS", 60.0)  # in which the test does not end
    spool, log = Spool(tmp_path / "spool"), LogPaths(tmp_path).log("a")
    first = asyncio.Event()
    pump = Pump(spool, log, Masker([]), lambda size: first.set() if size else None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"0\n")
        await first.wait()
        before = spool.reads
        for number in range(1, 30):
            await spool.append(b"%d\n" % number)
            await asyncio.sleep(0.003)
        assert spool.reads == before
        await pump.finish()
    assert log.read_bytes() == b"".join(b"%d\n" % number for number in range(30))
