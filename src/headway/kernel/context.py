"""The ids of what is being worked on, for the lines of the panel's own log: known where the work begins, told by all
that is said meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_ids: ContextVar[dict[str, str] | None] = ContextVar("ids", default=None)


@contextmanager
def working_on(**given: str) -> Iterator[Mapping[str, str]]:
    """Adds ids for the length of the block, and for the tasks and threads that begin in it."""
    known = {**(_ids.get() or {}), **given}
    token = _ids.set(known)
    try:
        yield known
    finally:
        _ids.reset(token)


def found(**given: str) -> None:
    """Adds ids that have come out since the innermost ``working_on`` began, to its end; none outside of one."""
    known = _ids.get()
    if known is not None:
        known.update(given)


def ids() -> Mapping[str, str]:
    """What is known here."""
    return _ids.get() or {}
