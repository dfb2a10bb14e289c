"""A log whose host stays away: what waits for it goes on after a moment, and knows why."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from pathlib import Path

import pytest

from headway.infra.logs import pump as pump_module
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump, PumpStopped
from headway.kernel.errors import Unavailable
from tests.integration.logs.spool import Spool


@pytest.mark.parametrize("runs", [True, False])
async def test_whoever_waits_for_a_host_that_stays_away_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, runs: bool
) -> None:
    monkeypatch.setattr(pump_module, "_HELD_UP_SECONDS", 0.3)
    paths, spool = LogPaths(tmp_path / "logs"), Spool(tmp_path / "spool")
    paths.prepare()
    pump = Pump(spool, paths.log("a"), Masker(()), lambda _: None)
    async with asyncio.timeout(20):
        running = asyncio.create_task(pump.run())
        await spool.append(b"one\n")
        await pump.catch_up()
        spool.away = 1 << 30
        await spool.append(b"two\n")
        with pytest.raises(PumpStopped):
            await pump.catch_up()
        assert not running.done(), "nobody else waits for it"
        if not runs:
            running.cancel()
        with pytest.raises(Unavailable, match="does not answer"):
            await pump.finish()
        spool.away = 0
        assert await pump.finish() == 8
        await asyncio.gather(running, return_exceptions=True)


class Failing(Spool):
    """One that cannot be read for a while."""

    def __init__(self, path: Path, number: int, times: int) -> None:
        super().__init__(path)
        self.number, self.times = number, times

    async def read(self, offset: int, limit: int) -> bytes:
        if self.times:
            self.times -= 1
            raise OSError(self.number, os.strerror(self.number))
        return await super().read(offset, limit)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO])
async def test_what_passes_by_itself_ends_no_log(tmp_path: Path, number: int) -> None:
    paths, spool = LogPaths(tmp_path / "logs"), Failing(tmp_path / "spool", number, 2)
    paths.prepare()
    await spool.append(b"one\n")
    pump = Pump(spool, paths.log("a"), Masker(()), lambda _: None)
    async with asyncio.timeout(20):
        running = asyncio.create_task(pump.run())
        await pump.catch_up()
        assert paths.log("a").read_bytes() == b"one\n"
        await pump.finish()
        await running


async def test_what_ends_a_pump_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths, spool = LogPaths(tmp_path / "logs"), Failing(tmp_path / "spool", errno.EACCES, 1)
    paths.prepare()
    pump = Pump(spool, paths.log("a"), Masker(()), lambda _: None)
    with caplog.at_level(logging.WARNING), pytest.raises(PermissionError):
        await pump.run()
    assert [record.message for record in caplog.records] == ["a log comes no further"]
