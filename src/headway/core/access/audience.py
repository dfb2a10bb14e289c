"""Whoever listens to a stream: so many for each person, and each only for as long as its access is what it was."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from datetime import UTC, datetime

from headway.core.access.model import Actor
from headway.core.access.policy import sees
from headway.core.access.renewal import AccessEnded, as_it_is
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, TooManyRequests
from headway.kernel.events import AccessChanged, Events, ServiceMoved

_RETRY_AFTER_SECONDS = 10
_MOST_OF_A_LINK = 20


class TooManyStreams(TooManyRequests):
    """A person listens to as much as anybody may."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You follow {most} logs and deployments already, and nobody may follow more at a time. Close some; the "
            "panel's owner can allow more (HEADWAY_STREAMS_PER_PERSON).",
            _RETRY_AFTER_SECONDS,
        )


class TooManyReaders(TooManyRequests):
    """As many listen by one link as may."""

    def __init__(self) -> None:
        super().__init__("As many follow this by the same link as may. Look again later.", _RETRY_AFTER_SECONDS)


@dataclass(slots=True, eq=False)
class Listener:
    """One who listens; ``over`` returns once it may not any longer. ``whose`` are those by whose access it may."""

    actor: Actor
    whose: frozenset[str]
    _now: Callable[[], datetime]
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _service_id: str | None = None
    _lost: set[str] = field(default_factory=set)

    async def over(self) -> None:
        """Waits until the access of the person has changed, its key or session has ended, or what it listens to has
        moved out of its sight: it has to ask again.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self.actor.seconds_left(self._now())):
                await self._changed.wait()

    async def is_still(self) -> bool:
        """Whether its access is what it was when it was found, before it listened for its end. Raises DatabaseAway."""
        try:
            return not self._changed.is_set() and await as_it_is(self.actor) == self.actor
        except AccessEnded:
            return False

    def require(self, service_id: str) -> None:
        """It listens to this service from now on. Raises Conflict once the access of the person has changed, or where
        the service has moved out of its sight since it began to listen.
        """
        self._service_id = service_id
        if self._changed.is_set() or service_id in self._lost:
            raise Conflict("Your access has changed meanwhile; try again.")

    def lose(self, service_id: str) -> None:
        """A service has moved out of its sight; to which it listens may be known only later."""
        self._lost.add(service_id)
        if service_id == self._service_id:
            self.send_away()

    def send_away(self) -> None:
        """Its access has changed."""
        self._changed.set()


class Audience:
    """Everybody who listens now. ``most`` is how many streams one person may have."""

    def __init__(self, events: Events, most: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._most = most
        self._now = now
        self._listeners: set[Listener] = set()
        self._of_person: Counter[str] = Counter()
        events.listen(AccessChanged, self._access_changed)
        events.listen(ServiceMoved, self._service_moved)

    def admit(self, actor: Actor) -> None:
        """Raises TooManyStreams for who listens to as many as one may: before anything is looked for that takes time.
        Others may begin meanwhile, so that ``listening`` raises it too.
        """
        if self._of_person[actor.user_id] >= self._most:
            raise TooManyStreams(self._most)

    def admit_reader(self, reader: Actor) -> None:
        """Raises TooManyReaders for a link by which as many listen as may."""
        if self._of_person[reader.user_id] >= _MOST_OF_A_LINK:
            raise TooManyReaders

    @contextmanager
    def listening(self, actor: Actor, maker_id: str | None = None) -> Iterator[Listener]:
        """For as long as it listens; ``maker_id`` is who has let it, where it is not for itself that it may. Raises
        TooManyStreams, of who is let in by another TooManyReaders.
        """
        self.admit(actor) if maker_id is None else self.admit_reader(actor)
        whose = frozenset({actor.user_id} if maker_id is None else {actor.user_id, maker_id})
        listener = Listener(actor, whose, self._now)
        self._listeners.add(listener)
        self._of_person[actor.user_id] += 1
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._of_person[actor.user_id] -= 1
            if not self._of_person[actor.user_id]:
                del self._of_person[actor.user_id]

    def _access_changed(self, event: AccessChanged) -> None:
        for listener in self._listeners:
            if event.user_id in listener.whose:
                listener.send_away()

    def _service_moved(self, event: ServiceMoved) -> None:
        for listener in self._listeners:
            if not sees(listener.actor, event.organization_id, event.project_id, service_id=event.service_id):
                listener.lose(event.service_id)
