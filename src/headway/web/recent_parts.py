"""Parts that were made a moment ago, for pages that were told of a change before those were begun."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from headway.kernel.dataclass import dataclass

T = TypeVar("T")

LONGEST_SECONDS = 2.0  # no part is given that was begun longer ago, be it true or not
_MOST_BYTES = 8 << 20


class RecentParts(Generic[T]):
    """Keeps what was made, with the revision of the last change that had been told when it was begun. A page that looks
    again because it was told of a change looks for what that has changed: whatever was begun since shows it, and what
    has changed after that is told again. So many pages that were told together cost one making, however much is
    committed meanwhile.

    ``latest`` is the revision of the last change, ``size`` tells how many bytes an answer takes, ``keeps`` whether
    others may be given it.
    """

    def __init__(self, latest: Callable[[], int], size: Callable[[T], int], keeps: Callable[[T], bool]) -> None:
        self._latest = latest
        self._size = size
        self._keeps = keeps
        self._room = _MOST_BYTES
        self._kept: OrderedDict[Hashable, _Recent[T]] = OrderedDict()  # in the order in which they were made

    def find(self, key: Hashable, told: int | None) -> T | None:
        """What was begun under a key after the change of the revision ``told``; for nobody who was told of none."""
        kept = self._kept.get(key)
        if told is None or kept is None or kept.revision < told or kept.begun_at < _now() - LONGEST_SECONDS:
            return None
        return kept.made

    async def keep(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What ``make`` makes now, which others are given for a moment. Raises what it raises."""
        revision, begun_at = self._latest(), _now()
        made = await make()
        if self._keeps(made):
            self._drop(self._kept.pop(key, None))
            self._kept[key] = _Recent(made=made, revision=revision, begun_at=begun_at)
            self._room -= self._size(made)
            self._tidy()
        return made

    def _tidy(self) -> None:
        oldest = _now() - LONGEST_SECONDS
        while self._kept and (self._room < 0 or next(iter(self._kept.values())).begun_at < oldest):
            self._drop(self._kept.popitem(last=False)[1])

    def _drop(self, recent: _Recent[T] | None) -> None:
        if recent is not None:
            self._room += self._size(recent.made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recent(Generic[T]):
    made: T
    revision: int
    begun_at: float  # by the clock of the event loop


def _now() -> float:
    return asyncio.get_running_loop().time()
