"""Work that goes on beside a block and never outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Never, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Runs ``work`` while the block runs; at the block's end it is cancelled and waited for.

    Unlike in a task group, an error of the work waits in its task until the block asks for it: a block that is ending
    a deployment must not be cancelled because the thing that it ends has failed.
    """
    task = asyncio.get_running_loop().create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def while_standing(work: Coroutine[Any, Any, T], watch: Callable[[], Coroutine[Any, Any, Never]] | None) -> T:
    """What the work comes to, or as soon as the watch raises what it raises."""
    if watch is None:
        return await work
    async with beside(work) as working, beside(watch()) as watching:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            return await watching
        return await working


async def raised_within(seconds: float, watch: Callable[[], Coroutine[Any, Any, Never]]) -> None:
    """Raises what the watch raises within so many seconds, and returns where it raises nothing."""
    with suppress(TimeoutError):
        await asyncio.wait_for(watch(), seconds)
