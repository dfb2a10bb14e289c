"""Tells forges what waits for them, each message for itself: what a forge does not take is tried again after a while,
and one that says nothing holds up no other organisation's. It looks at the rows and has no part in what it tells of.

What was told last stands on the row, so what a crash or a forge that is away keeps from being told is told later, and
nothing is told twice but where the answer was lost: then the same status and the same comment are written again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from headway.core.engine import explanations
from headway.core.engine.troubles import Troubles
from headway.drivers.forges.base import CommitState, CommitStatus, ForgeAway, ForgeConnection, PullComment
from headway.features.git.providers import GitProviderService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import DeploymentEnded, Events, StepEnded

log = logging.getLogger(__name__)

_REST = 1.0
_AT_ONCE = 16
_OF_ORGANIZATION = 2
_LETTER_SECONDS = 60.0  # for all that is asked to tell one
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeMessage:
    """What a forge does not know yet of the deployment or preview ``about``, of an organisation. Those of the same
    ``turn`` there are told one after another. ``attempts`` to tell it have failed, the last with ``error``; after
    ``last_at`` it is tried no more.
    """

    about: str
    organization_id: str
    turn: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStatus:
    """A status that a forge has of the deployment or preview ``about``: by which provider and in which repository, and
    what it is found by there.
    """

    about: str
    organization_id: str
    provider_id: str
    path: str
    commit_hash: str
    context: str
    state: CommitState

    def taken_back(self, words: str, link: str | None = None) -> CommitStatus | None:
        """What stands there once what it is about is gone, in these words; None where it stays as it is. A commit that
        was good stays good, what has failed has, and nothing goes on for ever.
        """
        if self.state in {CommitState.FAILURE, CommitState.STOPPED}:
            return None
        return CommitStatus(
            commit_hash=self.commit_hash,
            state=CommitState.SUCCESS if self.state is CommitState.SUCCESS else CommitState.STOPPED,
            context=self.context,
            description=words,
            link=link,
        )


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

    def settle(self, tx: Tx, message: M, letter: Letter | None, comment_id: str | None) -> None:
        """Writes down that there is nothing more to tell of it; ``letter`` is what was told, and ``comment_id`` that of
        its comment, if any.
        """
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
    """``tell_round`` is one round of the loop of a kind; none waits for the other's forges. Of an organisation two
    messages are told at a time. A message is tried again after a minute, and then after twice as long each time, an
    hour at most. ``troubles`` has what was given up since one was told.
    """

    db: Database
    events: Events
    providers: GitProviderService
    kind: MessageKind[M]
    troubles: Troubles = field(default_factory=Troubles)
    _rounds: list[int] = field(default_factory=lambda: [0])
    _under_way: dict[asyncio.Task[None], M] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Between two of these there is nothing new; what failed is tried again at the next look.
        self.events.listen(StepEnded, lambda _step: self.look_soon())
        self.events.listen(DeploymentEnded, lambda _end: self.look_soon())

    def look_soon(self) -> None:
        """Has the next round look."""
        self._rounds[0] = 0

    async def tell_round(self) -> float:
        """Tells what is new, and waits a second at most for what is under way; seconds to rest."""
        self._rounds[0] -= 1
        found: list[M] = []
        if self._rounds[0] <= 0:
            self._rounds[0] = self.kind.rounds
            begun = {each.about for each in self._under_way.values()}  # what was read of these may be told by now
            waiting = await self.db.read(self.kind.waiting)
            found = [each for each in waiting if each.about not in begun]
            if len(found) < len(waiting):
                self.look_soon()
        try:
            async with asyncio.timeout(_REST):
                while self._begin(found):
                    await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            if found:  # as it is then: it is looked at anew before it is told
                self.look_soon()
            return 0.0
        except BaseException:
            await self.release()
            raise
        return _REST

    async def release(self) -> None:
        """Ends what is under way; it waits still, and the next panel tells it."""
        left = list(self._under_way)
        self._under_way.clear()
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _begin(self, found: list[M]) -> bool:
        """Begins with what there is room for and takes it out of ``found``; whether anything is under way. Raises what
        kept one that was under way from being written down.
        """
        for task in [task for task in self._under_way if task.done()]:
            del self._under_way[task]
            task.result()
        told = self._under_way.values()
        busy = Counter(each.organization_id for each in told)
        turns = {(each.organization_id, each.turn) for each in told}
        for each in list(found):
            turn = (each.organization_id, each.turn)
            if busy.total() >= _AT_ONCE:
                break
            if busy[each.organization_id] < _OF_ORGANIZATION and turn not in turns:
                busy[each.organization_id] += 1
                turns.add(turn)
                found.remove(each)
                self._under_way[asyncio.create_task(self._tell(each))] = each
        return bool(self._under_way)

    async def _tell(self, message: M) -> None:
        try:
            letter = await self.db.read(lambda tx: self.kind.letter(tx, message))
            comment_id = None if letter is None else await self._sent_in_time(letter)
            await self.db.run(lambda tx: self.kind.settle(tx, message, letter, comment_id))
        except HeadwayError as error:
            later = error.retry_at if isinstance(error, ForgeAway) else None
            await self._put_off(message, error.message[:1_000], later)
        except Exception as error:  # one that cannot be told keeps no other from being told
            why = explanations.unforeseen(error)
            if message.error != why:
                log.exception("%s could not be told to its forge", message.about)
            await self._put_off(message, why, None)
        else:
            if letter is not None:
                self.troubles.forget(self.kind.name, _GIVEN_UP)

    async def _sent_in_time(self, letter: Letter) -> str | None:
        try:
            async with asyncio.timeout(_LETTER_SECONDS):
                return await self._send(letter)
        except TimeoutError:
            name = letter.connection.forge.named
            raise ForgeAway(f"{name} takes longer than {_LETTER_SECONDS:.0f} seconds for one message.") from None

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
