"""What is to become of each due time, said plainly and a second time: a model that the proof of schedules is held
against. Due times come from ``tests.support.panel.due``, which looks at every minute; only the jitter is asked of the
product, whose one promise is that it is the same whoever asks.
"""

from __future__ import annotations

import bisect
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headway.core.engine.scheduler.timer import CatchUp, Overlap, Timer
from tests.proofs._scheduler import GRACE
from tests.support.panel.due import due_times

Key = tuple[datetime, int]  # a due time, and which attempt


@dataclass(slots=True)
class Run:
    """One run of a timer that has not ended."""

    key: Key
    ends_at: datetime | None = None  # None: it waits
    replaced: bool = False


def chance(*parts: object) -> float:
    """A number from 0 to 1 that these parts always have."""
    text = ":".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / (1 << 64)


def duration(subject_id: str, key: Key) -> timedelta:
    """How long a run takes: mostly minutes, now and then hours."""
    length = chance("length", subject_id, *key)
    return timedelta(minutes=1 + int(length * 20) if length < 0.8 else 60 + int(length * 400))


def fails(subject_id: str, key: Key) -> bool:
    """Whether a run ends badly."""
    return chance("end", subject_id, *key) < 0.3


@dataclass(slots=True)
class Model:
    """A timer as the policies say. ``fates`` is what has become of each of its due times."""

    timer: Timer
    until: datetime
    fates: dict[Key, str] = field(default_factory=dict)
    unfinished: list[Run] = field(default_factory=list)
    _due: list[datetime] = field(default_factory=list)
    _waiting: dict[Key, datetime] = field(default_factory=dict)
    _late: set[Key] = field(default_factory=set)
    _looked: datetime | None = None

    def __post_init__(self) -> None:
        self._looked = self.timer.looked_until
        cron = self.timer.cron
        self._due = due_times(cron.expression, cron.timezone, self.timer.looked_until, self.until)

    def look(self, now: datetime) -> None:
        """A scheduler has looked."""
        assert self._looked is not None
        before = {key: start for key, start in self._waiting.items() if start <= now}
        new = self._due[bisect.bisect_right(self._due, self._looked) : bisect.bisect_right(self._due, now)]
        self._looked = now
        first = sorted(key for key in before if not key[1])
        again = sorted(key for key in before if key[1])
        for due in new:
            key = (due, 0)
            self._waiting[key] = self.timer.start_of(due)
            self.fates[key] = "waiting"
            first.append(key)
        late = sorted(key for key in first if self._waiting[key] + GRACE < now)
        for key in late[: max(len(late) - self._most_caught_up(), 0)]:
            self._decide(key, "missed")
        self._late |= set(late) & self._waiting.keys()
        for key in (*first, *again):
            if key in self._waiting and self._waiting[key] <= now:
                self._start(key)

    def work(self, now: datetime) -> None:
        """Runs end, and others begin."""
        for run in [each for each in self.unfinished if each.ends_at is not None]:
            if run.replaced:
                self.unfinished.remove(run)
            elif run.ends_at is not None and run.ends_at <= now:
                self.unfinished.remove(run)
                if fails(self.timer.subject_id, run.key) and run.key[1] < self.timer.policy.retries:
                    due, attempt = run.key
                    key = (due, attempt + 1)
                    self._waiting[key] = now + self.timer.policy.backoff * 2**attempt
                    self.fates[key] = "waiting"
        for run in self.unfinished:
            alone = self.timer.policy.overlap is not Overlap.ALLOW
            if run.ends_at is None and not (alone and any(each.ends_at for each in self.unfinished)):
                run.ends_at = now + duration(self.timer.subject_id, run.key)

    def _start(self, key: Key) -> None:
        overlap, again, late = self.timer.policy.overlap, key[1] > 0, (key[0], 0) in self._late
        waits = sum(each.ends_at is None for each in self.unfinished)
        if overlap in {Overlap.ALLOW, Overlap.QUEUE} or late:
            starts = waits < 100
        else:
            starts = not self.unfinished or (overlap is Overlap.REPLACE and not again)
        if not starts:
            self._decide(key, "skipped")
            return
        if overlap is Overlap.REPLACE and not late:
            self.unfinished = [each for each in self.unfinished if each.ends_at is not None]
            for run in self.unfinished:
                run.replaced = True
        if overlap in {Overlap.SKIP, Overlap.REPLACE} and not again:
            for other in [each for each in self._waiting if each[1]]:
                self._decide(other, "dropped")
        self._decide(key, "started")
        self.unfinished.append(Run(key))

    def _decide(self, key: Key, fate: str) -> None:
        self._waiting.pop(key)
        self.fates[key] = fate

    def _most_caught_up(self) -> int:
        policy = self.timer.policy
        return {CatchUp.NONE: 0, CatchUp.ONCE: 1, CatchUp.ALL: policy.catch_up_limit}[policy.catch_up]
