"""An event loop with virtual time: nothing waits, and what happens is a function of the seed.

Callbacks belong to a simulated process by their context. A process that died runs nothing more, not even its own
``finally``; one that is paused runs nothing until it goes on.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import base_events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)


class Stuck(Exception):
    """Nothing is left that could ever happen, or far more happens than is thinkable."""


class Process:
    """A simulated process: alive, paused or dead."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_paused = False
        self.held: list[asyncio.Handle] = []
        self._on_death: list[Callable[[], None]] = []

    def kill(self) -> None:
        """Ends it as SIGKILL would: nothing of it ever runs again."""
        if self.is_alive:
            self.is_alive = False
            for told in self._on_death:
                told()

    def when_dead(self, told: Callable[[], None]) -> None:
        """Calls ``told`` at its death, as the kernel closes what it had open."""
        self._on_death.append(told)

    def pause(self) -> None:
        """Stops it as SIGSTOP would."""
        self.is_paused = True

    def go_on(self) -> None:
        """Lets it run again, as SIGCONT would."""
        self.is_paused = False
        loop = cast("SimLoop", asyncio.get_event_loop())
        held, self.held = self.held, []
        loop.take_back(held)


RUNS_IN: ContextVar[Process | None] = ContextVar("RUNS_IN", default=None)
WORLD = Context()  # of what happens outside every process of ours


class SimTask(asyncio.Task[T]):
    """A task whose place in a set does not depend on its address."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], *, number: int, **options: Any) -> None:  # noqa: ANN401
        self._number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimLoop(base_events.BaseEventLoop):
    """Jumps from one timer to the next. Work for threads is done at once, in the caller's place.

    ``cross`` is told of each piece of such work, before and after it, and may end the process there.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[Any]

    def __init__(self, cross: Callable[[], None] = lambda: None, most_steps: int = 300_000) -> None:
        super().__init__()
        self._now = 0.0
        self._cross = cross
        self._steps_left = most_steps
        self._tasks: list[asyncio.Task[Any]] = []
        self._undone: list[asyncio.Handle] = []
        self._unanswered: list[asyncio.Future[Any]] = []
        self.burying = False
        self.pierce: Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]] = lambda work: work
        self.unforeseen: list[dict[str, Any]] = []
        self.set_task_factory(self._make_task)  # type: ignore[arg-type] # typed for tasks of any result
        self.set_exception_handler(lambda _loop, context: self.unforeseen.append(context))

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._now

    def now(self) -> datetime:
        """The virtual wall clock; fits ``kernel.clock.Clock``."""
        return START + timedelta(seconds=self._now)

    def take_back(self, handles: list[asyncio.Handle]) -> None:
        """Lets callbacks that were held run now, in their order."""
        self._ready.extend(handles)

    def bury(self) -> None:
        """Ends every task, also of processes that died or are paused, once nothing counts any more. Without that they
        would end when their memory is collected, in the middle of another simulation.
        """
        self.burying = True
        self._scheduled.clear()
        self.take_back(self._undone)
        for future in self._unanswered:
            future.cancel()
        self.run_until_complete(self._end_tasks())

    def call_soon_threadsafe(  # type: ignore[override] # as the base takes them
        self,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As ``call_soon``: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(  # type: ignore[override] # does what the base does, for callers that await it
        self,
        executor: object,
        func: Callable[..., T],
        *args: Any,  # noqa: ANN401
    ) -> asyncio.Future[T]:
        """Does the work in the caller's place, unless its process dies before."""
        future: asyncio.Future[T] = self.create_future()
        if not self.burying:
            self._cross()
            process = RUNS_IN.get()
            if process is not None and not process.is_alive:
                self._unanswered.append(future)
                return future
        try:
            self.call_soon(_settle, future, func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor does
            self.call_soon(_settle, future, error)
        if not self.burying:
            self._cross()
        return future

    def _run_once(self) -> None:
        self._jump()
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(RUNS_IN, None)  # type: ignore[attr-defined]
            if self.burying or process is None or (process.is_alive and not process.is_paused):
                self._steps_left -= 1
                handle._run()
            elif process.is_alive:
                process.held.append(handle)
            else:
                self._undone.append(handle)
        if self._steps_left < 0:
            msg = "far more happens than is thinkable"
            raise Stuck(msg)

    def _jump(self) -> None:
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not self._ready:
            if not timers:
                msg = "nothing is left that could ever happen"
                raise Stuck(msg)
            self._now = max(self._now, timers[0]._when)
        while timers and timers[0]._when <= self._now:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            self._ready.append(timer)

    def _make_task(self, loop: object, coroutine: Coroutine[Any, Any, T], **options: Any) -> SimTask[T]:  # noqa: ANN401
        task = SimTask(self.pierce(coroutine), number=len(self._tasks), loop=self, **options)
        self._tasks.append(task)
        return task

    async def _end_tasks(self) -> None:
        mine = asyncio.current_task()
        for _ in range(100):
            left = [task for task in self._tasks if task is not mine and not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.exception()  # so that nobody is told that it was never looked at

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _process_events(self, event_list: object) -> None:
        """There are no files to wait for."""


def _settle(future: asyncio.Future[Any], result: object) -> None:
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
