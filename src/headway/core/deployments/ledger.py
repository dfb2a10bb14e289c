"""The only place that moves deployments: each move is guarded, kept with its subject's status, and told afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, case, func, literal, select, update

from headway.core.deployments import leases, queue, setbacks, store
from headway.core.deployments.idempotency import Once, Queued, keep, started_by
from headway.core.deployments.leases import Lease
from headway.core.deployments.model import Deployment, Request, SubjectType
from headway.core.deployments.registration import register
from headway.core.deployments.run import Owner, Subject
from headway.core.deployments.status import Intent, Maker, Reason, Status, allowed
from headway.core.deployments.subjects import topics_of_one, topics_of_subject, whose
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, TooManyRequests
from headway.kernel.events import DeploymentEnded, DeploymentMoved, DeploymentStarted, Events, Whose
from headway.kernel.ids import new_id

MOST_PENDING = 100
_RETRY_AFTER_SECONDS = 60
_c = deployments.c
_QUIET_ENDS = frozenset({Reason.CANCELLED, Reason.SUPERSEDED})  # somebody or something wanted them
EVENT_LIMIT = 4_000  # characters of an error message
_OVER: Mapping[str, Any] = {
    "ready": False,
    "pid": None,
    "intent": None,
    "out_of_reach_since": None,
    "last_seen_at": None,
    "secrets": None,
    "verdict": None,
}
_END = (
    update(deployments)
    .where(_c.seq == bindparam("ended"))
    .values(status=bindparam("came_to"), reason=bindparam("why"), error_message=bindparam("said"))
    .values(finished_at=bindparam("now"), **_OVER)
)
_END_WAITING, _END_RUNNING = _END.where(PENDING), _END.where(RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ends: ``status`` done or error, with the reason and sentence of an error."""

    status: Status
    reason: Reason | None = None
    message: str | None = None

    @classmethod
    def error(cls, reason: Reason, message: str) -> Outcome:
        """An end that is an error, for this reason, said in this sentence."""
        return cls(status=Status.ERROR, reason=reason, message=message)


class IntentPending(HeadwayError):
    """Somebody asked for the run's end before it could be written as done; that wish comes first."""

    def __init__(self, intent: Intent) -> None:
        super().__init__(f"A wish to {intent} came first.")
        self.intent = intent


class TooManyWait(TooManyRequests):
    """As many deployments of a service wait as may."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} deployments of this service wait already, and no more may. Ask again once some have run, cancel "
            "those that nobody needs (cleanQueues), or have the panel's owner allow more "
            "(HEADWAY_PENDING_DEPLOYMENTS).",
            _RETRY_AFTER_SECONDS,
        )


class Ledger:
    """Moves deployments between states, inside the caller's transaction."""

    def __init__(
        self,
        *,
        events: Events,
        subjects: Mapping[SubjectType, Subject] = MappingProxyType({}),
        log_path: Callable[[str], str],
        lease_duration: timedelta,
        most_pending: int = MOST_PENDING,
        note_unstarted: Callable[[str, str], None] | None = None,
    ) -> None:
        self._events = events
        self._subjects = dict(subjects)
        self._log_path = log_path
        self._lease_duration = lease_duration
        self._most_pending = most_pending
        self._note_unstarted = note_unstarted

    @property
    def subjects(self) -> Mapping[SubjectType, Subject]:
        """What deployments belong to, as it was registered."""
        return MappingProxyType(self._subjects)

    def register(self, subjects: Mapping[SubjectType, Subject]) -> None:
        """Takes what else deployments belong to, before the engine runs. Raises RegisteredTwice."""
        register(self._subjects, subjects.items())

    def enqueue(self, tx: Tx, request: Request) -> Deployment:
        """Creates a pending deployment: with the commit of the caller's transaction it is in the queue. Raises
        TooManyWait.
        """
        if self.is_full(tx, request):
            raise TooManyWait(self._most_pending)
        deployment_id = new_id()
        return self._moved(tx, queue.add(tx, request, deployment_id, self._log_path(deployment_id)))

    def is_full(self, tx: Tx, request: Request) -> bool:
        """Whether as many wait of what this is of as may."""
        return queue.waiting_of(tx, request, self._most_pending) >= self._most_pending

    def enqueue_once(self, tx: Tx, call: Once | None, request: Callable[[], Request]) -> Queued:
        """Creates what ``request`` says, unless an earlier call with the same key did: then that one's deployment is
        the answer, also where it has been removed since. Raises KeyReused.
        """
        before = started_by(tx, call) if call is not None else None
        if before is not None:
            tx.repeats = True
            return Queued(deployment_id=before, again=True)
        made = self.enqueue(tx, request())
        if call is not None:
            keep(tx, call, made.deployment_id)
        return Queued(deployment_id=made.deployment_id)

    def owner_of(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> Owner | None:
        """Whose a subject is; None where there is no such subject."""
        subject = self._subjects.get(subject_type)
        return None if subject is None else subject.owner(tx, subject_id)

    def claim(self, tx: Tx, host_id: str, owner: str) -> tuple[Deployment, Lease] | None:
        """Takes the next waiting deployment of a host and its lease, None when nothing may start."""
        claimed = queue.claim(tx, host_id, owner)
        if claimed is None:
            return None
        deployment, lease = claimed
        leases.grant(tx, lease, self._lease_duration)
        started = DeploymentStarted(
            deployment_id=deployment.deployment_id,
            kind=deployment.kind,
            host_id=deployment.host_id,
            epoch=lease.epoch,
            waited_seconds=(tx.now - deployment.created_at).total_seconds(),
        )
        tx.after(lambda: self._events.announce(started))
        if lease.epoch == 1:
            store.add_end_to_outbox(tx, deployment, "started")
        return self._moved(tx, deployment), lease

    def take_over(self, tx: Tx, deployment_id: str, owner: str) -> tuple[Deployment, Lease] | None:
        """Takes a running deployment that nobody holds, at a new epoch; None when somebody does or it has ended."""
        deployment = store.find(tx, deployment_id)
        if deployment.status is not Status.RUNNING or not leases.is_free(tx, deployment_id):
            return None
        lease = Lease(deployment_id=deployment_id, owner=owner, epoch=deployment.epoch + 1)
        guarded = (_c.seq == deployment.seq, RUNNING, _c.epoch == deployment.epoch)
        if tx.execute(update(deployments).where(*guarded).values(epoch=lease.epoch)).rowcount == 0:
            return None
        leases.grant(tx, lease, self._lease_duration)
        return store.find(tx, deployment_id), lease

    def finish(self, tx: Tx, lease: Lease, outcome: Outcome, maker: Maker) -> Deployment:
        """Writes the end, once: status, reason and sentence, the lease's release, the next in the queue, the outbox.

        Raises LeaseLost, and IntentPending when a success would pass over a wish to end the run.
        """
        leases.hold(tx, lease)
        queue.lock_key(tx, store.find(tx, lease.deployment_id).exclusive_key)
        deployment = store.find(tx, lease.deployment_id, lock=True)  # a wish is written before this or too late
        if outcome.status is Status.DONE and deployment.intent is not None:
            raise IntentPending(deployment.intent)
        if not self._end(tx, deployment, outcome, maker):
            raise leases.LeaseLost(lease)
        leases.release(tx, lease.deployment_id)
        setbacks.forget(tx, lease.deployment_id)
        store.close_steps(tx, lease.deployment_id)
        if outcome.status is Status.DONE:
            store.drop_undos(tx, lease.deployment_id)
        return self._after_end(tx, deployment)

    def end_waiting(self, tx: Tx, deployment: Deployment, reason: Reason, message: str) -> Deployment | None:
        """Ends a pending deployment; None when it is pending no more (look again)."""
        queue.lock_keys(tx)  # who ends what waits may end more of it, or add what takes its place
        queue.lock_key(tx, deployment.exclusive_key)
        current = store.find(tx, deployment.deployment_id, lock=True)  # a row without a key has no other lock
        if current.status is not Status.PENDING:
            return None
        if not self._end(tx, current, Outcome.error(reason, message), Maker.SERVICE):
            return None
        self._note(tx, deployment.deployment_id, message)
        return self._after_end(tx, current)

    def end_waiting_all(self, tx: Tx, deployment_ids: Sequence[str], reason: Reason, message: str) -> set[str]:
        """Ends those of some deployments that are pending, in one statement; gives them. Each end is told as any is."""
        queue.lock_keys(tx)
        known = tx.execute(select(_c.exclusive_key).where(_c.deployment_id.in_(deployment_ids)).distinct()).scalars()
        keys = sorted(key for key in known if key is not None)
        for key in keys:
            queue.lock_key(tx, key)
        wanted = select(_c.deployment_id, _c.created_at).where(_c.deployment_id.in_(deployment_ids), PENDING)
        rows = tx.execute(wanted.order_by(_c.seq).with_for_update()).all()
        _check(Status.PENDING, Status.ERROR, Maker.SERVICE, reason)
        ended = [row.deployment_id for row in rows]
        when = max([tx.now, *(row.created_at for row in rows)])
        came_to = {"status": Status.ERROR, "reason": reason, "error_message": message[:EVENT_LIMIT]}
        tx.execute(update(deployments).where(_c.deployment_id.in_(ended)).values(**came_to, finished_at=when, **_OVER))
        for key in keys:
            queue.promote(tx, key)
        for deployment_id in ended:
            self._note(tx, deployment_id, message)
            self._tell(tx, store.find(tx, deployment_id))
        return set(ended)

    def _note(self, tx: Tx, deployment_id: str, message: str) -> None:
        """The log of what never ran says why; before its end is announced, for whoever follows reads it then."""
        if (note := self._note_unstarted) is not None:
            tx.after(lambda: note(deployment_id, message))

    def put_back(self, tx: Tx, lease: Lease) -> Deployment:
        """Returns a run in which nothing has started to the queue, at its old place."""
        leases.hold(tx, lease)
        deployment = store.find(tx, lease.deployment_id)
        queue.lock_key(tx, deployment.exclusive_key)
        _check(deployment.status, Status.PENDING, Maker.RECOVERY, None)
        back = (
            update(deployments)
            .where(_c.seq == deployment.seq, RUNNING)
            .values(status=Status.PENDING, ready=deployment.exclusive_key is None, handle=None, pid=None)
            .values(started_at=None, out_of_reach_since=None, last_seen_at=None)
        )
        if tx.execute(back).rowcount == 0:
            raise leases.LeaseLost(lease)
        leases.release(tx, lease.deployment_id)
        queue.promote(tx, deployment.exclusive_key)
        return self._moved(tx, store.find(tx, lease.deployment_id))

    def intend(self, tx: Tx, deployment: Deployment, intent: Intent) -> bool:
        """Writes the wish to end a running deployment; a kill replaces a cancel, never the reverse. False when it runs
        no more (look again).
        """
        lasting = case((_c.intent == Intent.KILL, _c.intent), else_=literal(intent, _c.intent.type))
        since = func.coalesce(_c.kill_requested_at, literal(tx.now, _c.kill_requested_at.type))
        statement = update(deployments).where(_c.seq == deployment.seq, RUNNING)
        if tx.execute(statement.values(intent=lasting, kill_requested_at=since)).rowcount == 0:
            return False
        self._moved(tx, deployment)
        return True

    def touched(self, tx: Tx, deployment: Deployment, status: Status) -> None:
        """Tells after the commit that something about a deployment changed that its followers see."""
        moved = DeploymentMoved(deployment_id=deployment.deployment_id, status=status)
        tx.after(lambda: self._events.announce(moved))
        self.changed(tx, whose(deployment), *topics_of_one(deployment)[:1])

    def shown_changed(self, tx: Tx, deployment: Deployment, status: Status) -> None:
        """Tells after the commit that a deployment has changed for its followers and in lists."""
        self.touched(tx, deployment, status)
        self.lists_changed(tx, deployment)

    def lists_changed(self, tx: Tx, deployment: Deployment) -> None:
        """Tells after the commit that what lists show of a deployment, and of what it belongs to, has changed."""
        self.changed(tx, whose(deployment), *topics_of_one(deployment), *topics_of_subject(deployment))

    def changed(self, tx: Tx, where: Whose, *topics: str) -> None:
        """Tells after the commit that what is shown of these topics has changed."""
        tx.after(lambda: self._events.changed(where, *topics))

    def tell_end(self, tx: Tx, ended: Deployment) -> None:
        """Announces after the commit an end that was written before, when nobody heard of it."""
        tx.after(lambda: self._events.announce(_told(ended)))
        self.shown_changed(tx, ended, ended.status)

    def _end(self, tx: Tx, deployment: Deployment, outcome: Outcome, maker: Maker) -> bool:
        """Writes an end; False where the row has moved meanwhile: then nothing is written."""
        _check(deployment.status, outcome.status, maker, outcome.reason)
        ended = tx.execute(
            _END_WAITING if deployment.status is Status.PENDING else _END_RUNNING,
            {
                "ended": deployment.seq,
                "came_to": outcome.status,
                "why": outcome.reason,
                "said": store.writable(outcome.message)[:EVENT_LIMIT] if outcome.message else None,
                "now": max(tx.now, deployment.started_at or deployment.created_at),
            },
        )
        return ended.rowcount == 1

    def _after_end(self, tx: Tx, deployment: Deployment) -> Deployment:
        queue.promote(tx, deployment.exclusive_key)
        return self._tell(tx, store.find(tx, deployment.deployment_id))

    def _tell(self, tx: Tx, ended: Deployment) -> Deployment:
        store.add_end_to_outbox(tx, ended, ended.status if ended.reason not in _QUIET_ENDS else str(ended.reason))
        tx.after(lambda: self._events.announce(_told(ended)))
        return self._moved(tx, ended)

    def _moved(self, tx: Tx, deployment: Deployment) -> Deployment:
        subject = self._subjects.get(deployment.subject_type)
        if subject is not None:
            subject.moved(tx, deployment)
        self.shown_changed(tx, deployment, deployment.status)
        return deployment


def _told(ended: Deployment) -> DeploymentEnded:
    ran = None
    if ended.started_at is not None and ended.finished_at is not None:
        ran = (ended.finished_at - ended.started_at).total_seconds()
    return DeploymentEnded(
        deployment_id=ended.deployment_id,
        kind=ended.kind,
        host_id=ended.host_id,
        release_host_id=ended.release_host_id,
        status=ended.status,
        reason=ended.reason,
        ran_seconds=ran,
    )


def _check(source: Status, target: Status, maker: Maker, reason: Reason | None) -> None:
    if not allowed(source, target, maker, reason):
        msg = f"No move leads from {source} to {target} for {maker} with reason {reason}."
        raise AssertionError(msg)
