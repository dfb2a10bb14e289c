"""How often links that are none may be tried from one place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field

from headway.core.access.throttle import TooManyTries, place_of
from headway.kernel.dataclass import dataclass

_MOST, _MINUTE = 30, 60.0
_PLACES = 4_096
_KEPT = 16  # characters of a digest, by which one is known again


@dataclass(slots=True)
class _Window:
    ends: float
    tried: set[str] = field(default_factory=set)


class LinkTries:
    """Counts the tokens that opened nothing: thirty different ones within a minute from one place, and then none is
    looked at from there until it is over. A page that goes on asking by a link that has ended tries one.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._windows: dict[str, _Window] = {}

    def admit(self, address: str) -> None:
        """Raises TooManyTries for where too many were tried lately. It is the same for a token that is good."""
        window = self._windows.get(place_of(address))
        left = 0.0 if window is None else window.ends - self._monotonic()
        if window is not None and left > 0 and len(window.tried) >= _MOST:
            raise TooManyTries(left)

    def failed(self, address: str, digest: str) -> None:
        """A token of this digest opened nothing."""
        now, place = self._monotonic(), place_of(address)
        window = self._windows.pop(place, None)
        if window is None or window.ends <= now:
            window = _Window(now + _MINUTE)
        while len(self._windows) >= _PLACES:
            del self._windows[next(iter(self._windows))]
        self._windows[place] = window
        if len(window.tried) < _MOST:
            window.tried.add(digest[:_KEPT])
