"""Things that are each proven by themselves, some of them at a time: each lane has a panel of its own, and takes the
next thing that none has taken.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

LANES = int(os.environ.get("CRASH_LANES", "2"))
FIRST = int(os.environ.get("CRASH_FROM", "1"))  # to go on where a run was broken off
STRIDE = int(os.environ.get("CRASH_STRIDE", "1"))  # only each so-and-so-many-th point, to look quickly

Lane = TypeVar("Lane")
Thing = TypeVar("Thing")


def in_lanes(lanes: Sequence[Lane], things: Iterable[Thing], prove: Callable[[Lane, Thing], None]) -> None:
    """Proves each of the things in one of the lanes, and returns with the last. Where one fails, each other lane ends
    with what it is at.
    """
    left, taking, over = iter(things), threading.Lock(), threading.Event()

    def work(lane: Lane) -> None:
        try:
            while not over.is_set():
                with taking:
                    taken = list(itertools.islice(left, 1))
                if not taken:
                    return
                prove(lane, taken[0])
        except BaseException:
            over.set()
            raise

    with ThreadPoolExecutor(len(lanes)) as pool:
        at_work = [pool.submit(work, lane) for lane in lanes]
        try:
            for each in at_work:
                each.result()
        finally:
            over.set()


def some(names: Sequence[str]) -> list[tuple[int, str]]:
    """The crash points of these names, numbered from 1: all, unless the environment wants fewer."""
    return list(enumerate(names, 1))[FIRST - 1 :: STRIDE]


def the_same(counted: Iterable[list[str]]) -> list[str]:
    """The crash points that were counted more than once, which are the same each time."""
    names, *others = counted
    assert all(other == names for other in others), [names, *others]
    return names
