"""What must be true of rows and machine, looked at before every commit, at every start of a command, and in the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headway.core.deployments.model import Lane
from headway.core.deployments.status import Status
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Handle
from headway.infra.logs.paths import LogPaths
from tests.simulation.machine import Machine, SimRun
from tests.simulation.work import Effects

MOVES = {
    None: {"pending"},
    "pending": {"pending", "running", "error"},
    "running": {"running", "pending", "done", "error"},
    "done": {"done"},
    "error": {"error"},
}
ROWS = (
    "SELECT deployment_id, seq, status, reason, error_message, epoch, handle, exclusive_key, lane, subject_id, "
    "started_at, finished_at, kind_version FROM deployments ORDER BY seq"
)
UNFINISHED_STEPS = "SELECT deployment_id, name FROM steps WHERE result IS NULL"


class Untrue(AssertionError):
    """A status is not a fact about the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A deployment's row as it is to be judged."""

    deployment_id: str
    seq: int
    status: str
    reason: str | None
    error_message: str | None
    epoch: int
    handle: str | None
    exclusive_key: str | None
    lane: int
    subject_id: str
    started_at: int | None
    finished_at: int | None
    kind_version: int


class Truth:
    """Compares rows with the machine. The first untruth is kept: whoever meets it may be a task that swallows it.
    ``without_log`` are the deployments whose log a scene takes away, ``ends`` the ended rows, also of those removed.
    """

    def __init__(self, machine: Machine, effects: Effects, concurrency: int) -> None:
        self.untruths: list[str] = []
        self.rows: dict[str, Row] = {}
        self.without_log: set[str] = set()
        self.ends: dict[str, Row] = {}
        self._machine = machine
        self._effects = effects
        self._concurrency = concurrency
        self._newest_done: dict[str, str] = {}
        self._codes: dict[tuple[str, str], list[int]] = {}
        self._spools: dict[tuple[str, int], bytes] = {}
        self._unfinished: set[tuple[str, str]] = set()
        machine.started = self.look_at_start
        machine.removed = self.look_at_removal

    def look_at_rows(self, tx: Tx) -> None:
        """Before a commit: every change is an allowed move, the bounds hold, and of what has ended nothing runs."""
        rows = {row.deployment_id: row for row in read_rows(tx)}
        for deployment_id, row in rows.items():
            self._look_at_change(self.rows.get(deployment_id), row)
            if row.status in {"done", "error"}:
                self.ends[deployment_id] = row
        self._look_at_bounds(list(rows.values()))
        self.hold(not self._machine.stale, f"a fence let in {self._machine.stale}")
        self.rows = rows
        self._unfinished = set(_read(tx, UNFINISHED_STEPS)[1])

    def look_at_start(self, run: SimRun, name: str) -> None:
        """At the start of a command: it starts once, or once more under new code if it may, and the row knows where."""
        deployment_id = run.handle.deployment_id
        row = self.rows[deployment_id]
        codes = self._codes.setdefault((deployment_id, name), [])
        codes.append(row.kind_version)
        once = len(codes) == (1 if name == "migrate" else len(set(codes)))
        self.hold(once, f"{name} of {row.seq} began a second time")
        self.hold(row.status == "running", f"{name} of {row.seq} began although the row is {row.status}")
        known = row.handle is not None and Handle.load(row.handle) == run.handle
        self.hold(known, f"{name} of {row.seq} began in an anchor that the row does not know")
        before = {step for id_, step in self._unfinished if id_ == deployment_id} - {name}
        self.hold(not before, f"{name} of {row.seq} began, and {before} before it would be worked again")

    def look_at_removal(self, run: SimRun) -> None:
        """When a run's folder goes: its output counts if the deployment has ended; else it is about to begin anew."""
        row = self.rows.get(run.handle.deployment_id)
        if row is not None and row.status in {"done", "error"}:
            self._spools[run.handle.deployment_id, run.handle.epoch] = bytes(run.spool)

    def look_at_the_end(self, logs: LogPaths, ended: Counter[str]) -> None:
        """Once all is calm: everything has ended, once, with its effects whole or gone, its log whole, nothing left."""
        for row in self.rows.values():
            number = row.seq
            self.hold(row.status in {"done", "error"}, f"{number} is still {row.status}")
            self.hold((row.reason is None) == (row.status == "done"), f"{number} is {row.status} with {row.reason}")
            told = row.status == "error" or self._has_no_whole_log(row)
            self.hold(bool(row.error_message) == told, f"{number} has the message {row.error_message}")
            self.hold(ended[row.deployment_id] == 1, f"the end of {number} was told {ended[row.deployment_id]} times")
            lies = row.deployment_id in self._effects.releases
            self.hold(
                lies == (row.status == "done"),
                f"{number} is {row.status}, its release {'is' if lies else 'is not'} there",
            )
            self._look_at_log(row, logs)
        self._look_at_serving()
        self.hold(not self._machine.runs, f"run folders are left: {list(self._machine.runs)}")

    def hold(self, fact: bool, otherwise: str) -> None:  # noqa: FBT001 - it is what is held
        """Notes an untruth, and lets it be heard."""
        if not fact:
            self.untruths.append(otherwise)
            raise Untrue(otherwise)

    def _look_at_change(self, before: Row | None, row: Row) -> None:
        earlier = before.status if before else None
        self.hold(row.status in MOVES[earlier], f"{row.seq} moved from {earlier} to {row.status}")
        self.hold(before is None or row.epoch >= before.epoch, f"the epoch of {row.seq} went back")
        if before and earlier in {"done", "error"}:
            self.hold((row.reason, row.finished_at) == (before.reason, before.finished_at), f"{row.seq} ended twice")
        if earlier == "running" and row.status != "running":
            living = self._machine.living(row.deployment_id)
            self.hold(not living, f"{row.seq} became {row.status} ({row.reason}) while {living} ran")
        if row.status == "done" and earlier != "done":
            serving = self._effects.serving.get(row.subject_id)
            self.hold(serving == row.deployment_id, f"{row.seq} is done but {serving} serves")
            synced = row.deployment_id not in self._machine.unsynced
            self.hold(synced, f"{row.seq} is done, and no disk has what it wrote")
            self._newest_done[row.subject_id] = row.deployment_id

    def _look_at_bounds(self, rows: list[Row]) -> None:
        running = [row for row in rows if row.status == "running"]
        others = sum(row.lane != Lane.ROLLBACK for row in running)
        self.hold(others <= self._concurrency, f"{others} run at once")
        self.hold(len(running) - others <= 1, f"{len(running) - others} rollbacks run at once")
        for key, number in Counter(row.exclusive_key for row in running).items():
            self.hold(key is None or number == 1, f"{number} of {key} run at once")

    def _look_at_log(self, row: Row, logs: LogPaths) -> None:
        if self._has_no_whole_log(row):
            return
        path = logs.log(row.deployment_id)
        if row.started_at is None and not path.exists():
            return
        text = path.read_text()
        spool = self._spool(row).decode().replace("s3cret-of-the-plan", "******").replace("\0\n", "\n")
        if spool and not spool.endswith("\n"):
            spool += "\n"
        closing = "It serves." if row.status == "done" else f"Deployment {row.reason}: {row.error_message}"
        self.hold(text == f"{spool}{closing}\n", f"the log of {row.seq} is {text!r}, not {spool!r} and {closing!r}")

    def _has_no_whole_log(self, row: Row) -> bool:
        return row.deployment_id in self.without_log or "The log could not be written" in (row.error_message or "")

    def _spool(self, row: Row) -> bytes:
        """The output of the run that counts: the one whose handle the row has; those before were put back."""
        if row.handle is None:
            return b""
        return self._spools.get((row.deployment_id, Handle.load(row.handle).epoch), b"")

    def _look_at_serving(self) -> None:
        for subject_id in {row.subject_id for row in self.rows.values()}:
            wanted, serving = self._newest_done.get(subject_id), self._effects.serving.get(subject_id)
            self.hold(serving == wanted, f"of {subject_id} {serving} serves, not {wanted}")


def read_rows(tx: Tx) -> list[Row]:
    """All rows."""
    names, found = _read(tx, ROWS)
    return [Row(**dict(zip(names, values, strict=True))) for values in found]


def _read(tx: Tx, statement: str) -> tuple[list[str], Sequence[Any]]:
    """Names and values past SQLAlchemy, for they are read before every commit."""
    cursor = tx.connection.connection.cursor()
    cursor.execute(statement)
    names, found = [column[0] for column in cursor.description or ()], cursor.fetchall()
    cursor.close()
    return names, found


def is_anything_owed(tx: Tx) -> bool:
    """Whether something of what has ended is still to be taken back: what failed once is tried again by and by."""
    return bool(_read(tx, "SELECT 1 FROM undos LIMIT 1")[1])


def ends_told(tx: Tx) -> Counter[str]:
    """How often each deployment's end is told: by the outbox, or by a notice that was made of it for a channel."""
    both = "SELECT payload FROM outbox UNION ALL SELECT payload FROM notices"
    payloads: list[Mapping[str, str]] = [json.loads(value) for (value,) in tx.connection.exec_driver_sql(both)]
    of_deployments = [payload for payload in payloads if "deploymentId" in payload]
    return Counter(payload["deploymentId"] for payload in of_deployments if Status(payload["status"]).ended)
