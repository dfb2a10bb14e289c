"""How long ended deployments are kept: the newest of each subject, and none that is too old; their logs go with them.

A record goes first, and leaves a note of its log in the same transaction; whoever finds the note removes the log and
then the note. So a power cut leaves neither a log that nobody knows nor a row whose log is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple, Protocol

from sqlalchemy import bindparam, delete, exists, literal, or_, select, tuple_

from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import LogFiles
from headway.core.deployments.status import Status
from headway.infra.db.engine import Database
from headway.infra.db.tables.deployments import deployments, removed_logs, undos
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

ROWS_AT_A_TIME = 100
_SUBJECTS_AT_A_TIME = 50
_REST = 60.0
_ENDED = (Status.DONE, Status.ERROR)

_c = deployments.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Of a subject's ended deployments the newest ``number``, as far as their end is no longer ago than ``age`` (None:
    however long).
    """

    number: int
    age: timedelta | None = None


class SubjectKey(NamedTuple):
    """A subject as the index orders it."""

    subject_type: str
    subject_id: str


class Attempts(Protocol):
    """Carries out the work of items, so that one that fails stops no other, is tried again and is told of; the engine's
    troubles are one.
    """

    async def attempt(self, loop: str, item: str, work: Callable[[], Awaitable[object]]) -> bool:
        """Whether the work of one item succeeded now."""
        ...

    def forget(self, loop: str, item: str) -> None:
        """An item is no more."""
        ...

    def forget_others(self, loop: str, items: Collection[str]) -> None:
        """A loop has no items any more but these."""
        ...


class Retention:
    """Removes what is not kept, a little at a time. ``own`` tells for a type of subjects what one of them keeps, given
    the panel's default; ``needed`` which of some deployments something else still goes by; by ``troubles`` each subject
    and each log is seen to by itself. ``removes`` is told of those that go, while they are still there.
    """

    def __init__(
        self,
        *,
        db: Database,
        logs: LogFiles,
        default: Keep,
        own: Mapping[SubjectType, Callable[[Tx, str, Keep], Keep]],
        needed: Callable[[Tx, Collection[str]], Collection[str]],
        troubles: Attempts,
        removes: Callable[[Tx, Sequence[str]], None] = lambda _tx, _deployment_ids: None,
    ) -> None:
        self._db = db
        self._removes = removes
        self._logs = logs
        self._default = default
        self._own = own
        self._needed = needed
        self._troubles = troubles
        self._failing: set[SubjectKey] = set()

    async def keep_round(self) -> float:
        """One look at every subject; seconds to rest."""
        for subject in tuple(self._failing):  # which may have nothing too much any more, or be gone
            await self._see_to(subject)
        last = SubjectKey("", "")
        while subjects := await self._db.read(lambda tx, last=last: _subjects_after(tx, last)):  # type: ignore[misc]
            for subject in await self._db.read(lambda tx, some=subjects: self._with_too_much(tx, some)):  # type: ignore[misc]
                await self._see_to(subject)
            last = subjects[-1]
        await self.clear_logs()
        return _REST

    async def clear_logs(self) -> None:
        """Removes the logs of records that are gone."""
        last = ""
        while noted := await self._db.read(lambda tx, last=last: _noted(tx, last)):  # type: ignore[misc]
            gone = [each for each in noted if await self._attempt(f"log {each}", partial(self._logs.remove, each))]
            await self._db.run(lambda tx, gone=gone: _strike_out(tx, gone))  # type: ignore[misc]
            last = noted[-1]

    async def _see_to(self, subject: SubjectKey) -> None:
        if await self._attempt(" ".join(subject), partial(self._prune_all, subject)):
            self._failing.discard(subject)
        else:
            self._failing.add(subject)

    async def _attempt(self, item: str, work: Callable[[], Awaitable[object]]) -> bool:
        return await self._troubles.attempt("retention", item, work)

    async def _prune_all(self, subject: SubjectKey) -> None:
        while await self._db.run(lambda tx: self._prune(tx, subject)):
            pass

    def _with_too_much(self, tx: Tx, subjects: Sequence[SubjectKey]) -> list[SubjectKey]:
        return [subject for subject in subjects if self._may_have_too_much(tx, subject)]

    def _may_have_too_much(self, tx: Tx, subject: SubjectKey) -> bool:
        try:
            return bool(self._beyond(tx, subject))
        except (HeadwayError, ValueError, LookupError, TypeError):  # of settings that cannot be read
            return True  # which is told where it is seen to by itself

    def _prune(self, tx: Tx, subject: SubjectKey) -> bool:
        """Removes some of what a subject has too much; whether there may be more."""
        found = self._beyond(tx, subject)
        if found:
            self._removes(tx, found)
        store.remove_all(tx, found)
        return len(found) == ROWS_AT_A_TIME

    def _beyond(self, tx: Tx, subject: SubjectKey) -> list[str]:
        keep = self._keep(tx, subject)
        mine = (_c.subject_type == subject.subject_type, _c.subject_id == subject.subject_id, _c.status.in_(_ENDED))
        newest_too_much = tx.scalar(select(_c.seq).where(*mine).order_by(_c.seq.desc()).limit(1).offset(keep.number))
        goes = [] if newest_too_much is None else [_c.seq <= newest_too_much]
        goes += [] if keep.age is None else [_c.finished_at < literal(tx.now - keep.age, _c.finished_at.type)]
        if not goes:
            return []
        # What could not be taken back yet is known by its record alone.
        undone = ~exists().where(undos.c.deployment_id == _c.deployment_id)
        oldest_first = select(_c.seq, _c.deployment_id).where(*mine, or_(*goes), undone).order_by(_c.seq)
        found: list[str] = []
        last = 0
        while len(found) < ROWS_AT_A_TIME:
            some = tx.execute(oldest_first.where(_c.seq > last).limit(ROWS_AT_A_TIME)).all()
            if not some:
                break
            last = some[-1].seq
            needed = set(self._needed(tx, [row.deployment_id for row in some]))
            found += [row.deployment_id for row in some if row.deployment_id not in needed]
        return found[:ROWS_AT_A_TIME]

    def _keep(self, tx: Tx, subject: SubjectKey) -> Keep:
        own = self._own.get(SubjectType(subject.subject_type))
        return self._default if own is None else own(tx, subject.subject_id, self._default)


def _subjects_after(tx: Tx, last: SubjectKey) -> list[SubjectKey]:
    """The next subjects that have deployments, found one by one: to group all rows would read the whole index."""
    found: list[SubjectKey] = []
    while len(found) < _SUBJECTS_AT_A_TIME:
        row = tx.execute(_NEXT_SUBJECT, last._asdict()).one_or_none()
        if row is None:
            break
        last = SubjectKey._make(row)
        found.append(last)
    return found


def _noted(tx: Tx, last: str) -> list[str]:
    noted = removed_logs.c.deployment_id
    return list(tx.execute(select(noted).where(noted > last).order_by(noted).limit(ROWS_AT_A_TIME)).scalars())


def _strike_out(tx: Tx, noted: Sequence[str]) -> None:
    tx.execute(delete(removed_logs).where(removed_logs.c.deployment_id.in_(noted)))


_SUBJECT = (_c.subject_type, _c.subject_id)
_NEXT_SUBJECT = (
    select(*_SUBJECT)
    .where(tuple_(*_SUBJECT) > tuple_(bindparam("subject_type"), bindparam("subject_id")))
    .order_by(*_SUBJECT)
    .limit(1)
)
