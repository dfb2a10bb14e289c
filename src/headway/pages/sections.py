"""What several sections of a page show, asked for at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping

Values = Mapping[str, object]


async def shown_together(*sections: Coroutine[None, None, Values]) -> dict[str, object]:
    """The values of all of them. What each waits for, for a server or its turn at the database, it waits for while the
    others do; what each may take is so what all of them may take. Where one raises the others are given up, and this
    raises the same.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(section) for section in sections]
    except* Exception as errors:  # noqa: BLE001 - also a fault of ours: it is raised as it is
        raise errors.exceptions[0] from None
    return {name: value for task in tasks for name, value in task.result().items()}
