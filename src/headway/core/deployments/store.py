"""Reads and plain writes of deployments, steps and undos; moves between states are in ``ledger``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Row, bindparam, delete, func, insert, literal, or_, select, update

from headway.core.deployments.model import Deployment, Lane, StepRecord, SubjectType, Trigger
from headway.core.deployments.status import Intent, Reason, Status
from headway.infra.db.tables.deployments import (
    PENDING,
    RUNNING,
    deployments,
    hosts,
    leases,
    outbox,
    removed_logs,
    setbacks,
    steps,
    undos,
)
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound

_c = deployments.c
_RECORD_COLUMNS = tuple(column for column in _c if column.name not in {"ready", "secrets", "verdict"})
_RECORD_NAMES = tuple(column.name for column in _RECORD_COLUMNS)
# Built once: to build a statement of all columns anew takes longer than SQLite takes to answer it.
_BY_ID = select(*_RECORD_COLUMNS).where(_c.deployment_id == bindparam("deployment_id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_NEWEST = select(_c.seq, _c.created_at).order_by(_c.seq.desc()).limit(1)
_OF: BindParameter[str] = bindparam("of")
_STEPS = select(steps).where(steps.c.deployment_id == _OF).order_by(steps.c.started_at)
_STEP = update(steps).where(steps.c.deployment_id == _OF, steps.c.name == bindparam("named"))
_STEP_AGAIN = _STEP.values(epoch=bindparam("now_at"))
_STEP_ENDED = _STEP.values(finished_at=bindparam("ended"), result=bindparam("came_to"))
_STEP_BEGUN = insert(steps)
_STEPS_CLOSED = (
    update(steps)
    .where(steps.c.deployment_id == _OF, steps.c.finished_at.is_(None))
    .values(finished_at=bindparam("ended"))
)
_UNDOS_DROPPED = delete(undos).where(undos.c.deployment_id == _OF)
_TO_OUTBOX = insert(outbox)


class Claim(NamedTuple):
    """Who has a deployment: its epoch, the handle of its anchor (None: not saved), and where else it has effects."""

    status: Status
    epoch: int
    handle: str | None
    release_host_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A running deployment, as another version has to know it: its kind, and the steps that it has begun."""

    deployment_id: str
    kind: str
    kind_version: int
    steps: tuple[str, ...]


class DeploymentNotFound(NotFound):
    """No such deployment, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Deployment not found")


def find(tx: Tx, deployment_id: str, *, lock: bool = False) -> Deployment:
    """The deployment with this id; with ``lock`` nobody else changes its row until this transaction ends. Raises
    DeploymentNotFound.
    """
    row = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, {"deployment_id": deployment_id}).one_or_none()
    if row is None:
        raise DeploymentNotFound
    return record(row)


def some(tx: Tx, deployment_ids: Collection[str]) -> list[Deployment]:
    """Those of these deployments that there are, newest first."""
    return _newest_first(tx, _c.deployment_id.in_(deployment_ids))


def of_subject(tx: Tx, subject_type: SubjectType, subject_id: str) -> list[Deployment]:
    """All deployments of a subject, newest first."""
    return _newest_first(tx, _c.subject_type == subject_type, _c.subject_id == subject_id)


def has_begun(tx: Tx, subject_type: SubjectType, subject_id: str) -> bool:
    """Whether any deployment of a subject that is still listed was ever let onto its host."""
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id, _c.started_at.is_not(None))
    return tx.execute(select(_c.seq).where(*mine).limit(1)).first() is not None


def unfinished_of_subject(tx: Tx, subject_type: SubjectType, subject_id: str) -> list[Deployment]:
    """What waits and what runs for one subject, newest first."""
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id)
    found = [
        record(row) for state in (PENDING, RUNNING) for row in tx.execute(select(*_RECORD_COLUMNS).where(state, *mine))
    ]
    return sorted(found, key=lambda deployment: -deployment.seq)


def subjects_with_unfinished(tx: Tx, subject_ids: Collection[str]) -> set[tuple[SubjectType, str]]:
    """Those of these for which something waits or runs, by their types."""
    mine, columns = _c.subject_id.in_(subject_ids), (_c.subject_type, _c.subject_id)
    return {
        (SubjectType(row.subject_type), row.subject_id)
        for state in (PENDING, RUNNING)
        for row in tx.execute(select(*columns).where(state, mine))
    }


def inputs_of_unfinished(tx: Tx, subject_types: Collection[SubjectType]) -> list[Mapping[str, Any]]:
    """What everything that waits and runs of subjects of these types was asked for with."""
    of_these = _c.subject_type.in_(subject_types)
    return [row.input for state in (PENDING, RUNNING) for row in tx.execute(select(_c.input).where(state, of_these))]


def wanted_releases(tx: Tx, subject_type: SubjectType, subject_id: str) -> set[str]:
    """The releases that what waits and what runs of one subject goes back to."""
    inputs = [each.input for each in unfinished_of_subject(tx, subject_type, subject_id)]
    return {str(given["release_id"]) for given in inputs if "release_id" in given}


def unfinished_of_host(tx: Tx, host_id: str) -> list[Deployment]:
    """What waits and what runs on one host, or is to be released there, newest first."""
    found = [
        record(row)
        for state in (PENDING, RUNNING)
        for row in tx.execute(select(*_RECORD_COLUMNS).where(state, touches(host_id)))
    ]
    return sorted(found, key=lambda deployment: -deployment.seq)


def give_to_project(tx: Tx, subject_type: SubjectType, subject_id: str, project_id: str) -> None:
    """A subject has moved: its deployments are seen by whoever may see that project."""
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id)
    tx.execute(update(deployments).where(*mine).values(project_id=project_id))


def unfinished_kinds(tx: Tx) -> list[Unfinished]:
    """What runs, read from columns that every release has had: the schema may be an older one."""
    running = tx.execute(select(_c.deployment_id, _c.kind, _c.kind_version).where(RUNNING).order_by(_c.seq)).all()
    begun = select(steps.c.name).order_by(steps.c.started_at)
    return [
        Unfinished(
            deployment_id=row.deployment_id,
            kind=row.kind,
            kind_version=row.kind_version,
            steps=tuple(tx.execute(begun.where(steps.c.deployment_id == row.deployment_id)).scalars()),
        )
        for row in running
    ]


def move_logs(tx: Tx, before: str, now: str) -> None:
    """The logs lie in another folder than when their deployments were made."""
    rest = func.substr(_c.log_path, len(before) + 1)
    tx.execute(
        update(deployments)
        .where(_c.log_path.startswith(before, autoescape=True))
        .values(log_path=literal(now).concat(rest))
    )


def running_without_lease(tx: Tx) -> list[Deployment]:
    """Every running deployment whose lease is missing or has expired: nobody works on it."""
    statement = (
        select(*_RECORD_COLUMNS)
        .outerjoin(leases, leases.c.deployment_id == _c.deployment_id)
        .where(RUNNING, (leases.c.deployment_id.is_(None)) | (leases.c.expires_at <= tx.now))
        .order_by(_c.seq)
    )
    return [record(row) for row in tx.execute(statement)]


def intents(tx: Tx) -> dict[str, Intent]:
    """The wishes that are not carried out yet, by deployment."""
    rows = tx.execute(select(_c.deployment_id, _c.intent).where(RUNNING, _c.intent.is_not(None)))
    return {row.deployment_id: Intent(row.intent) for row in rows}


def claims(tx: Tx, deployment_ids: Sequence[str]) -> dict[str, Claim]:
    """The claim on each of these deployments that still has a row."""
    columns = tuple(_c[name] for name in Claim._fields)
    rows = tx.execute(select(_c.deployment_id, *columns).where(_c.deployment_id.in_(deployment_ids)))
    return {row[0]: Claim(Status(row.status), row.epoch, row.handle, row.release_host_id) for row in rows}


def commit_of(tx: Tx, deployment_id: str) -> dict[str, str] | None:
    """The commit that a deployment worked from, as ``kernel.artifacts.Commit`` takes it; None where none is known."""
    row = tx.execute(_BY_ID, {"deployment_id": deployment_id}).one_or_none()
    if row is None or row.commit_hash is None:
        return None
    fields = {"hash": "commit_hash", "subject": "commit_message", "author": "commit_author", "branch": "commit_branch"}
    return {name: getattr(row, column) or "" for name, column in fields.items()}


def newest(tx: Tx) -> Row[Any] | None:
    """Sequence and creation time of the newest row."""
    return tx.execute(_NEWEST).one_or_none()


def frozen_of(tx: Tx, deployment_id: str) -> tuple[str | None, str | None]:
    """What was frozen, encrypted, when the run was let in, and the verdict that its ending kept (None: not yet)."""
    row = tx.execute(select(_c.secrets, _c.verdict).where(_c.deployment_id == deployment_id)).one()
    return row.secrets, row.verdict


def mark_out_of_reach(tx: Tx, deployment_id: str) -> None:
    """The deployment's host does not answer; since when, and when it last did, are kept until it does again."""
    mine = hosts.c.host_id.in_((_c.host_id, _c.release_host_id))
    seen = select(func.min(hosts.c.seen_at)).where(mine).scalar_subquery()
    unknown = update(deployments).where(_c.deployment_id == deployment_id, _c.out_of_reach_since.is_(None))
    if tx.execute(unknown.values(out_of_reach_since=tx.now, last_seen_at=seen)).rowcount:
        add_end_to_outbox(tx, find(tx, deployment_id), "out_of_reach")


def mark_in_reach(tx: Tx, deployment_id: str) -> None:
    """The deployment's host answers again."""
    set_fields(tx, deployment_id, out_of_reach_since=None, last_seen_at=None)


def set_fields(tx: Tx, deployment_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one row; status and epoch are never among them."""
    plain = {name: writable(value) if isinstance(value, str) else value for name, value in fields.items()}
    tx.execute(update(deployments).where(_c.deployment_id == deployment_id).values(**plain))


def writable(text: str) -> str:
    """A text from outside as both databases take it: PostgreSQL has no NUL."""
    return text.replace("\0", "")


def remove_all(tx: Tx, deployment_ids: Sequence[str], *, undos_stay: bool = False) -> None:
    """Deletes the records of ended deployments with their steps, and notes that their logs are to go. Their undos go as
    well, unless ``undos_stay``: then the caller has noted what they are of.

    Those that are gone already are left out: a caller and a loop may both clear what belonged to something deleted.
    """
    there = select(_c.deployment_id).where(_c.deployment_id.in_(deployment_ids)).order_by(_c.deployment_id)
    found = list(tx.execute(there.with_for_update()).scalars())  # the second waits, and finds none
    if not found:
        return
    for table in (
        (steps, leases, setbacks, deployments) if undos_stay else (steps, undos, leases, setbacks, deployments)
    ):
        tx.execute(delete(table).where(table.c.deployment_id.in_(found)))
    tx.execute(insert(removed_logs), [{"deployment_id": deployment_id} for deployment_id in found])


def add_to_outbox(tx: Tx, topic: str, payload: dict[str, Any]) -> None:
    """A row in the outbox, told to the world after the commit by whoever reads it."""
    tx.execute(_TO_OUTBOX, {"topic": topic, "payload": payload, "created_at": tx.now})


def add_end_to_outbox(tx: Tx, deployment: Deployment, state: str) -> None:
    """News of a deployment in the outbox, named by what it belongs to and by what became of it."""
    payload = {
        "deploymentId": deployment.deployment_id,
        "kind": deployment.kind,
        "title": deployment.title,
        "status": deployment.status,
        "reason": deployment.reason,
        "errorMessage": deployment.error_message,
        "commitHash": deployment.commit_hash,
        "trigger": deployment.trigger,
        "subjectType": deployment.subject_type,
        "subjectId": deployment.subject_id,
        "projectId": deployment.project_id,
        "organizationId": deployment.organization_id,
        "time": tx.now.isoformat(timespec="milliseconds"),
    }
    add_to_outbox(tx, f"{deployment.subject_type}.{state}", payload)


# Steps and undos of a run.


def steps_of(tx: Tx, deployment_id: str) -> list[StepRecord]:
    """The steps of a deployment in the order in which they began."""
    rows = tx.execute(_STEPS, {"of": deployment_id})
    return [
        StepRecord(
            name=row.name,
            epoch=row.epoch,
            started_at=row.started_at,
            finished_at=row.finished_at,
            log_offset=row.log_offset,
            result=row.result,
        )
        for row in rows
    ]


def begin_step(tx: Tx, deployment_id: str, name: str, epoch: int, log_offset: int) -> None:
    """Records that a step began; a step that begins again after a crash keeps its first time."""
    if tx.execute(_STEP_AGAIN, {"of": deployment_id, "named": name, "now_at": epoch}).rowcount == 0:
        begun = {"deployment_id": deployment_id, "name": name, "epoch": epoch, "log_offset": log_offset}
        tx.execute(_STEP_BEGUN, {**begun, "started_at": tx.now})


class StepEnd(NamedTuple):
    """A step's JSON result, and when it ended."""

    name: str
    result: str
    at: datetime


def finish_steps(tx: Tx, deployment_id: str, ends: Iterable[StepEnd]) -> None:
    """Records the ends of steps; to do it again changes nothing."""
    for name, result, at in ends:
        tx.execute(_STEP_ENDED, {"of": deployment_id, "named": name, "ended": at, "came_to": result})


def close_steps(tx: Tx, deployment_id: str) -> None:
    """The run has ended: the step that it was in ends with it, without a result."""
    tx.execute(_STEPS_CLOSED, {"of": deployment_id, "ended": tx.now})


def add_undo(tx: Tx, deployment_id: str, name: str, data: str) -> None:
    """Records what takes an effect back; the same undo is recorded once."""
    mine = (undos.c.deployment_id == deployment_id, undos.c.name == name, undos.c.data == data)
    if tx.execute(select(undos.c.seq).where(*mine)).first() is None:
        tx.execute(insert(undos).values(deployment_id=deployment_id, name=name, data=data))


def undos_of(tx: Tx, deployment_id: str) -> list[tuple[int, str, str]]:
    """(number, name, data) of the recorded undos, the newest first: effects are taken back in reverse."""
    rows = tx.execute(select(undos).where(undos.c.deployment_id == deployment_id).order_by(undos.c.seq.desc()))
    return [(row.seq, row.name, row.data) for row in rows]


def drop_undo(tx: Tx, number: int) -> None:
    """An undo has been carried out."""
    tx.execute(delete(undos).where(undos.c.seq == number))


def drop_undos(tx: Tx, deployment_id: str) -> None:
    """The run succeeded: nothing is to be taken back."""
    tx.execute(_UNDOS_DROPPED, {"of": deployment_id})


def forget_steps(tx: Tx, deployment_id: str) -> None:
    """A run starts again from its first step."""
    tx.execute(delete(steps).where(steps.c.deployment_id == deployment_id))


def touches(host_id: str) -> ColumnElement[bool]:
    """Of deployments: that they have effects on the host."""
    return or_(_c.host_id == host_id, _c.release_host_id == host_id)


def _newest_first(tx: Tx, *conditions: ColumnElement[bool]) -> list[Deployment]:
    return [record(row) for row in tx.execute(select(*_RECORD_COLUMNS).where(*conditions).order_by(_c.seq.desc()))]


def record(row: Row[Any]) -> Deployment:
    """The record of a row of the record's columns, in their order."""
    values = dict(zip(_RECORD_NAMES, row, strict=True))  # half the time of a list, so no look-up by name
    values["subject_type"] = SubjectType(values["subject_type"])
    values["lane"] = Lane(values["lane"])
    values["status"] = Status(values["status"])
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    values["intent"] = Intent(values["intent"]) if values["intent"] else None
    values["trigger"] = Trigger(values["trigger"])
    return Deployment(**values)
