"""What keys and sessions are used for: how often within their windows, and when last, both kept in memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from headway.core.access.model import Actor, CredentialKind
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import TooManyRequests


class RateExceeded(TooManyRequests):
    """The key has made all the calls of this window."""

    def __init__(self, calls: int, window_seconds: float, retry_after_seconds: int) -> None:
        super().__init__(
            f"This key may make {calls} calls within {window_seconds:g} seconds; "
            f"try again in {retry_after_seconds} seconds.",
            retry_after_seconds,
        )


@dataclass(slots=True)
class _Window:
    ends: float
    calls: int


class Usage:
    """Counts the calls of each key. A panel counts for itself, and from nothing when it starts."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, clock: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._last: dict[str, float] = {}
        self._unsaved: set[str] = set()
        self._sessions: dict[str, float] = {}

    def spend(self, actor: Actor, calls: int = 1) -> None:
        """Notes so many calls of a key. Raises RateExceeded where it has not that many left, and counts none then. A
        session has no bound, and is noted only.
        """
        if actor.credential.kind is CredentialKind.SESSION:
            self._sessions[actor.credential.id] = self._clock()
            return
        api_key_id, rate = actor.credential.id, actor.terms.rate
        self._last[api_key_id] = self._clock()
        self._unsaved.add(api_key_id)
        if rate is None:
            return
        now, seconds = self._monotonic(), rate.window.total_seconds()
        window = self._windows.get(api_key_id)
        if window is None or window.ends <= now:
            window = self._windows[api_key_id] = _Window(now + seconds, 0)
        if window.calls + calls > rate.calls:
            raise RateExceeded(rate.calls, seconds, max(1, math.ceil(window.ends - now)))
        window.calls += calls

    def last(self, api_key_id: str) -> datetime | None:
        """When this panel last saw the key, None when it has not."""
        seconds = self._last.get(api_key_id)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def take_unsaved(self) -> Mapping[str, datetime]:
        """The last uses that nobody has saved so far, by key; they count as saved now."""
        taken = {each: datetime.fromtimestamp(self._last[each], UTC) for each in self._unsaved}
        self._unsaved.clear()
        return taken

    def give_back(self, taken: Mapping[str, datetime]) -> None:
        """They could not be saved."""
        self._unsaved |= taken.keys()

    def seen(self, session_id: str) -> datetime | None:
        """When this panel last saw the session since that was saved."""
        seconds = self._sessions.get(session_id)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def take_sessions(self) -> Mapping[str, datetime]:
        """When sessions were last seen, as far as nobody has saved it; it counts as saved now."""
        taken = {each: datetime.fromtimestamp(at, UTC) for each, at in self._sessions.items()}
        self._sessions.clear()
        return taken

    def give_sessions_back(self, taken: Mapping[str, datetime]) -> None:
        """They could not be saved."""
        self._sessions = {each: at.timestamp() for each, at in taken.items()} | self._sessions
