"""What the domains ask of timers: set one, forget one, tell how a run of one has ended."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Select

from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.status import Status
from headway.core.engine.scheduler import store
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.store import LastStart, TimerKey
from headway.core.engine.scheduler.timer import Policy, Tick, Timer, next_attempt
from headway.infra.db.transaction import Tx
from headway.kernel.clock import Clock, SystemClock
from headway.kernel.events import Events, TimersChanged


class Timers:
    """The timers of subjects of every type, inside the caller's transaction."""

    def __init__(self, events: Events, clock: Clock | None = None) -> None:
        self._events = events
        self._clock = clock or SystemClock()

    def put(
        self, tx: Tx, subject_type: SubjectType, subject_id: str, cron: Cron, policy: Policy, *, enabled: bool
    ) -> Timer:
        """Sets a subject's timer. It counts from now on where its times are others than before, or it was off. Raises
        InvalidInput for what is never due.
        """
        now = self._clock.now()
        cron.check(now)
        policy.check()
        key = TimerKey(subject_type=subject_type, subject_id=subject_id)
        tx.lock(key.lock)
        before = store.find(tx, subject_type, subject_id)
        goes_on = before is not None and before.cron == cron and before.enabled and enabled
        looked_until = before.looked_until if before is not None and goes_on else now
        if not goes_on:
            store.drop_waiting(tx, key)
        timer = Timer(
            subject_type=subject_type,
            subject_id=subject_id,
            cron=cron,
            policy=policy,
            enabled=enabled,
            looked_until=looked_until,
            next_at=cron.after(looked_until) if enabled else None,
            missed=before.missed if before is not None else 0,
        )
        store.put(tx, timer)
        tx.after(lambda: self._events.announce(TimersChanged()))
        return timer

    def remove(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> None:
        """Forgets a subject's timer; nothing is due any more."""
        tx.lock(TimerKey(subject_type=subject_type, subject_id=subject_id).lock)
        store.remove(tx, subject_type, subject_id)

    def one(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> Timer | None:
        """A subject's timer."""
        return store.find(tx, subject_type, subject_id)

    def of(self, tx: Tx, subject_type: SubjectType, ids: Select[tuple[str]]) -> Mapping[str, Timer]:
        """The timers of subjects that ``ids`` selects, by the subject's id."""
        return {each.subject_id: each for each in store.of_subjects(tx, subject_type, ids)}

    def newest(self, tx: Tx, subject_type: SubjectType, subject_id: str, most: int) -> list[Tick]:
        """Its latest due times and what became of them, the newest first."""
        return store.newest(tx, TimerKey(subject_type=subject_type, subject_id=subject_id), most)

    def last_start(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> LastStart | None:
        """The newest of its due times that was started."""
        return store.last_start(tx, TimerKey(subject_type=subject_type, subject_id=subject_id))

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """To be told of every move of a deployment that a timer may have asked for: one that has failed is tried again
        as the policy says.
        """
        if deployment.status is not Status.ERROR:
            return
        key = TimerKey(subject_type=deployment.subject_type, subject_id=deployment.subject_id)
        timer, tick = (
            store.find(tx, key.subject_type, key.subject_id),
            store.of_deployment(tx, key, deployment.deployment_id),
        )
        if timer is None or tick is None or not timer.enabled:
            return
        now = self._clock.now()
        following = next_attempt(timer.policy, tick, deployment.reason, now)
        if following is not None and store.record(tx, key, following, now):
            tx.after(lambda: self._events.announce(TimersChanged()))
