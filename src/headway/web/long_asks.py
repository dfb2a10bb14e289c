"""What is asked and takes longer than a page may: it goes on when the page is answered, and waits for the next look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from datetime import datetime
from typing import Any, TypeVar, cast

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable
from headway.pages.page import UnderWay

T = TypeVar("T")

AT_ONCE_SECONDS = 0.7  # what is answered within them is shown at once
KEPT_SECONDS = 60.0  # after its end, for the parts of the page that it was asked for
MOST = 64


@dataclass(slots=True)
class _Asked:
    """One of them: what it was asked about, since when, and whether somebody was told what came of it."""

    state: str
    since: datetime
    task: asyncio.Task[object]
    is_told: bool = False


class LongAsks:
    """Asks of a key one thing at a time, however many look. What nobody looks at any more ends by its own deadline."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, _Asked] = {}
        self._closed = False

    async def of(
        self, key: Hashable, state: str, now: datetime, ask: Callable[[], Coroutine[Any, Any, T]], *, anew: bool
    ) -> T | UnderWay:
        """What came of it, UnderWay as long as nothing has. It is asked once more where it was asked about another
        ``state``, or ``anew`` where somebody was told what came of it. Raises what it raises, and Unavailable where too
        much is under way.
        """
        one = self._asked.get(key)
        if one is None or one.state != state or (anew and one.is_told):
            one = self._begun(key, state, now, ask)
        await asyncio.wait({one.task}, timeout=AT_ONCE_SECONDS)
        if not one.task.done() or one.task.cancelled():  # for another state, which is under way instead
            return UnderWay(since=one.since)
        one.is_told = True
        return cast("T", one.task.result())

    def close(self) -> None:
        """Ends what is under way: the panel stops."""
        self._closed = True
        for one in self._asked.values():
            one.task.cancel()

    def _begun(self, key: Hashable, state: str, now: datetime, ask: Callable[[], Coroutine[Any, Any, T]]) -> _Asked:
        self._drop(key)
        self._make_room()
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(ask(), name="a long ask of a page")
        one = _Asked(state=state, since=now, task=task)
        self._asked[key] = one
        task.add_done_callback(lambda done: self._ended(key, done))
        return one

    def _make_room(self) -> None:
        """Raises Unavailable where there is none."""
        ended = [key for key, one in self._asked.items() if one.task.done()]
        for key in ended[: max(0, len(self._asked) - MOST + 1)]:
            del self._asked[key]
        if self._closed or len(self._asked) >= MOST:
            raise Unavailable("Too much is looked at just now. Look again in a minute.")

    def _ended(self, key: Hashable, task: asyncio.Task[object]) -> None:
        if not task.cancelled():
            task.exception()  # is told to who looks, and is no news where nobody does
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, key, task)

    def _forget(self, key: Hashable, task: asyncio.Task[object]) -> None:
        one = self._asked.get(key)
        if one is not None and one.task is task:
            del self._asked[key]

    def _drop(self, key: Hashable) -> None:
        one = self._asked.pop(key, None)
        if one is not None:
            one.task.cancel()
