"""Errors that nobody foresaw, raised one by one wherever code of the engine waits for something."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import headway
from headway.kernel.errors import HeadwayError

_ROOT = Path(headway.__file__).parent
FOLDERS = ("core/engine", "infra/logs")
OF_FEATURES = (
    "core/deployments/subject_shutdown.py",
    *(f"features/notifications/{name}.py" for name in ("delivery", "outbox")),
    "features/previews/cleanup.py",
    "features/rollbacks/readiness.py",
    "features/schedules/cleanup.py",
)
FILES = ("core/deployments/retention.py", *OF_FEATURES)
ERRORS: tuple[Callable[[], Exception], ...] = (
    lambda: RuntimeError("nobody foresaw it"),
    lambda: OSError(28, "No space left on device"),
    lambda: HeadwayError("It is in state D."),
    TimeoutError,
    lambda: KeyError("name"),
)


class When(StrEnum):
    """An error comes at once, or instead of the answer to what has happened."""

    AT_ONCE = "at once"
    LATER = "later"


class Point(NamedTuple):
    """Where something waits: the innermost line of the engine, and which of the two ways it fails."""

    file: str
    line: int
    function: str
    when: When

    def __str__(self) -> str:
        """As one line, by which it is found."""
        return f"{self.file}:{self.line} ({self.function}, {self.when})"


@dataclass
class Injector:
    """Counts where the engine waits; from the ``nth`` time at ``point`` so many ``times``, or at any at those numbers,
    it raises instead.
    ``raised_outside`` tells of the last error that it was in none of the engine's loops.
    """

    point: Point | None = None
    nth: int = 1
    times: int = 1
    error: Callable[[], Exception] = ERRORS[0]
    at: dict[int, Callable[[], Exception]] = field(default_factory=dict)
    met: Counter[Point] = field(default_factory=Counter)
    raised_outside: bool = False

    def pierced(self, coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """The same work, which may be made to fail."""
        return Pierced(coroutine, self)

    def due(self, coroutine: Coroutine[Any, Any, Any], when: When) -> Exception | None:
        """What is to be raised where the work waits now, None for nothing."""
        found = _waits_at(coroutine)
        if found is None:
            return None
        point = Point(*found, when)
        self.met[point] += 1
        error = self.at.pop(self.met.total(), None)
        if point == self.point and self.nth <= self.met[point] < self.nth + self.times:
            error = self.error
        if error is None:
            return None
        self.raised_outside = _is_outside(coroutine)
        return error()


class Pierced(Coroutine[Any, Any, Any]):
    """A coroutine into which errors are thrown where it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], injector: Injector) -> None:
        self._coroutine = coroutine
        self._injector = injector

    def send(self, value: Any) -> Any:  # noqa: ANN401 - as a coroutine
        error = self._injector.due(self._coroutine, When.LATER)
        if error is not None:
            return self._waiting(lambda: self._coroutine.throw(error))
        return self._waiting(lambda: self._coroutine.send(value))

    def throw(self, *error: Any) -> Any:  # noqa: ANN401 - as a coroutine
        return self._waiting(lambda: self._coroutine.throw(*error))

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._coroutine.__await__()

    def _waiting(self, step: Callable[[], Any]) -> Any:  # noqa: ANN401 - as a coroutine
        while True:
            waits_for = step()
            error = self._injector.due(self._coroutine, When.AT_ONCE)
            if error is None:
                return waits_for
            if asyncio.isfuture(waits_for):
                waits_for._asyncio_future_blocking = False
            step = _throwing(self._coroutine, error)


def _is_outside(coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Whether what waits is the panel itself: what its engine begins with, and what keeps its loops together."""
    below = getattr(coroutine, "cr_await", None)
    own = {"Engine.run", "Engine.take_over"}
    return any(getattr(each, "__qualname__", "") in own for each in (coroutine, below))


def _throwing(coroutine: Coroutine[Any, Any, Any], error: Exception) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _waits_at(waiting: Any) -> tuple[str, int, str] | None:  # noqa: ANN401 - whatever can wait
    """The innermost line of the engine in a chain of awaits."""
    found = None
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        below = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)
        if frame is not None and getattr(waiting, "cr_suspended", True):  # else it has not begun
            file = _file(frame.f_code.co_filename)
            if file:
                found = (file, frame.f_lineno, frame.f_code.co_qualname)
            if frame.f_code.co_name in {"__aenter__", "__aexit__"} and "contextlib" in frame.f_code.co_filename:
                below = getattr(frame.f_locals.get("self"), "gen", None)  # what is awaited there shows no frame
        waiting = below
    return found


_KNOWN: dict[str, str] = {}


def _file(name: str) -> str:
    if name not in _KNOWN:
        path = Path(name)
        below = path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else ""
        _KNOWN[name] = below if below in FILES or below.startswith(FOLDERS) else ""
    return _KNOWN[name]
