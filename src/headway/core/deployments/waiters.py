"""Waiting for a deployment to get somewhere: told by its moves, so that whoever waits costs nothing meanwhile."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.list_queries import Part
from headway.core.deployments.queries import DeploymentReader
from headway.core.deployments.status import Status
from headway.kernel.dataclass import dataclass
from headway.kernel.events import AccessChanged, DeploymentMoved, Events


class Goal(StrEnum):
    """What is waited for: that it runs no more, or that it waits no more."""

    ENDED = "ended"
    RUNNING = "running"

    def reached_by(self, status: Status) -> bool:
        """Whether a deployment of this status is there, or past it."""
        return status.ended or (self is Goal.RUNNING and status is Status.RUNNING)


@dataclass(slots=True, eq=False, kw_only=True)
class _Waiter:
    """One who waits. Who is ``sent_away`` is told no more than what it was allowed to see when it came."""

    user_id: str
    goal: Goal
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    sent_away: bool = False
    is_barred: bool = False

    def send_away(self) -> None:
        self.sent_away = self.is_barred = True
        self.woken.set()


class Waiters:
    """Everybody who waits, by deployment. What another panel on the same database does is seen when the time is up."""

    def __init__(self, reads: DeploymentReader, events: Events) -> None:
        self._reads = reads
        self._waiters: defaultdict[str, set[_Waiter]] = defaultdict(set)
        self._closed = False
        events.listen(DeploymentMoved, self._moved)
        events.listen(AccessChanged, self._access_changed)

    async def wait(self, actor: Actor, permission: Permission, deployment_id: str, goal: Goal, seconds: float) -> Part:
        """The deployment, once it is there or the time is up; before that when the panel stops or the caller's access
        changes, for then it has to ask again. Raises NotFound where there is none that the caller may see, also one
        that was removed meanwhile.
        """
        with self._waiter(actor, deployment_id, goal) as waiter:  # before the look: a move in between is not missed
            part = await self._reads.one(actor, permission, deployment_id)
            if goal.reached_by(Status(part.rows[0].status)) or self._closed:
                return part
            left = actor.seconds_left(datetime.now(UTC))
            waiter.sent_away = waiter.sent_away or (left is not None and left < seconds)  # unless it gets there before
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds if left is None else min(seconds, left)):
                    await waiter.woken.wait()
                    waiter.sent_away = waiter.is_barred
        return part if waiter.sent_away else await self._reads.one(actor, permission, deployment_id)

    def count(self) -> int:
        """How many wait."""
        return sum(len(waiters) for waiters in self._waiters.values())

    def close(self) -> None:
        """Sends everybody away: the panel stops; who still waits asks its successor."""
        self._closed = True
        for waiter in self._all():
            waiter.send_away()

    @contextmanager
    def _waiter(self, actor: Actor, deployment_id: str, goal: Goal) -> Iterator[_Waiter]:
        waiter = _Waiter(user_id=actor.user_id, goal=goal)
        self._waiters[deployment_id].add(waiter)
        try:
            yield waiter
        finally:
            self._waiters[deployment_id].discard(waiter)
            if not self._waiters[deployment_id]:
                del self._waiters[deployment_id]

    def _all(self) -> Iterator[_Waiter]:
        return (waiter for waiters in self._waiters.values() for waiter in waiters)

    def _moved(self, event: DeploymentMoved) -> None:
        for waiter in self._waiters.get(event.deployment_id, ()):
            if waiter.goal.reached_by(Status(event.status)):
                waiter.woken.set()

    def _access_changed(self, event: AccessChanged) -> None:
        for waiter in self._all():
            if waiter.user_id == event.user_id:
                waiter.send_away()
