"""Answers that are made once for each state of the database, however many ask for them."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import field
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from headway.infra.db.version import Version
from headway.kernel.dataclass import dataclass

T = TypeVar("T")

MOST_BYTES = 32 << 20


class SingleFlight(Generic[T]):
    """Makes one thing at a time for each key, for all who ask meanwhile: what was begun after somebody asked holds all
    that they know of. So whoever asks waits for what is under way and for one more at most, however often the database
    changes.

    ``shares`` tells whether what was made is good for whoever else asked by the same key. What a maker raises is for
    whoever brought it alone.
    """

    def __init__(self, shares: Callable[[T], bool] = lambda _made: True) -> None:
        self._shares = shares
        self._turns = itertools.count()
        self._flights: WeakValueDictionary[Hashable, _Flight[T]] = WeakValueDictionary()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What ``make`` makes, or what another made from the same key since this was asked. Raises what it raises."""
        flight = self._flights.setdefault(key, _Flight())
        asked = next(self._turns)
        async with flight.lock:
            if flight.made is not None and asked < flight.begun:
                return flight.made
            flight.begun, flight.made = next(self._turns), None
            made = await make()
            flight.made = made if self._shares(made) else None
            return made


@dataclass(slots=True, weakref_slot=True)
class _Flight(Generic[T]):
    """What is made of a key, for as long as anybody waits for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: int = 0
    made: T | None = None


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
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()  # and how many bytes it takes
        self._shared: SingleFlight[T] = SingleFlight(keeps)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept under ``key``, else what ``make`` reads from the database now. The key names all that the answer
        depends on beside the database, whoever may see it included. What ``make`` raises is kept by nobody.
        """
        kept = self._look(key, await self._version.now())
        return await self._shared.get(key, lambda: self._read(key, make)) if kept is None else kept

    async def _read(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        state = await self._version.now()  # before the reading, which may then be newer and never older
        kept = self._look(key, state)
        if kept is not None:
            return kept
        made = await make()
        if state is not None and state == self._state and self._keeps(made):
            self._keep(key, made)
        return made

    def _look(self, key: Hashable, state: Hashable | None) -> T | None:
        """What is kept under a key in this state; nothing where that cannot be told."""
        if state is None or state != self._state:
            self._kept.clear()
            self._state, self._room = state, self._most_bytes
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def _keep(self, key: Hashable, made: T) -> None:
        # Whoever asks says what is in a key, which may be longer than what it leads to.
        size = self._size(made) + len(repr(key))
        self._kept[key] = made, size
        self._room -= size
        while self._room < 0:
            self._room += self._kept.popitem(last=False)[1][1]
