"""Trees that take long to remove, beside everything else that waits for a thread."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from headway.infra.hosts.files import LocalFiles
from headway.infra.logs.logfile import in_thread

THREADS = min(32, (os.cpu_count() or 1) + 4)  # for all that blocks
SECONDS = 60


async def test_removals_that_take_long_hold_up_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them ends before a log's thread has answered, however fast the machine is: `rm` refuses a path that ends
    in a dot, and is asked again, as long as there is something at it.
    """
    monkeypatch.setattr("headway.infra.hosts.files.REMOVAL_SECONDS", 10 * SECONDS)
    trees = [tmp_path / str(number) for number in range(THREADS + 1)]
    for tree in trees:
        (tree / "full").mkdir(parents=True)
    removals = [asyncio.create_task(LocalFiles().remove_tree(f"{tree}/.")) for tree in trees]
    await asyncio.sleep(0)
    answer = asyncio.create_task(in_thread(lambda: None))
    try:
        answered, _ = await asyncio.wait([answer], timeout=SECONDS)
        assert answered == {answer}
        assert not any(each.done() for each in removals)
    finally:
        for tree in trees:
            shutil.rmtree(tree)
        await asyncio.gather(answer, *removals)
