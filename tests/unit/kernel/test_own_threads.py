"""Threads for what tenants have written: a work that would never end is given up, and others go on beside it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from headway.kernel.own_threads import OwnThreads, TookTooLong

BOUND = 0.5


def spin() -> None:
    while True:
        pass


def spin_over_errors() -> None:
    while True:
        with suppress(Exception):
            spin()


class Finalized:
    """Goes on for longer than may be, where an interruption is thrown away."""

    def __del__(self) -> None:
        until = time.thread_time() + 2 * BOUND
        while time.thread_time() < until:
            pass


def spin_after_a_finalizer() -> None:
    made = Finalized()
    del made
    spin()


@pytest.fixture
async def threads() -> AsyncIterator[OwnThreads]:
    made = OwnThreads(2, "test", seconds=BOUND)
    yield made
    made._pool.shutdown()


async def named(threads: OwnThreads) -> str:
    return await asyncio.wait_for(threads.run(lambda: threading.current_thread().name), 20)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the finalizer
@pytest.mark.parametrize("work", [spin, spin_over_errors, spin_after_a_finalizer])
async def test_a_work_that_never_ends_is_given_up_and_another_goes_on_meanwhile(
    threads: OwnThreads, work: Callable[[], None]
) -> None:
    spinning = asyncio.create_task(threads.run(work))
    assert (await named(threads)).startswith("test_")
    assert not spinning.done()
    with pytest.raises(TookTooLong):
        await asyncio.wait_for(spinning, 60)


@pytest.mark.slow
async def test_a_thread_that_was_interrupted_works_on(threads: OwnThreads) -> None:
    before = {await named(threads) for _ in range(4)}
    for _ in range(4):
        with pytest.raises(TookTooLong):
            await asyncio.wait_for(threads.run(spin), 60)
    assert {await named(threads) for _ in range(4)} <= before | {"test_0", "test_1"}
    assert all(each.is_alive() for each in threads._pool._threads)


async def test_a_work_that_nobody_waits_for_any_more_has_an_end_too(threads: OwnThreads) -> None:
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.run(spin), 0.01)
    assert (await named(threads)).startswith("test_")


async def test_what_ends_by_itself_and_what_raises_are_told(threads: OwnThreads) -> None:
    def fail() -> None:
        raise LookupError

    assert await threads.run(lambda: 7) == 7
    with pytest.raises(LookupError):
        await threads.run(fail)
