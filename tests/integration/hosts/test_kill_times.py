"""How long a kill takes, from the call to the proof that nothing is left."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from headway.infra.hosts.base import AnchorSpec, StopMode
from tests.local_hosts import BUILD, MODES, living, local_host, shell

pytestmark = [pytest.mark.root, pytest.mark.slow]

KILLS = 100
TREE = "(setsid sleep 1000 & nohup sleep 1001 >/dev/null 2>&1 & env -i sleep 1002 &); sleep 1003 & echo up; sleep 1004"


@pytest.mark.parametrize(
    ("mode", "bound_ms"), [("both", 60), ("no-cgroups", 150), ("no-namespaces", 150), ("neither", 150)]
)
async def test_a_hundred_kills(tmp_path: Path, mode: str, bound_ms: float) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        await host.capabilities()
        opened, killed = [], []
        for number in range(KILLS):
            begin = time.perf_counter()
            anchor = await host.open_anchor(AnchorSpec(deployment_id=f"d{number}", epoch=1, total_seconds=60))
            opened.append((time.perf_counter() - begin) * 1000)
            await anchor.go()
            await anchor.start("build", shell(TREE, BUILD))
            await anchor.changed(0)
            begin = time.perf_counter()
            await anchor.stop(StopMode.KILL)
            killed.append((time.perf_counter() - begin) * 1000)
            assert living(anchor) == []
            await anchor.close()
        for what, times in (("handle", opened), ("kill", killed)):
            print(f"{mode}: {what} median {statistics.median(times):.1f} ms, p99 {sorted(times)[98]:.1f} ms")
        assert sorted(killed)[98] < bound_ms
