"""How long a kill takes, from the call to the proof that nothing is left; `script/prove kill_times` has the slowest of
a hundred.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.machines.local_hosts import KILL_MS, kill_times

pytestmark = [pytest.mark.root, pytest.mark.slow]


@pytest.mark.parametrize("mode", KILL_MS)
async def test_a_kill_waits_for_nothing_but_the_machine(tmp_path: Path, mode: str) -> None:
    """Of a dozen the three that others on this machine have held up least."""
    assert (await kill_times(tmp_path, mode, 12))[2] < KILL_MS[mode]
