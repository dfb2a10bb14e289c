"""What the queue must do, in a few lines of Python, and the facts of the real one to hold beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import select

from headway.core.deployments.model import Lane
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx


@dataclass(slots=True)
class Job:
    """One deployment as far as the queue goes; ``number`` is its place in the order of creation."""

    number: int
    key: str | None
    lane: Lane
    host: str
    status: str = "pending"
    organization: str = "org"


@dataclass(slots=True)
class Model:
    """A queue in memory."""

    limits: dict[str, int]
    jobs: list[Job] = field(default_factory=list)
    turns: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, key: str | None, lane: Lane, host: str, organization: str = "org") -> Job:
        """A new job behind the others."""
        self.jobs.append(Job(number=len(self.jobs), key=key, lane=lane, host=host, organization=organization))
        return self.jobs[-1]

    def in_state(self, status: str) -> list[Job]:
        """The jobs of a status, oldest first."""
        return [job for job in self.jobs if job.status == status]

    def next_of(self, host: str) -> Job | None:
        """What a claim for this host must take."""
        busy = [job for job in self.in_state("running") if job.host == host]
        rollbacks = sum(job.lane is Lane.ROLLBACK for job in busy)
        waiting = [job for job in self.in_state("pending") if job.host == host and self._is_first(job)]
        allowed = [
            job
            for job in waiting
            if (rollbacks == 0 if job.lane is Lane.ROLLBACK else len(busy) - rollbacks < self.limits[host])
        ]
        first = min((job.lane for job in allowed), default=None)
        of_lane = [job for job in allowed if job.lane is first]
        runs = Counter(job.organization for job in busy if job.lane is not Lane.ROLLBACK)

        def turn(job: Job) -> tuple[int, int, int]:
            return runs[job.organization], self.turns.get((host, job.organization), 0), job.number

        found = min(of_lane, key=turn, default=None)
        if found is not None and len({job.organization for job in of_lane}) > 1:
            self.turns[host, found.organization] = 1 + max(
                (taken for (where, _), taken in self.turns.items() if where == host), default=0
            )
        return found

    def _is_first(self, job: Job) -> bool:
        if job.key is None:
            return True
        same = [other for other in self.jobs if other.key == job.key]
        if any(other.status == "running" for other in same):
            return False
        return job is min(
            (other for other in same if other.status == "pending"), key=lambda other: (other.lane, other.number)
        )


def wrong_marks(tx: Tx) -> list[str]:
    """Where the ready marks break their rule: for every key of which none runs exactly the first waiting row is ready,
    for every other key none; rows without a key are ready while they wait.
    """
    c = deployments.c
    rows = tx.execute(select(c.seq, c.exclusive_key, c.lane, c.status, c.ready)).all()
    busy = {row.exclusive_key for row in rows if row.status == "running" and row.exclusive_key}
    first: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (row.lane, row.seq)):
        if row.status == "pending" and row.exclusive_key and row.exclusive_key not in busy:
            first.setdefault(row.exclusive_key, row.seq)
    return [
        f"{row.seq} of {row.exclusive_key}, {row.status}, is {'' if row.ready else 'not '}ready"
        for row in rows
        if row.ready
        != (row.status == "pending" and (row.exclusive_key is None or first.get(row.exclusive_key) == row.seq))
    ]


def overfull(tx: Tx, limits: dict[str, int]) -> list[str]:
    """Where more runs than may: per host beyond its limit, rollbacks beyond one, per key beyond one."""
    c = deployments.c
    rows = tx.execute(select(c.host_id, c.lane, c.exclusive_key).where(c.status == "running")).all()
    others = Counter(row.host_id for row in rows if row.lane != Lane.ROLLBACK)
    rollbacks = Counter(row.host_id for row in rows if row.lane == Lane.ROLLBACK)
    keys = Counter(row.exclusive_key for row in rows if row.exclusive_key)
    return [
        *(f"{number} run on {host}" for host, number in others.items() if number > limits[host]),
        *(f"{number} rollbacks run on {host}" for host, number in rollbacks.items() if number > 1),
        *(f"{number} of {key} run" for key, number in keys.items() if number > 1),
    ]
