"""Work on each host by itself: one that hangs holds up no other, and none is worked on twice at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from headway.infra.hosts.base import HostUnreachable
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)


class ByHost:
    """``start`` begins ``work`` with a host, unless it is under way there."""

    def __init__(self, name: str, work: Callable[[str], Awaitable[object]]) -> None:
        self._name = name
        self._work = work
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, str] = {}

    def start(self, host_id: str) -> None:
        """Begins; what goes wrong is logged, and the next round begins again."""
        if host_id in self._tasks:
            return
        task = asyncio.get_running_loop().create_task(self._done(host_id), name=f"{self._name} {host_id}")
        self._tasks[host_id] = task
        task.add_done_callback(lambda _task: self._tasks.pop(host_id, None))

    async def release(self) -> None:
        """Ends what is under way; the next panel begins it again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _done(self, host_id: str) -> None:
        try:
            await self._work(host_id)
        except HostUnreachable as away:  # which its server tells
            log.debug("%s of host %s waits: %s", self._name, host_id, away.message)
        except HeadwayError as error:
            if self._told.get(host_id) != error.message:  # each round meets it again: once is enough
                self._told[host_id] = error.message
                log.warning("%s of host %s waits: %s", self._name, host_id, error.message)
        except Exception:
            log.exception("%s of host %s failed in a round", self._name, host_id)
        else:
            self._told.pop(host_id, None)
