"""The epoch in force only rises, and nobody moves it while it is held."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headway.infra.hosts import epochs as module
from headway.infra.hosts.base import EpochPassed
from headway.infra.hosts.epochs import EpochHeld, Epochs
from headway.kernel.errors import InvalidInput


@pytest.fixture
def epochs(tmp_path: Path) -> Epochs:
    return Epochs(tmp_path)


async def test_it_rises_and_never_falls(epochs: Epochs) -> None:
    assert epochs.current("abc") == 0
    await epochs.raise_to("abc", 5)
    await epochs.raise_to("abc", 5)
    with pytest.raises(EpochPassed, match="epoch 4 has passed; 5 is in force"):
        await epochs.raise_to("abc", 4)
    await epochs.raise_to("abc", 12)
    assert epochs.current("abc") == 12
    epochs.check("abc", 12)
    with pytest.raises(EpochPassed):
        epochs.check("abc", 11)


async def test_each_deployment_has_its_own(epochs: Epochs) -> None:
    await epochs.raise_to("abc", 5)
    async with epochs.fence("xyz", 1):
        await epochs.raise_to("abc", 6)


async def test_many_who_raise_at_once_leave_the_highest(epochs: Epochs) -> None:
    raised = await asyncio.gather(*(epochs.raise_to("abc", number) for number in range(1, 30)), return_exceptions=True)
    assert epochs.current("abc") == 29
    assert all(error is None or isinstance(error, EpochPassed) for error in raised)


async def test_one_that_is_held_for_ever_is_an_error_in_the_end(
    epochs: Epochs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    async with epochs.fence("abc", 1):
        with pytest.raises(EpochHeld, match="paused"):
            await epochs.raise_to("abc", 2)
    await epochs.raise_to("abc", 2)


async def test_a_fence_is_open_again_after_an_error(epochs: Epochs) -> None:
    with pytest.raises(ZeroDivisionError):
        async with epochs.fence("abc", 1):
            raise ZeroDivisionError
    await epochs.raise_to("abc", 2)


async def test_only_old_ones_that_nobody_holds_are_pruned(epochs: Epochs, tmp_path: Path) -> None:
    for name in ("old", "held", "young"):
        await epochs.raise_to(name, 3)
    for name in ("old", "held"):
        os.utime(tmp_path / name, times=(0, time.time() - 1000))
    async with epochs.fence("held", 3):
        epochs.prune(500)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held", "young"]


async def test_an_id_cannot_be_a_path(epochs: Epochs) -> None:
    with pytest.raises(InvalidInput):
        await epochs.raise_to("../abc", 1)


async def test_an_epoch_whose_raising_nobody_waits_for_any_more_is_let_go_of(
    epochs: Epochs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 5.0)
    go_on = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        asyncio.get_running_loop().run_in_executor(None, go_on.wait)  # as those do whose disk hangs
        raising = asyncio.create_task(epochs.raise_to("abc", 5))
        await asyncio.sleep(0.05)
        raising.cancel()
        await asyncio.wait([raising])
        go_on.set()
        await epochs.raise_to("abc", 6)
    assert epochs.current("abc") == 6
