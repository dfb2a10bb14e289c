"""What ended deployments still owe: effects that could not be taken back yet, also where the record was removed."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, insert, or_, select, update

from headway.core.deployments import store
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, Lane, SubjectType, Trigger
from headway.core.deployments.status import Status
from headway.infra.db.tables.deployments import deployments, removed_deployments, undos
from headway.infra.db.transaction import Tx

_c, _r, _u = deployments.c, removed_deployments.c, undos.c
_ENDED = _c.status.in_([Status.DONE, Status.ERROR])


def on(tx: Tx, host_id: str) -> list[str]:
    """Ended deployments with effects on a host some of whose undos failed and are to be tried again."""
    kept = select(_u.deployment_id).join(deployments, _c.deployment_id == _u.deployment_id)
    removed = select(_r.deployment_id).where(or_(_r.host_id == host_id, _r.release_host_id == host_id))
    return [
        *tx.execute(kept.distinct().where(_ENDED, store.touches(host_id))).scalars(),
        *tx.execute(removed).scalars(),
    ]


def owing(tx: Tx, deployment_ids: Collection[str]) -> set[str]:
    """Those of some deployments that owe something."""
    found = select(_u.deployment_id).where(_u.deployment_id.in_(deployment_ids))
    return set(tx.execute(found.distinct()).scalars())


def by(tx: Tx, subject_type: SubjectType, subject_ids: Sequence[str], names: Sequence[str]) -> bool:
    """Whether an undo of one of these names is still to be carried out for a deployment of these subjects that has
    ended.
    """
    kept = (
        select(_u.seq)
        .join(deployments, _c.deployment_id == _u.deployment_id)
        .where(_c.subject_type == subject_type, _c.subject_id.in_(subject_ids), _u.name.in_(names), _ENDED)
    )
    removed = (
        select(_u.seq)
        .join(removed_deployments, _r.deployment_id == _u.deployment_id)
        .where(_r.subject_type == subject_type, _r.subject_id.in_(subject_ids), _u.name.in_(names))
    )
    return any(tx.execute(each.limit(1)).first() is not None for each in (kept, removed))


def noted(tx: Tx, name: str) -> list[tuple[str, dict[str, Any]]]:
    """(deployment, data) of every undo of this name that is still to be carried out, or would be if its run failed."""
    rows = tx.execute(select(_u.deployment_id, _u.data).where(_u.name == name))
    return [(row.deployment_id, json.loads(row.data)) for row in rows]


def find(tx: Tx, deployment_id: str) -> Deployment:
    """A deployment that owes something, as it was when its record was removed. Raises DeploymentNotFound."""
    row = tx.execute(select(_r.record).where(_r.deployment_id == deployment_id)).one_or_none()
    return store.find(tx, deployment_id) if row is None else _read(row.record)


def keep(tx: Tx, deployment: Deployment) -> bool:
    """Notes what a deployment was whose record is about to be removed, if it owes something; whether it does. Where
    another has removed the record meanwhile, nothing is noted again.
    """
    there = select(_c.deployment_id).where(_c.deployment_id == deployment.deployment_id)
    if tx.execute(there.with_for_update()).first() is None:
        return False
    deployment = store.find(tx, deployment.deployment_id)  # a server may have been removed since it was read
    if not tx.scalar(select(exists().where(_u.deployment_id == deployment.deployment_id))):
        return False
    values = {
        "deployment_id": deployment.deployment_id,
        "subject_type": deployment.subject_type,
        "subject_id": deployment.subject_id,
        "host_id": deployment.host_id,
        "release_host_id": deployment.release_host_id,
        "record": json.dumps(asdict(deployment), default=_written),
    }
    tx.execute(insert(removed_deployments).values(**values))
    return True


def settle(tx: Tx, deployment_id: str) -> None:
    """Nothing is owed any more."""
    tx.execute(delete(removed_deployments).where(_r.deployment_id == deployment_id))


def forget(tx: Tx, subject_type: SubjectType, subject_id: str, host_ids: Collection[str]) -> None:
    """A subject is gone with all that its deployments have brought about on these hosts; what they owe on another one
    is still taken back.
    """
    released_there = or_(_r.release_host_id.is_(None), _r.release_host_id.in_(host_ids))
    mine = _r.subject_type == subject_type, _r.subject_id == subject_id, _r.host_id.in_(host_ids), released_there
    tx.execute(delete(undos).where(_u.deployment_id.in_(select(_r.deployment_id).where(*mine))))
    tx.execute(delete(removed_deployments).where(*mine))


def leave(tx: Tx, host_id: str) -> None:
    """A host is no more, so that nothing is owed there; what is owed on the panel's machine by runs that released
    there stays, and on whatever host by those that were built there.
    """
    from_here = (_c.host_id == LOCAL_HOST, _c.release_host_id == host_id)
    tx.execute(update(deployments).where(*from_here).values(release_host_id=None))
    owes = exists().where(_u.deployment_id == _c.deployment_id)
    built_there = (_c.host_id == host_id, _c.release_host_id != host_id, owes)
    tx.execute(update(deployments).where(*built_there).values(host_id=_c.release_host_id, release_host_id=None))
    waiting = select(_c.deployment_id).where(store.touches(host_id))
    tx.execute(delete(undos).where(_u.deployment_id.in_(waiting)))
    _leave_removed(tx, host_id)


def _leave_removed(tx: Tx, host_id: str) -> None:
    from_here = and_(_r.host_id == LOCAL_HOST, _r.release_host_id == host_id)
    built_there = and_(_r.host_id == host_id, _r.release_host_id != host_id)
    for row in tx.execute(select(removed_deployments).where(or_(from_here, built_there))).all():
        hosts = {"host_id": row.host_id if row.host_id != host_id else row.release_host_id, "release_host_id": None}
        values = {**hosts, "record": json.dumps({**json.loads(row.record), **hosts})}
        tx.execute(update(removed_deployments).where(_r.deployment_id == row.deployment_id).values(**values))
    there = or_(_r.host_id == host_id, _r.release_host_id == host_id)
    tx.execute(delete(undos).where(_u.deployment_id.in_(select(_r.deployment_id).where(there))))
    tx.execute(delete(removed_deployments).where(there))


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    msg = f"A deployment's record has no {type(value).__name__}."
    raise TypeError(msg)


def _read(record: str) -> Deployment:
    # What a field did not say that came since, it does not know; what is no field any more tells nothing.
    values: dict[str, Any] = dict.fromkeys(each.name for each in fields(Deployment))
    values |= {name: value for name, value in json.loads(record).items() if name in values}
    for name, value in values.items():
        if value is not None and name.endswith(("_at", "_since")):
            values[name] = datetime.fromisoformat(value)
    values |= {"status": Status(values["status"]), "lane": Lane(values["lane"]), "intent": None}
    values |= {"subject_type": SubjectType(values["subject_type"]), "trigger": Trigger(values["trigger"])}
    return Deployment(**values)
