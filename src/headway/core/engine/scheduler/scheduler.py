"""Looks at the clock: asks for what is due, once, whoever looks first, and writes down what became of each due time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Request, SubjectType, Trigger
from headway.core.deployments.status import Intent, Reason, Status
from headway.core.deployments.store import add_to_outbox
from headway.core.engine.scheduler import store
from headway.core.engine.scheduler.store import TimerKey
from headway.core.engine.scheduler.timer import PUT_OFF, Fate, Tick, Timer, ends_retries, judged, replaces, start_fate
from headway.core.engine.troubles import Troubles
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.events import DueTimeDecided, Events

log = logging.getLogger(__name__)

_LOOP = "timer"
MOST_REST = 1.0  # another panel may have set a timer, and a clock may be put right
_PRUNE_REST = 3600.0
_PUT_RIGHT_REST = 60.0
_AHEAD = timedelta(minutes=5)  # a clock that is less ahead is waited for


class TimerSource(Protocol):
    """What the timers of one type of subjects ask for."""

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        """The deployment that a due time asks for; None where the subject is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """The loop over all timers. What could not be started within ``grace`` of its time was missed. ``interrupt`` ends a
    run of this panel as its written intent says. A timer that breaks holds up no other: ``troubles`` has it tried again
    later.
    """

    db: Database
    ledger: Ledger
    events: Events
    clock: Clock
    grace: timedelta
    sources: Mapping[SubjectType, TimerSource]
    troubles: Troubles = field(default_factory=Troubles)
    interrupt: Callable[[str, Intent], object] = lambda _id, _intent: None

    async def look(self) -> float:
        """Sees to all that is due, to each timer once; seconds to rest."""
        now = self.clock.now()
        seen: set[TimerKey] = set()
        while keys := [key for key in await self._to_see_to(now, len(seen)) if key not in seen]:
            for key in keys:
                await self.troubles.attempt(_LOOP, str(key), partial(self._see_to, key))
            seen.update(keys)
        if self.troubles.items(_LOOP):  # of which one may be set no more
            self.troubles.forget_others(_LOOP, {str(key) for key in await self.db.read(store.enabled)})
        coming = await self.db.read(store.next_time)
        if coming is None:
            return MOST_REST
        if coming <= now:  # one that has to wait after a failure, or a clock that was set back
            return MOST_REST
        return min(max((coming - self.clock.now()).total_seconds(), 0.0), MOST_REST)

    async def _to_see_to(self, now: datetime, beside: int) -> list[TimerKey]:
        return await self.db.read(lambda tx: store.to_see_to(tx, now, beside))

    async def prune(self) -> float:
        """Forgets what nobody asks for any more; seconds to rest."""
        await self.db.run(store.prune)
        return _PRUNE_REST

    async def put_right(self) -> float:
        """Has what a clock that was ahead has carried away count from now on: nothing would be due until that time
        comes. Seconds to rest.
        """
        beyond = self.clock.now() + _AHEAD
        for key in await self.db.read(lambda tx: store.looked_ahead(tx, beyond)):
            work = partial(self._done, key, partial(self._put_right, key=key))
            await self.troubles.attempt(_LOOP, str(key), work)
        for key, tick in await self.db.read(self._waiting_too_long):
            work = partial(self._done, key, partial(self._bring_near, key=key, tick=tick))
            await self.troubles.attempt(_LOOP, str(key), work)
        return _PUT_RIGHT_REST

    def _put_right(self, tx: Tx, key: TimerKey) -> None:
        tx.lock(key.lock)
        now, timer = self.clock.now(), store.find(tx, key.subject_type, key.subject_id)
        if timer is None or timer.looked_until <= now + _AHEAD:
            return
        told = (key.subject_type, key.subject_id, timer.looked_until)
        missed = store.forget_beyond(tx, key, now)
        store.put(tx, replace(timer.put_right(now), missed=max(timer.missed - missed, 0)))
        tx.after(lambda: log.warning("the timer of %s %s counts from now on: the clock was ahead until %s", *told))

    def _waiting_too_long(self, tx: Tx) -> list[tuple[TimerKey, Tick]]:
        now, found = self.clock.now(), []
        for key, tick in store.waiting_beyond(tx, now + _AHEAD):
            timer = store.find(tx, key.subject_type, key.subject_id)
            if timer is not None and (latest := timer.latest_start(tick, now)) + _AHEAD < tick.start_at:
                found.append((key, replace(tick, start_at=latest)))
        return found

    def _bring_near(self, tx: Tx, key: TimerKey, tick: Tick) -> None:
        tx.lock(key.lock)
        if store.find(tx, key.subject_type, key.subject_id) is not None:
            store.record(tx, key, tick, self.clock.now())

    async def _see_to(self, key: TimerKey) -> None:
        await self._done(key, partial(self.see_to, key=key))

    async def _done(self, key: TimerKey, work: Callable[[Tx], None]) -> None:
        try:
            await self.db.run(work)
        except InvalidInput as error:  # the machine has lost a time zone: the others must not wait for it
            log.error("the timer of %s %s is parked: %s", key.subject_type, key.subject_id, error.message)  # noqa: TRY400
            await self.db.run(lambda tx: store.park(tx, key))

    def see_to(self, tx: Tx, key: TimerKey) -> None:
        """Decides about every due time of one timer that has come and not been decided about yet."""
        tx.lock(key.lock)
        timer = store.find(tx, key.subject_type, key.subject_id)
        if timer is None or not timer.enabled:
            store.drop_waiting(tx, key)
            return
        now = self.clock.now()
        starting = store.starting(tx, key, now)
        verdict = judged(timer, [each for each in starting if not each.attempt], now, self.grace)
        for tick in (*verdict.ticks, *(each for each in starting if each.attempt)):
            self._carry_out(tx, timer, key, tick, now)
        missed = sum(each.fate is Fate.MISSED for each in verdict.ticks)
        store.put(
            tx,
            replace(
                timer,
                looked_until=max(now, timer.looked_until),
                next_at=verdict.next_at,
                missed=timer.missed + missed,
            ),
        )

    def _carry_out(self, tx: Tx, timer: Timer, key: TimerKey, tick: Tick, now: datetime) -> None:
        if tick.fate is Fate.WAITING and tick.start_at <= now:
            self._start(tx, timer, key, tick, now)
        elif store.record(tx, key, tick, now) and tick.fate is not Fate.WAITING:
            self._tell(tx, key, tick, None)

    def _start(self, tx: Tx, timer: Timer, key: TimerKey, tick: Tick, now: datetime) -> None:
        unfinished = deployments.unfinished_of_subject(tx, key.subject_type, key.subject_id)
        waiting = sum(each.status is Status.PENDING for each in unfinished)
        fate = start_fate(timer.policy, tick, unfinished=len(unfinished), waiting=waiting)
        source = self.sources.get(key.subject_type)
        request = source.request(tx, key.subject_id, tick) if source and fate is Fate.STARTED else None
        if fate is Fate.STARTED and request is None:
            fate = Fate.DROPPED
        if request is not None and self.ledger.is_full(tx, request):
            store.record(tx, key, replace(tick, start_at=now + PUT_OFF), now)
            return
        if not store.record(tx, key, replace(tick, fate=fate), now):
            return  # somebody else was first
        if request is not None:
            if replaces(timer.policy, tick):
                self._make_room(tx, unfinished, tick)
            if ends_retries(timer.policy, tick):
                store.drop_waiting(tx, key, only_retries=True)
            made = self.ledger.enqueue(tx, replace(request, trigger=Trigger.SCHEDULE, triggered_by="schedule"))
            store.attach(tx, key, tick, made.deployment_id)
        self._tell(tx, key, replace(tick, fate=fate), now)

    def _make_room(self, tx: Tx, unfinished: Sequence[Deployment], tick: Tick) -> None:
        """Ends what runs and what waits: the new run waits until nothing of them is left."""
        message = f"Replaced by the run that was due at {tick.due_at:%Y-%m-%d %H:%M:%S} UTC."
        for deployment in sorted(unfinished, key=lambda each: each.status is not Status.PENDING):
            if deployment.status is Status.PENDING:
                self.ledger.end_waiting(tx, deployment, Reason.SUPERSEDED, message)
            elif self.ledger.intend(tx, deployment, Intent.SUPERSEDE):
                tx.after(partial(self._interrupted, deployment.deployment_id))

    def _interrupted(self, deployment_id: str) -> None:
        self.interrupt(deployment_id, Intent.SUPERSEDE)

    def _tell(self, tx: Tx, key: TimerKey, tick: Tick, started_at: datetime | None) -> None:
        started = started_at if tick.fate is Fate.STARTED else None
        late = None if started is None else max((started - tick.start_at).total_seconds(), 0.0)
        decided = DueTimeDecided(subject_type=key.subject_type, fate=tick.fate, late_seconds=late)
        tx.after(lambda: self.events.announce(decided))
        owner = self.ledger.owner_of(tx, key.subject_type, key.subject_id) if tick.fate is Fate.MISSED else None
        if owner is not None:
            payload = {
                "subjectType": key.subject_type,
                "subjectId": key.subject_id,
                "organizationId": owner.organization_id,
                "projectId": owner.project_id,
                "time": tick.due_at.isoformat(timespec="seconds"),
            }
            add_to_outbox(tx, f"{key.subject_type}.missed", payload)
