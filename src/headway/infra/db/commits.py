"""The commits of this process, counted, so that nobody need ask the server whether there was one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Commits:
    """Counts commits before they are sent. ``alone`` tells whether no other panel can commit to this database now."""

    def __init__(self) -> None:
        self.alone: Callable[[], bool] = lambda: False
        self._lock = threading.Lock()
        self._under_way = 0
        self._begun = 0
        self._in_doubt = False

    @property
    def begun(self) -> int:
        """How many have been sent, and how often the seat was taken: as long as it is the same none was, whatever
        thread sends them.
        """
        return self._begun

    @property
    def in_doubt(self) -> bool:
        """Whether one may have been sent that nobody has answered."""
        return self._in_doubt

    def settled(self) -> int | None:
        """The same where every one of them has been answered; None where what becomes of one is not known yet."""
        with self._lock:
            return None if self._under_way or self._in_doubt else self._begun

    @contextmanager
    def sent(self) -> Iterator[None]:
        """One, from before it is sent until it is answered. Without an answer it may happen at any time from now."""
        with self._lock:
            self._begun += 1
            self._under_way += 1
        try:
            yield
        except BaseException:
            self._answered(in_doubt=True)
            raise
        self._answered()

    def begun_anew(self) -> None:
        """Others may have committed until now, and a session that was lost may have left a commit under way: no answer
        of before is good any more, and all is in doubt until the server was seen with nothing open.
        """
        with self._lock:
            self._begun += 1
            self._in_doubt = True

    def none_is_open(self, as_of: int) -> None:
        """The server was seen with no open transaction after so many had begun: what was in doubt comes no more."""
        with self._lock:
            if self._begun == as_of:
                self._in_doubt = False

    def _answered(self, *, in_doubt: bool = False) -> None:
        with self._lock:
            self._under_way -= 1
            self._in_doubt = self._in_doubt or in_doubt
