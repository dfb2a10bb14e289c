"""How long a kill takes, from the call to the proof that nothing is left, on a machine that does nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.machines.local_hosts import KILL_MS, kill_times

pytestmark = [pytest.mark.root]


@pytest.mark.parametrize("mode", KILL_MS)
async def test_a_hundred_kills(tmp_path: Path, mode: str) -> None:
    assert (await kill_times(tmp_path, mode, 100))[98] < KILL_MS[mode]
