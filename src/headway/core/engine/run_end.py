"""How a run ends: stop what runs, take effects back, close the log, write the end once, clean up after it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from typing import TypeVar

from headway.core.deployments import leases, setbacks, store
from headway.core.deployments.leases import Lease, LeaseLost
from headway.core.deployments.ledger import IntentPending, Outcome
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Kind, Success, Undo
from headway.core.deployments.status import ON_REQUEST, Intent, Maker, Reason, Status
from headway.core.deployments.store import StepEnd
from headway.core.engine import explanations
from headway.core.engine.parts import SOON_SECONDS, Parts, RunLog
from headway.infra.db.engine import DatabaseFull
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Anchor, AnchorGone, EpochPassed, Handle, Host, HostUnreachable, StopMode
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)
T = TypeVar("T")


def by_wish(intent: Intent) -> Outcome:
    """The outcome of a run that somebody asked to end."""
    return Outcome.error(intent.reason, explanations.wished(intent))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """Ends one run, by whoever holds its lease: its runner, or recovery. ``ended`` are the steps whose end is still to
    be recorded. ``struck`` is the handle of an anchor that does not answer: it is ended with all that it holds.
    """

    parts: Parts
    deployment: Deployment
    lease: Lease
    log: RunLog
    anchor: Anchor | None
    handle: Handle | None
    maker: Maker
    ended: Sequence[StepEnd] = ()
    struck: Handle | None = None

    @property
    def host(self) -> Host:
        """Where the run's effects are."""
        return self.parts.registered.hosts[self.deployment.host_id]

    async def succeed(self, success: Success) -> Outcome:
        """Writes ``done``, unless a wish to end the run was written before: then that is carried out."""
        note = await self._finish_log(success.message)
        self.parts.crash_point("success logged")
        notes = " ".join(each for each in (success.warning, note) if each)
        try:
            await self._write_end(Outcome(status=Status.DONE, message=notes or None), success.settle)
        except IntentPending as wish:
            return await self.fail(by_wish(wish.intent))
        return Outcome(status=Status.DONE)

    async def fail(self, outcome: Outcome) -> Outcome:
        """Writes ``error`` after the run's effects are taken back; the verdict is kept first, so that a crash in
        between ends with the same one.
        """
        if outcome.message is not None:
            outcome = replace(outcome, message=self.log.masked(outcome.message))
        if outcome.reason not in ON_REQUEST:  # a wish is on the row already
            outcome = await self._keep_verdict(outcome)
            self.parts.crash_point("verdict kept")
        if self.anchor is not None:
            await self._shut(self.anchor)
        if self.struck is not None:
            async with asyncio.timeout(self.parts.settings.undo_deadline.total_seconds()):
                await self.host.forget(self.struck)
        try:
            await take_back(self.parts, self.deployment, self.lease)
        except DatabaseFull:
            await self._make_room()
            await take_back(self.parts, self.deployment, self.lease)
        self.parts.crash_point("undone")
        await self._write_end(await self._logged(outcome), None)
        return outcome

    async def give_up(self, outcome: Outcome) -> Outcome:
        """Writes ``error`` for a run whose host is out of reach: its processes are ended and its effects taken back
        when the host answers again, by the janitor, before anything new is claimed there.
        """
        await self._write_end(await self._logged(outcome), None)
        return outcome

    async def _logged(self, outcome: Outcome) -> Outcome:
        """The outcome of an error, which the log's last line tells, or which tells why it does not."""
        note = await self._finish_log(f"Deployment {outcome.reason}: {outcome.message}")
        return outcome if note is None else replace(outcome, message=f"{outcome.message} {note}")

    async def _finish_log(self, closing: str) -> str | None:
        """Finishes the log; where it cannot be, the sentence that says so: an end is true without it."""
        try:
            await self.log.finish(closing)
        except (AnchorGone, EpochPassed, LeaseLost, HostUnreachable):
            raise
        except Exception as error:
            log.warning("the log of deployment %s is not whole", self.deployment.deployment_id, exc_info=error)
            return explanations.log_not_whole(error)
        return None

    async def _write_end(self, outcome: Outcome, settle: Callable[[Tx], None] | None) -> None:
        def write(tx: Tx) -> None:
            leases.hold(tx, self.lease)
            store.finish_steps(tx, self.deployment.deployment_id, self.ended)
            if settle is not None:
                settle(tx)
            self.parts.ledger.finish(tx, self.lease, outcome, self.maker)

        try:
            await self.parts.write(write)
        except LeaseLost:
            # The answer to a commit may be lost: then the end stands there, and nobody has been told of it.
            await self.parts.write(self._tell_the_end)
        self.parts.crash_point("end written")
        await self.log.ended()
        if self.handle is not None:
            await self._forget(self.handle)

    def _tell_the_end(self, tx: Tx) -> None:
        current = store.find(tx, self.deployment.deployment_id)
        if not current.status.ended or current.epoch != self.lease.epoch:
            raise LeaseLost(self.lease)
        self.parts.ledger.tell_end(tx, current)

    async def _shut(self, anchor: Anchor) -> None:
        try:
            await anchor.stop(StopMode.KILL)
        except AnchorGone:
            if self.handle is not None:
                await self.host.sweep(self.handle)

    async def _forget(self, handle: Handle) -> None:
        try:
            if self.anchor is not None:
                await self.anchor.close()
            else:
                await self.host.forget(handle)
        except HeadwayError as error:
            log.warning("what deployment %s left is cleaned later: %s", handle.deployment_id, error.message)

    async def _keep_verdict(self, outcome: Outcome) -> Outcome:
        """Keeps what the run is to end with; where the disk has no room for it, what the run has filled goes first."""
        try:
            await self.parts.write(lambda tx: self._note_verdict(tx, outcome), full_seconds=SOON_SECONDS)
        except DatabaseFull as full:
            await self._make_room()
            said = outcome.message or ""
            told = replace(outcome, message=said if full.message in said else f"{said} {full.message}".lstrip())
            await self.parts.write(lambda tx: self._note_verdict(tx, told))
            return told
        return outcome

    async def _make_room(self) -> None:
        """Ends what runs and takes back what it did, as far as that goes without the database, which has no room to
        note it: all of it is done once more when it has.
        """
        log.warning("deployment %s ends on a full disk: what it has written goes first", self.lease.deployment_id)
        await self.parts.db.read(lambda tx: leases.require(tx, self.lease))
        if self.anchor is not None:
            await self._shut(self.anchor)
        undoing = _Unnoted(parts=self.parts, deployment=self.deployment, lease=self.lease)
        kind = self.parts.registered.kinds.get(self.deployment.kind)
        owed = await self.parts.db.read(lambda tx: store.undos_of(tx, self.lease.deployment_id))
        if kind is not None:
            for _, name, data in owed:
                await _why_not_undone(undoing, kind, name, data)

    def _note_verdict(self, tx: Tx, outcome: Outcome) -> None:
        leases.hold(tx, self.lease)
        store.finish_steps(tx, self.deployment.deployment_id, self.ended)
        store.set_fields(tx, self.deployment.deployment_id, verdict=json.dumps(asdict(outcome)))


async def take_back(parts: Parts, deployment: Deployment, lease: Lease | None) -> str | None:
    """Carries out a deployment's recorded undos; why one of them is still owed, None where none is. Without a lease
    (the deployment has ended) nothing guards them but their own repeatability, and where a host does not answer the
    others are carried out all the same. Raises HostUnreachable.
    """
    kind = parts.registered.kinds.get(deployment.kind)
    if kind is None:
        return f"This panel does not know how to take back {deployment.kind}."
    owed: str | None = None
    away: HostUnreachable | None = None
    undoing = _Undoing(parts=parts, deployment=deployment, lease=lease)
    for number, name, data in await parts.write(lambda tx: store.undos_of(tx, deployment.deployment_id)):
        try:
            why = await _why_not_undone(undoing, kind, name, data)
        except HostUnreachable as gone:
            if lease is not None:  # who ends a run waits for its hosts
                raise
            away = gone
            continue
        if why is None:
            await undoing.write(lambda tx, number=number: store.drop_undo(tx, number))  # type: ignore[misc]
        owed = owed or why
    if away is not None and owed is None:
        raise away
    return owed


@dataclass(slots=True, kw_only=True)
class _Undoing:
    """What an undo works with; fits ``core.deployments.run.UndoContext``."""

    parts: Parts
    deployment: Deployment
    lease: Lease | None

    @property
    def host(self) -> Host:
        return self.parts.registered.hosts[self.deployment.host_id]

    async def write(self, change: Callable[[Tx], T]) -> T:
        def guarded(tx: Tx) -> T:
            if self.lease is not None:
                leases.hold(tx, self.lease)
            return change(tx)

        return await self.parts.write(guarded)

    def fence(self, host: Host | None = None) -> AbstractAsyncContextManager[None]:
        epoch = self.lease.epoch if self.lease is not None else self.deployment.epoch
        return (host or self.host).fence(self.deployment.deployment_id, epoch)


class _Unnoted(_Undoing):
    """One whose database takes nothing."""

    async def write(self, change: Callable[[Tx], T]) -> T:
        msg = "There is no room to note it."
        raise DatabaseFull(msg)


async def _why_not_undone(undoing: _Undoing, kind: Kind, name: str, data: str) -> str | None:
    try:
        async with asyncio.timeout(undoing.parts.settings.undo_deadline.total_seconds()):
            await _undo_of(kind, name)(undoing, json.loads(data))
    except (LeaseLost, EpochPassed, HostUnreachable):
        raise
    except Exception as error:
        mine = undoing.deployment.deployment_id
        known = isinstance(error, HeadwayError | OSError | TimeoutError)
        log.warning("undo %s of deployment %s is tried again later: %s", name, mine, error, exc_info=not known)
        return f"{name}: {str(error) or type(error).__name__}"
    return None


def _undo_of(kind: Kind, name: str) -> Undo:
    """The one that is recorded under the name. Raises HeadwayError where there is none: it stays owed."""
    try:
        return kind.undos[name]
    except KeyError:
        raise HeadwayError(f"This panel does not know how to take back {name} of {kind.name}.") from None


def set_back(tx: Tx, lease: Lease, error: Exception) -> None:
    """An attempt has come to nothing: the run is free to be looked at again, a bounded number of times."""
    sentence = error.message if isinstance(error, HeadwayError) else explanations.unforeseen(error)
    setbacks.count(tx, lease.deployment_id, sentence)
    leases.release_if_mine(tx, lease)


def verdict_of(text: str | None) -> Outcome | None:
    """The outcome that ``fail`` kept before a crash, None where there is none."""
    if text is None:
        return None
    values = json.loads(text)
    return Outcome(status=Status(values["status"]), reason=Reason(values["reason"]), message=values["message"])
