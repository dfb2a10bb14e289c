"""Work side by side, bounded: what one waits for holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

AT_ONCE = 8


async def at_once(work: Iterable[Coroutine[Any, Any, None]], most: int = AT_ONCE) -> None:
    """Does all of it, so many at a time, each to its end whatever becomes of the others. Raises the first of the errors
    that there were.
    """
    room, errors, given = asyncio.Semaphore(most), list[Exception](), list(work)

    async def done(each: Coroutine[Any, Any, None]) -> None:
        try:
            async with room:
                await each
        except Exception as error:  # noqa: BLE001 - also a fault of ours: it must not cut off the others
            errors.append(error)

    try:
        async with asyncio.TaskGroup() as group:
            for each in given:
                group.create_task(done(each))
    finally:
        for each in given:
            each.close()  # those whose turn never came
    if errors:
        raise errors[0]
