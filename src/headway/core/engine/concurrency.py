"""Work side by side, bounded: what one waits for holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

AT_ONCE = 8


async def at_once(work: Iterable[Coroutine[Any, Any, object]], most: int = AT_ONCE) -> None:
    """Does all of it, so many at a time, each to its end whatever becomes of the others. Raises the first of the errors
    that there were.
    """
    room, errors, begun = asyncio.Semaphore(most), list[Exception](), list[Coroutine[Any, Any, object]]()

    async def done(each: Coroutine[Any, Any, object]) -> None:
        try:
            async with room:
                await each
        except Exception as error:  # noqa: BLE001 - also a fault of ours: it must not cut off the others
            errors.append(error)

    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                begun.append(each)
                group.create_task(done(each))
    finally:
        for each in begun:
            each.close()  # one whose turn never came: a task that is cancelled before it begins looks at nothing
    if errors:
        raise errors[0]
