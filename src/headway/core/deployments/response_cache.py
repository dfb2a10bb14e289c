"""Answers that are made once for each state of the database, however many ask for them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from headway.infra.db.version import Version

T = TypeVar("T")

MOST_BYTES = 32 << 20


class ResponseCache(Generic[T]):
    """Keeps what was made from a database until anybody commits anything to it. So nobody is ever given what a commit
    that they know of has changed, and whoever makes an answer need not say what it depends on.

    ``size`` tells how many bytes an answer takes, beside its key; of more than ``most_bytes`` those go that were not
    asked for the longest. ``keeps`` tells whether it may be kept at all.
    """

    def __init__(
        self,
        version: Version,
        size: Callable[[T], int],
        most_bytes: int = MOST_BYTES,
        keeps: Callable[[T], bool] = lambda _made: True,
    ) -> None:
        self._version = version
        self._keeps = keeps
        self._size = size
        self._most_bytes = self._room = most_bytes
        self._state: Hashable | None = None
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._makers: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept under ``key``, else what ``make`` reads from the database now. The key names all that the answer
        depends on beside the database, whoever may see it included. What ``make`` raises is kept by nobody.
        """
        state = await self._version.now()
        if state is None:
            return await make()
        kept = self._look(key, state)
        return await self._made(key, make) if kept is None else kept

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        lock = self._makers.setdefault(key, asyncio.Lock())
        async with lock:  # many ask at once after a commit: one makes it for all
            state = await self._version.now()  # before the reading, which may then be newer and never older
            kept = self._look(key, state)
            if kept is not None:
                return kept
            made = await make()
            if state is not None and state == self._state and self._keeps(made):
                self._keep(key, made)
            return made

    def _look(self, key: Hashable, state: Hashable | None) -> T | None:
        if state != self._state:
            self._kept.clear()
            self._state, self._room = state, self._most_bytes
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def _keep(self, key: Hashable, made: T) -> None:
        self._kept[key] = made
        self._room -= self._bytes_of(key, made)
        while self._room < 0:
            self._room += self._bytes_of(*self._kept.popitem(last=False))

    def _bytes_of(self, key: Hashable, made: T) -> int:
        """Whoever asks says what is in a key, which may be longer than what it leads to."""
        return self._size(made) + len(repr(key))
