"""Facts announced after they are true; whoever listens can neither delay nor undo them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

log = logging.getLogger(__name__)

E = TypeVar("E")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentMoved:
    """A deployment's status, step or intent has changed and the change is committed."""

    deployment_id: str
    status: str


class Events:
    """Hands each announced record to the listeners of its type, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: dict[type[object], list[Callable[[object], None]]] = {}

    def listen(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Calls ``listener`` for every record of type ``kind``; the result ends the subscription."""
        listeners = self._listeners.setdefault(kind, [])
        listeners.append(listener)  # type: ignore[arg-type]  # keyed by type
        return lambda: listeners.remove(listener)  # type: ignore[arg-type]

    def announce(self, record: object) -> None:
        """Tells every listener; one that breaks is logged and does not reach the announcer."""
        for listener in tuple(self._listeners.get(type(record), ())):
            try:
                listener(record)
            except Exception:
                log.exception("a listener failed", extra={"record": type(record).__name__})
