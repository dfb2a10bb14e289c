"""What the loops of the engine could not do: each item by itself, tried again more and more seldom, and shown."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime

from headway.core.engine import explanations
from headway.infra.db.engine import DatabaseAway
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.clock import Clock, SystemClock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a loop could not do with one item: how many times in a row, since when, and why the last time."""

    loop: str
    item: str
    times: int
    since: datetime
    sentence: str


@dataclass(slots=True)
class _Noted:
    trouble: Trouble
    again_at: float


class Troubles:
    """Carries out the work of items, so that one that fails stops no other. After a failure an item waits: a second
    at first, twice as long each time, five minutes at most.
    """

    def __init__(self, clock: Clock | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock or SystemClock()
        self._monotonic = monotonic
        self._noted: dict[tuple[str, str], _Noted] = {}

    async def attempt(self, loop: str, item: str, work: Callable[[], Awaitable[object]]) -> bool:
        """Does the work of one item, unless it is to wait; whether it succeeded now. Raises DatabaseAway and
        HostUnreachable, which say nothing of the item; where they do (``Links``), the work raises another error.
        """
        if self.waits(loop, item):
            return False
        try:
            await work()
        except (DatabaseAway, HostUnreachable):
            raise
        except HeadwayError as error:
            self._note(loop, item, error.message)
            return False
        except Exception as error:
            self._note(loop, item, explanations.unforeseen(error), unforeseen=error)
            return False
        self._noted.pop((loop, item), None)
        return True

    def note(self, loop: str, item: str, sentence: str) -> None:
        """Keeps what could not be done with an item outside of all loops."""
        self._note(loop, item, sentence)

    def waits(self, loop: str, item: str) -> bool:
        """Whether an item failed so short a time ago that it is not to be tried yet."""
        noted = self._noted.get((loop, item))
        return noted is not None and self._monotonic() < noted.again_at

    def times(self, loop: str, item: str) -> int:
        """How many times in a row an item has failed."""
        noted = self._noted.get((loop, item))
        return 0 if noted is None else noted.trouble.times

    def forget(self, loop: str, item: str) -> None:
        """An item is no more."""
        self._noted.pop((loop, item), None)

    def forget_others(self, loop: str, items: Collection[str]) -> None:
        """A loop has no items any more but these."""
        for known in [each for each in self._noted if each[0] == loop and each[1] not in items]:
            del self._noted[known]

    def items(self, loop: str) -> set[str]:
        """What of a loop could not be done."""
        return {item for each, item in self._noted if each == loop}

    def give_up(self, loop: str, item: str, sentence: str) -> None:
        """Notes that something was given up, which the next of its kind that is done has forgotten."""
        self._write(loop, item, sentence)
        log.warning("%s: %s", loop, sentence)

    def all(self) -> list[Trouble]:
        """What could not be done, the oldest first."""
        return sorted((noted.trouble for noted in self._noted.values()), key=lambda each: each.since)

    def by_loop(self) -> Counter[str]:
        """How many items could not be done, by loop."""
        return Counter(loop for loop, _ in self._noted)

    def _note(self, loop: str, item: str, sentence: str, *, unforeseen: Exception | None = None) -> None:
        times = self._write(loop, item, sentence)
        log.warning("%s of %s failed, time %d: %s", loop, item, times, sentence, exc_info=unforeseen)

    def _write(self, loop: str, item: str, sentence: str) -> int:
        """How many times in a row it was so."""
        before = self._noted.get((loop, item))
        times = 1 if before is None else before.trouble.times + 1
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(times - 1, 10), _LONGEST_PAUSE_SECONDS)
        trouble = Trouble(loop=loop, item=item, times=times, since=self._clock.now(), sentence=sentence)
        if before is not None:
            trouble = replace(trouble, since=before.trouble.since)
        self._noted[loop, item] = _Noted(trouble, self._monotonic() + pause)
        return times
