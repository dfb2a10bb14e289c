"""The releases of services of every kind in the database, as one goes back to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, column, func, select, table

from headway.core.deployments.model import SubjectType
from headway.core.deployments.rollback_targets import Left
from headway.features.services.model import type_of
from headway.infra.db.tables.services import releases
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_IDS_AT_A_TIME = 1_000  # a statement takes no more than some ten thousand parameters
SERVES = "It serves now."
NOTHING_KEPT = "What it ran with was not kept: it was made by an earlier version of Headway."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlace:
    """A release that has served, and the service that it is one of. ``missing`` is what was last seen to be."""

    release_id: str
    subject_type: SubjectType
    subject_id: str
    missing: str | None
    left: Left


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRelease:
    """A release that has served, and since when (None: nobody wrote it down)."""

    release_id: str
    version: int
    deployment_id: str
    since: datetime | None
    commit_hash: str | None
    image: str | None


def find(tx: Tx, release_id: str) -> ReleasePlace | None:
    """The release with this id, None where there is none that has ever served."""
    row = tx.execute(_BY_ID, {"release_id": release_id}).one_or_none()
    return None if row is None else _place(row)


def left_by(tx: Tx, deployment_ids: Sequence[str]) -> Mapping[str, Left]:
    """What these deployments left, by deployment."""
    found: dict[str, Left] = {}
    for start in range(0, len(deployment_ids), _IDS_AT_A_TIME):
        for row in tx.execute(_OF_DEPLOYMENTS, {"ids": deployment_ids[start : start + _IDS_AT_A_TIME]}).all():
            found[row.deployment_id] = _left(row)
    return found


def idle(tx: Tx) -> list[ReleasePlace]:
    """Every release that has served and does not now."""
    return [_place(row) for row in tx.execute(_IDLE)]


def left_at(tx: Tx, service_id: str, deployment_id: str) -> ServedRelease | None:
    """The release that a deployment left, None where it left none."""
    return _served(tx, _LEFT, {"service_id": service_id, "deployment_id": deployment_id})


def served_before(tx: Tx, service_id: str, release: ServedRelease | None, moment: datetime) -> ServedRelease | None:
    """What served at the ``moment`` at which the deployment began that has left a ``release`` (None: it left none); of
    a release of which nobody wrote down since when it served, the one with the number before.
    """
    if release is not None and release.since is None:
        return _served(tx, _NUMBERED_BEFORE, {"service_id": service_id, "seq": release.version})
    but = "" if release is None else release.release_id
    return _served(tx, _SERVED_AT, {"service_id": service_id, "moment": moment, "but": but})


def first_version(tx: Tx, service_id: str, commit_hash: str) -> int | None:
    """The number of the oldest release of a commit that is known, None where there is none."""
    found = select(func.min(_t.seq)).where(_t.service_id == service_id, _t.commit_hash == commit_hash)
    version: int | None = tx.execute(found).scalar_one()
    return version


def _served(tx: Tx, statement: Select[Any], values: Mapping[str, Any]) -> ServedRelease | None:
    row = tx.execute(statement, values).one_or_none()
    if row is None:
        return None
    return ServedRelease(
        release_id=row.release_id,
        version=row.version,
        deployment_id=row.deployment_id,
        since=row.since,
        commit_hash=row.commit_hash,
        image=row.image,
    )


def _place(row: Row[Any]) -> ReleasePlace:
    return ReleasePlace(
        release_id=row.release_id,
        subject_type=type_of(row.kind),
        subject_id=row.subject_id,
        missing=row.missing,
        left=_left(row),
    )


def _left(row: Row[Any]) -> Left:
    serves = row.state == "serving"
    obstacle = SERVES if serves else row.missing if row.is_kept else NOTHING_KEPT
    return Left(
        release_id=row.release_id,
        deployment_id=row.deployment_id,
        version=row.seq,
        image=row.image,
        created_at=row.created_at,
        serves=serves,
        obstacle=obstacle,
        rolled_back_at=row.rolled_back_at,
        rolled_back_by=row.rolled_back_by,
    )


# Columns without types, as lists want them: on both databases they then arrive as they are kept.
_COLUMNS = (
    *("release_id", "deployment_id", "seq", "image", "created_at"),
    *("state", "missing", "rolled_back_at", "rolled_back_by"),
)
_r = table("releases", *map(column, (*_COLUMNS, "service_id", "record"))).c
_s = table("services", column("service_id"), column("kind")).c
_SERVED = select(
    *(_r[each] for each in _COLUMNS),
    _r.service_id.label("subject_id"),
    (_r.record != "").label("is_kept"),
).where(_r.state != "starting")
_PLACED = _SERVED.add_columns(_s.kind).where(_s.service_id == _r.service_id)
_BY_ID = _PLACED.where(_r.release_id == bindparam("release_id"))
_OF_DEPLOYMENTS = _SERVED.where(_r.deployment_id.in_(bindparam("ids", expanding=True)))
_IDLE = _PLACED.where(_r.state != "serving")

_t = releases.c
_OF_SERVICE = select(
    *(_t.release_id, _t.seq.label("version"), _t.deployment_id, _t.serving_since.label("since")),
    *(_t.commit_hash, _t.image),
).where(_t.service_id == bindparam("service_id"), _t.state != "starting")
_LEFT = _OF_SERVICE.where(_t.deployment_id == bindparam("deployment_id")).order_by(_t.seq.desc()).limit(1)
_NUMBERED_BEFORE = _OF_SERVICE.where(_t.seq < bindparam("seq")).order_by(_t.seq.desc()).limit(1)
# Of those that there were. The one that served may have been given the service back since, and then it serves since
# later than the moment; of those that there were no other one can.
_SERVED_AT = (
    _OF_SERVICE.where(_t.release_id != bindparam("but"), _t.serving_since.is_not(None))
    .where(_t.created_at < bindparam("moment", type_=_t.created_at.type))
    .order_by(_t.serving_since.desc(), _t.seq.desc())
    .limit(1)
)
