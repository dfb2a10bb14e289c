"""A timer and what it does at each of its times: decided here, from what is handed in, and done elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Reason
from headway.core.engine.scheduler.cron import Cron
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

MOST_AT_ONCE = 1_000  # due times that are told of after a long absence: the newest
MOST_WAITING = 100  # runs of one timer that wait for one another
PUT_OFF = timedelta(seconds=60)  # where as many of the service wait as may
_LONGEST_BACKOFF = timedelta(hours=6)
# What may go better another time. Who killed or cancelled a run, or replaced it, wanted no other.
_WORTH_ANOTHER_TRY = frozenset({Reason.FAILED, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY, Reason.LOST})


class Overlap(StrEnum):
    """What becomes of a due time while an earlier run has not ended."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"
    ALLOW = "allow"


class CatchUp(StrEnum):
    """What becomes of the due times that nobody saw because no panel ran."""

    NONE = "none"
    ONCE = "once"
    ALL = "all"


class Fate(StrEnum):
    """What became of a due time. One that is ``waiting`` is started at its time; ``dropped`` is what was waiting when
    its timer was changed or stopped.
    """

    WAITING = "waiting"
    STARTED = "started"
    SKIPPED = "skipped"
    MISSED = "missed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a timer is kept. ``catch_up_limit`` counts for ``all``; up to ``jitter`` later than it is due a run starts;
    after a failure it is tried ``retries`` more times, the first time after ``backoff``, then twice as long each time.
    """

    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.NONE
    catch_up_limit: int = 10
    jitter: timedelta = timedelta()
    retries: int = 0
    backoff: timedelta = timedelta(minutes=1)

    def check(self) -> None:
        """Raises InvalidInput for what cannot be kept."""
        if not 1 <= self.catch_up_limit <= MOST_AT_ONCE:
            raise InvalidInput(f"catchUpLimit is between 1 and {MOST_AT_ONCE}.")
        if not timedelta() <= self.jitter <= timedelta(days=1):
            raise InvalidInput("jitterSeconds is between 0 and 86400.")
        if not 0 <= self.retries <= 20:
            raise InvalidInput("retries is between 0 and 20.")
        if not timedelta(seconds=1) <= self.backoff <= _LONGEST_BACKOFF:
            raise InvalidInput("retryDelaySeconds is between 1 and 21600.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """When something of a subject is due. All due times up to ``looked_until`` have been seen to; ``next_at`` is the
    first one after it (None: none, or it is switched off); ``missed`` counts those at which nothing ran.
    """

    subject_type: SubjectType
    subject_id: str
    cron: Cron
    policy: Policy = field(default_factory=Policy)
    enabled: bool = True
    looked_until: datetime
    next_at: datetime | None
    missed: int = 0

    def start_of(self, due_at: datetime) -> datetime:
        """When a due time is to be started: up to the jitter later, the same whoever asks."""
        if not self.policy.jitter:
            return due_at
        text = f"{self.subject_type}:{self.subject_id}:{due_at.timestamp():.0f}"
        share = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / (1 << 64)
        return due_at + timedelta(seconds=int(self.policy.jitter.total_seconds() * share))

    def latest_start(self, tick: Tick, now: datetime) -> datetime:
        """When one that waits for its start now is started at the latest."""
        if tick.attempt:
            return now + _wait_before(self.policy, tick.attempt)
        return max(self.start_of(tick.due_at), now + PUT_OFF)

    def put_right(self, now: datetime) -> Timer:
        """The timer as it counts from now on, whatever a clock that was ahead has made of it."""
        return replace(self, looked_until=now, next_at=self.cron.after(now) if self.enabled else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One due time of a timer, once for each attempt (0 is the first), and what became of it. ``caught_up``: it is
    started although its time had passed unseen.
    """

    due_at: datetime
    attempt: int = 0
    start_at: datetime
    fate: Fate = Fate.WAITING
    caught_up: bool = False
    deployment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look at a timer comes to: what to write of its due times, and when it is due next."""

    ticks: Sequence[Tick]
    next_at: datetime | None


def judged(timer: Timer, waiting: Sequence[Tick], now: datetime, grace: timedelta) -> Verdict:
    """Decides about the due times that have come since the last look, and about those that were waiting for their start
    (first attempts only). What could not be started within ``grace`` of its time is late: nobody was there to see to
    it, and the catch-up policy says what becomes of it.
    """
    due, _ = timer.cron.newest(timer.looked_until, now, MOST_AT_ONCE)
    ticks = [*waiting, *(Tick(due_at=each, start_at=timer.start_of(each)) for each in due)]
    late = sorted(each.due_at for each in ticks if each.start_at + grace < now)
    caught_up = frozenset(late[len(late) - min(len(late), _most_caught_up(timer.policy)) :])
    missed = frozenset(late) - caught_up
    told = [
        replace(each, caught_up=each.due_at in caught_up, fate=Fate.MISSED if each.due_at in missed else Fate.WAITING)
        for each in ticks
    ]
    return Verdict(ticks=told, next_at=timer.cron.after(max(now, timer.looked_until)))


def start_fate(policy: Policy, tick: Tick, *, unfinished: int, waiting: int) -> Fate:
    """Whether a tick whose start has come is started, given how many runs of its timer have not ended, and how many of
    them wait. What is caught up runs one after the other. A further attempt gives way to a run of a later due time,
    unless runs may overlap or queue.
    """
    if policy.overlap in {Overlap.ALLOW, Overlap.QUEUE} or tick.caught_up:
        return Fate.STARTED if waiting < MOST_WAITING else Fate.SKIPPED
    if unfinished and (policy.overlap is Overlap.SKIP or tick.attempt):
        return Fate.SKIPPED
    return Fate.STARTED


def replaces(policy: Policy, tick: Tick) -> bool:
    """Whether what has not ended is to make room for it."""
    return policy.overlap is Overlap.REPLACE and not tick.caught_up


def ends_retries(policy: Policy, tick: Tick) -> bool:
    """Whether the further attempts of earlier due times are given up for it."""
    return policy.overlap in {Overlap.SKIP, Overlap.REPLACE} and not tick.attempt


def next_attempt(policy: Policy, tick: Tick, reason: Reason | None, now: datetime) -> Tick | None:
    """The attempt that follows on one that ended for this reason; None when it is not to be tried again."""
    if reason not in _WORTH_ANOTHER_TRY or tick.attempt >= policy.retries:
        return None
    following = tick.attempt + 1
    start_at = now + _wait_before(policy, following)
    return Tick(due_at=tick.due_at, attempt=following, start_at=start_at, caught_up=tick.caught_up)


def _wait_before(policy: Policy, attempt: int) -> timedelta:
    return min(policy.backoff * (1 << (attempt - 1)), _LONGEST_BACKOFF)


def _most_caught_up(policy: Policy) -> int:
    match policy.catch_up:
        case CatchUp.NONE:
            return 0
        case CatchUp.ONCE:
            return 1
        case CatchUp.ALL:
            return policy.catch_up_limit
