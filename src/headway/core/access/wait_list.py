"""What waits for an answer: good once, for so long, and for whoever was asked. It lies in memory, so that strangers
write nothing down; a panel that starts anew asks anew.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 4_096
_PREFIXES: Mapping[int, int] = {4: 24, 6: 48}  # what somebody may have whole


class WaitList(Generic[T]):
    """Things by whom they wait for, of whom each has one. Where there are too many, the oldest goes of the network that
    has most of them waiting: strangers in a network take the places of each other, and of nobody else.
    """

    def __init__(self, seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._waiting: dict[str, tuple[float, str, T]] = {}
        self._networks: dict[str, dict[str, None]] = {}  # who waits there, the oldest first

    def put(self, whose: str, thing: T, address: str = "") -> None:
        """This waits, in place of what waited for the same one; ``address`` is where they ask from."""
        self._pop(whose)
        self._forget_over()
        while len(self._waiting) >= _MOST:
            most = max(self._networks, key=lambda each: len(self._networks[each]))
            self._pop(next(iter(self._networks[most])))
        network = _network_of(address)
        self._waiting[whose] = (self._monotonic() + self._seconds, network, thing)
        self._networks.setdefault(network, {})[whose] = None

    def take(self, whose: str) -> T | None:
        """What waits for this one, which nobody gets again; None where nothing does, or it is over."""
        found = self._pop(whose)
        return None if found is None or found[0] <= self._monotonic() else found[1]

    def _forget_over(self) -> None:
        now = self._monotonic()
        while self._waiting and (oldest := next(iter(self._waiting.items())))[1][0] <= now:
            self._pop(oldest[0])

    def _pop(self, whose: str) -> tuple[float, T] | None:
        found = self._waiting.pop(whose, None)
        if found is None:
            return None
        until, network, thing = found
        there = self._networks[network]
        del there[whose]
        if not there:
            del self._networks[network]
        return until, thing


def _network_of(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    return str(ipaddress.ip_network((found, _PREFIXES[found.version]), strict=False))
