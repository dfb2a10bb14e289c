"""Tells forges what waits for them, each message for itself: what a forge does not take is tried again after a while.
It looks at the rows and has no part in what it tells of.

What was told last stands on the row, so what a crash or a forge that is away keeps from being told is told later, and
nothing is told twice but where the answer was lost: then the same status and the same comment are written again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from headway.core.engine import explain
from headway.core.engine.troubles import Troubles
from headway.drivers.forges.base import CommitStatus, ForgeAway, ForgeConnection, PullComment
from headway.features.git.providers import GitProviderService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.events import DeploymentEnded, Events, StepEnded

log = logging.getLogger(__name__)

_REST = 1.0
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeMessage:
    """What a forge does not know yet of the deployment or preview ``about``. ``attempts`` to tell it have failed, the
    last with ``error``; after ``last_at`` it is tried no more.
    """

    about: str
    last_at: datetime
    attempts: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message as it is told: which forge, of which repository, and what of these there is."""

    connection: ForgeConnection
    path: str
    status: CommitStatus | None = None
    comment: PullComment | None = None


M = TypeVar("M", bound=ForgeMessage)


class MessageKind(Protocol[M]):
    """One kind of messages, called by its ``name``, and where they wait. New ones are looked for every ``rounds``
    seconds, and when something has happened to a deployment.
    """

    @property
    def name(self) -> str: ...

    @property
    def rounds(self) -> int: ...

    def waiting(self, tx: Tx) -> Sequence[M]:
        """What is to be told now, in its order; what was given up is not."""
        ...

    def letter(self, tx: Tx, message: M) -> Letter | None:
        """How it is told; None where nobody is there to be told. Raises HeadwayError."""
        ...

    def settle(self, tx: Tx, message: M, comment_id: str | None) -> None:
        """Writes down that there is nothing more to tell of it; ``comment_id`` is that of its comment, if any."""
        ...

    def put_off(self, tx: Tx, message: M, why: str, until: datetime) -> None:
        """Writes down that it was not told."""
        ...

    def give_up(self, tx: Tx, message: M, why: str) -> None:
        """Writes down that it was not told and is not tried again."""
        ...

    def warn(self, message: M, why: str) -> None:
        """Says in the panel's log that it was not told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeOutbox(Generic[M]):
    """``tell_round`` is one round of the loop of a kind; none waits for the other's forges. A message is tried again
    after a minute, and then after twice as long each time, an hour at most. ``troubles`` has what was given up since
    one was told.
    """

    db: Database
    events: Events
    providers: GitProviderService
    kind: MessageKind[M]
    troubles: Troubles = field(default_factory=Troubles)
    _rounds: list[int] = field(default_factory=lambda: [0])

    def __post_init__(self) -> None:
        # Between two of these there is nothing new; what failed is tried again at the next look.
        self.events.listen(StepEnded, lambda _step: self.look_soon())
        self.events.listen(DeploymentEnded, lambda _end: self.look_soon())

    def look_soon(self) -> None:
        """Has the next round look."""
        self._rounds[0] = 0

    async def tell_round(self) -> float:
        """Tells what is new; seconds to rest."""
        self._rounds[0] -= 1
        if self._rounds[0] > 0:
            return _REST
        self._rounds[0] = self.kind.rounds
        for each in await self.db.read(self.kind.waiting):
            await self._tell(each)
        return _REST

    async def _tell(self, message: M) -> None:
        try:
            letter = await self.db.read(lambda tx: self.kind.letter(tx, message))
            comment_id = None if letter is None else await self._send(letter)
            await self.db.run(lambda tx: self.kind.settle(tx, message, comment_id))
        except HeadwayError as error:
            later = error.retry_at if isinstance(error, ForgeAway) else None
            await self._put_off(message, error.message[:1_000], later)
        except Exception as error:  # one that cannot be told keeps no other from being told
            why = explain.unforeseen(error)
            if message.error != why:
                log.exception("%s could not be told to its forge", message.about)
            await self._put_off(message, why, None)
        else:
            if letter is not None:
                self.troubles.forget(self.kind.name, _GIVEN_UP)

    async def _send(self, letter: Letter) -> str | None:
        """Tells it; the id of the comment."""
        connection, path, status, comment = letter.connection, letter.path, letter.status, letter.comment
        if status is not None:
            await self.providers.ask(connection, lambda api: api.set_status(connection, path, status))
        if comment is None:
            return None
        return await self.providers.ask(connection, lambda api: api.comment(connection, path, comment))

    async def _put_off(self, message: M, why: str, later: datetime | None) -> None:
        if message.error != why:  # each attempt meets it again: once is enough
            self.kind.warn(message, why)
        wait = min(_FIRST_WAIT * (1 << min(message.attempts, 10)), _LONGEST_WAIT)

        def write(tx: Tx) -> bool:
            until = max(later or tx.now, tx.now + wait)
            is_last = until > message.last_at
            if is_last:
                self.kind.give_up(tx, message, f"Given up: {why}")
            else:
                self.kind.put_off(tx, message, why, until)
            return is_last

        if await self.db.run(write):
            tries = message.attempts + 1
            told = f"{message.about} is not told to its forge any more, after {tries} tries in vain: {why}"
            self.troubles.give_up(self.kind.name, _GIVEN_UP, told)
