"""The deployment rows as the queue: which one is next, and the claim that makes it running.

Organisations take turns: of those that wait in the same lane the one goes first that runs least on the host, and of
equals the one whose turn was longest ago. ``ready`` marks, among the waiting rows of one exclusive key, the one that
goes first while none of that key runs. It is kept by ``promote`` in every transaction that adds, starts, ends or puts
back a row, so that a claim looks at one row of an index however many wait behind a busy service.

A lower lane goes first, but what has waited for ``LATE_AFTER`` in a higher one is late: every so long one that is late
goes before all lanes but that of rollbacks, so that steady deploys keep no backup waiting for ever, and many backups no
deploy.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import Integer, bindparam, cast, func, insert, null, select, text, union_all, update
from sqlalchemy.exc import IntegrityError

from headway.core.deployments import store
from headway.core.deployments.leases import Lease
from headway.core.deployments.model import Deployment, Lane, Request
from headway.core.deployments.status import Status
from headway.infra.db.tables.deployments import CLAIMABLE, PENDING, RUNNING, deployments, hosts, turns
from headway.infra.db.transaction import Tx

_c = deployments.c
LONGEST_TITLE = 1_024  # of a title or a description; callers are refused a longer one, what a forge sends is cut
LATE_AFTER = timedelta(minutes=10)
_LOOK_AGAIN = 3  # a unique index refused the claim: another process was first

# The statements of every claim, built once: to build them anew takes longer than SQLite takes to carry them out.
_ON_HOST = _c.host_id == bindparam("host_id")
_OF_KEY = _c.exclusive_key == bindparam("exclusive_key")
_SERVER = select(hosts.c.server_id).where(hosts.c.host_id == bindparam("host_id"))
_HOST = select(hosts.c.concurrency, hosts.c.late_at).where(hosts.c.host_id == bindparam("host_id")).with_for_update()
_COLUMNS = (_c.seq, _c.deployment_id, _c.epoch, _c.exclusive_key, _c.lane, _c.organization_id)
_o = deployments.alias("other").c
_BY_ORGANIZATION = (
    select(_o.organization_id)
    .where(_o.host_id == bindparam("host_id"), text("other.status = 'pending' AND other.ready"), _o.lane == _c.lane)
    .limit(1)
)
_NEXT = (
    select(
        *_COLUMNS,
        # The two ends of an index, however many wait. (Whether another waits, asked by EXISTS, PostgreSQL answers by
        # reading the table, for it takes one in three to be another's.)
        (
            _BY_ORGANIZATION.order_by(_o.organization_id).scalar_subquery()
            != _BY_ORGANIZATION.order_by(_o.organization_id.desc()).scalar_subquery()
        ).label("others_wait"),
    )
    .where(_ON_HOST, CLAIMABLE, _c.lane.between(bindparam("first_lane"), bindparam("last_lane")))
    .order_by(_c.lane, _c.seq)
    .limit(1)
)
_FIRST_BEHIND = (
    select(_c.lane, _c.created_at)
    .where(_ON_HOST, CLAIMABLE, _c.lane > bindparam("behind"))
    .order_by(_c.lane, _c.seq)
    .limit(1)
)
_first = _FIRST_BEHIND.subquery().c
# What runs in which lane, and since when the first behind that of deploys waits: one statement, for mostly nobody does.
_IN_USE = union_all(
    select(_c.lane, func.count().label("number"), cast(null(), _c.created_at.type).label("created_at"))
    .where(_ON_HOST, RUNNING)
    .group_by(_c.lane),
    select(_first.lane, cast(null(), Integer), _first.created_at),
)
_NOTE_LATE = update(hosts).where(hosts.c.host_id == bindparam("on_host")).values(late_at=bindparam("now"))
_NEXT_ORGANIZATION = (
    select(_c.organization_id)
    .where(_ON_HOST, CLAIMABLE, _c.lane == bindparam("in_lane"), _c.organization_id > bindparam("after"))
    .order_by(_c.organization_id)
    .limit(1)
)
_NEXT_OF_ORGANIZATION = (
    select(*_COLUMNS)
    .where(_ON_HOST, CLAIMABLE, _c.lane == bindparam("in_lane"), _c.organization_id == bindparam("of"))
    .order_by(_c.seq)
    .limit(1)
)
_BUSY_ORGANIZATIONS = (
    select(_c.organization_id, func.count().label("number"))
    .where(_ON_HOST, RUNNING, _c.lane != Lane.ROLLBACK)
    .group_by(_c.organization_id)
)
_TURNS = select(turns.c.organization_id, turns.c.taken).where(turns.c.host_id == bindparam("host_id"))
_LAST_TURN = select(func.coalesce(func.max(turns.c.taken), 0)).where(turns.c.host_id == bindparam("host_id"))
_WAITED_FOR = select(_c.host_id).where(CLAIMABLE).distinct()
_START = (
    update(deployments)
    .where(_c.seq == bindparam("claimed"), CLAIMABLE)
    .values(status=Status.RUNNING, epoch=bindparam("next_epoch"), ready=False, started_at=bindparam("now"))
    .values(handle=None, pid=None)
)
_BUSY = select(_c.seq).where(_OF_KEY, RUNNING).limit(1)
_HEAD = select(_c.seq).where(_OF_KEY, PENDING).order_by(_c.lane, _c.seq).limit(1)
_READY = select(_c.seq).where(_OF_KEY, CLAIMABLE)
_SET_READY = update(deployments).where(_c.seq == bindparam("head")).values(ready=True)


def add(tx: Tx, request: Request, deployment_id: str, log_path: str) -> Deployment:
    """Adds a pending deployment behind the others. Its creation time never lies before an earlier row's."""
    lock_keys(tx)
    lock_key(tx, request.exclusive_key)
    last = store.newest(tx)
    created_at = tx.now if last is None else max(tx.now, last.created_at)
    server_id = tx.scalar(_SERVER, {"host_id": request.release_host_id or request.host_id})
    tx.execute(
        insert(deployments),
        {
            "deployment_id": deployment_id,
            "kind": request.kind,
            "kind_version": request.kind_version,
            "subject_type": request.subject_type,
            "subject_id": request.subject_id,
            "organization_id": request.organization_id,
            "project_id": request.project_id,
            "host_id": request.host_id,
            "release_host_id": request.release_host_id,
            "server_id": server_id,
            "exclusive_key": request.exclusive_key,
            "lane": request.lane,
            "ready": request.exclusive_key is None,
            "title": (request.title or request.default_title)[:LONGEST_TITLE],
            "title_given": bool(request.title),
            "description": request.description and request.description[:LONGEST_TITLE],
            "status": Status.PENDING,
            "log_path": log_path,
            "epoch": 0,
            "input": dict(request.input),
            "trigger": request.trigger,
            "triggered_by": request.triggered_by,
            "triggered_by_name": request.triggered_by_name,
            "triggered_by_key": request.triggered_by_key,
            "triggered_by_key_name": request.triggered_by_key_name,
            "created_at": created_at,
            "unstable": False,
            "answers": None,
        },
    )
    promote(tx, request.exclusive_key)
    return store.find(tx, deployment_id)


def waiting_of(tx: Tx, request: Request, most: int) -> int:
    """How many of the subject wait already, as far as ``most``. Rollbacks wait for themselves: they help."""
    lane = _c.lane == Lane.ROLLBACK if request.lane is Lane.ROLLBACK else _c.lane != Lane.ROLLBACK
    mine = (_c.subject_type == request.subject_type, _c.subject_id == request.subject_id, PENDING, lane)
    waiting: int = tx.scalar(select(func.count()).select_from(select(_c.seq).where(*mine).limit(most).subquery()))
    return waiting


def claim(tx: Tx, host_id: str, owner: str) -> tuple[Deployment, Lease] | None:
    """Makes the next waiting deployment of a host running, if the host has a free slot; None when there is none.

    A rollback has a slot of its own. On PostgreSQL the host's row is locked: SKIP LOCKED alone would not hold the
    limit. The caller grants the lease.
    """
    host = tx.execute(_HOST, {"host_id": host_id}).one_or_none()
    if host is None:
        return None
    for first, last in _open_lanes(tx, host_id, host.concurrency, host.late_at):
        wanted = {"host_id": host_id, "first_lane": first, "last_lane": last}
        for _ in range(_LOOK_AGAIN):
            found = tx.execute(_NEXT, wanted).one_or_none()
            if found is None:
                break
            contended = bool(found.others_wait)
            if contended:
                found = _whose_turn(tx, host_id, found.lane)
                if found is None:
                    continue
            lock_key(tx, found.exclusive_key)
            if _start(tx, found):
                if contended:
                    _note_turn(tx, host_id, found.organization_id)
                promote(tx, found.exclusive_key)
                if first == last != Lane.ROLLBACK:
                    tx.execute(_NOTE_LATE, {"on_host": host_id, "now": tx.now})
                lease = Lease(deployment_id=found.deployment_id, owner=owner, epoch=found.epoch + 1)
                return store.find(tx, found.deployment_id), lease
            promote(tx, found.exclusive_key)
    return None


def _whose_turn(tx: Tx, host_id: str, lane: Lane) -> Any:  # noqa: ANN401 - a row
    """Of several organisations that wait in a lane, the first row of the one whose turn it is; None where all that
    waited there has ended since it was found, which on PostgreSQL may happen between any two statements.
    """
    busy = {row.organization_id: row.number for row in tx.execute(_BUSY_ORGANIZATIONS, {"host_id": host_id})}
    taken = {row.organization_id: row.taken for row in tx.execute(_TURNS, {"host_id": host_id})}
    firsts = []
    here = {"host_id": host_id, "in_lane": lane}
    after: str | None = ""
    while (after := tx.scalar(_NEXT_ORGANIZATION, {**here, "after": after})) is not None:
        first = tx.execute(_NEXT_OF_ORGANIZATION, {**here, "of": after}).one_or_none()
        if first is not None:
            firsts.append((busy.get(after, 0), taken.get(after, 0), first.seq, first))
    return min(firsts, key=itemgetter(0, 1, 2))[3] if firsts else None


def _note_turn(tx: Tx, host_id: str, organization_id: str) -> None:
    mine = (turns.c.host_id == host_id, turns.c.organization_id == organization_id)
    taken = tx.scalar(_LAST_TURN, {"host_id": host_id}) + 1
    if tx.execute(update(turns).where(*mine).values(taken=taken)).rowcount == 0:
        tx.execute(insert(turns), {"host_id": host_id, "organization_id": organization_id, "taken": taken})


def waited_for(tx: Tx) -> list[str]:
    """The hosts that something might be claimed for."""
    return list(tx.execute(_WAITED_FOR).scalars())


def lock_keys(tx: Tx) -> None:
    """To be locked before the keys of several rows, or the key of one behind which another is then added: nobody else
    takes more than one key, so that no two wait for each other.
    """
    tx.lock("deployments.add")


def lock_key(tx: Tx, exclusive_key: str | None) -> None:
    """Keeps every other move of this key's rows waiting. It comes before any change of such a row: two that take the
    row and the key in different orders would wait for each other.
    """
    if exclusive_key is not None:
        tx.lock(f"queue.{exclusive_key}")


def promote(tx: Tx, exclusive_key: str | None) -> None:
    """Keeps ``ready`` true for one key: its first waiting row, if none of the key runs, and no other."""
    if exclusive_key is None:
        return
    lock_key(tx, exclusive_key)
    key = {"exclusive_key": exclusive_key}
    busy = tx.execute(_BUSY, key).first() is not None
    head = None if busy else tx.scalar(_HEAD, key)
    ready = tx.execute(_READY, key).scalars().all()
    wrong = [seq for seq in ready if seq != head]
    if wrong:
        tx.execute(update(deployments).where(_c.seq.in_(wrong)).values(ready=False))
    if head is not None and head not in ready:
        tx.execute(_SET_READY, {"head": head})


def promote_all(tx: Tx) -> None:
    """Repairs ``ready`` for every key that has waiting rows; a belt beside the braces, run by the janitor."""
    lock_keys(tx)
    keys = tx.execute(select(_c.exclusive_key).distinct().where(PENDING, _c.exclusive_key.is_not(None))).scalars().all()
    for key in keys:
        promote(tx, key)


def _start(tx: Tx, found: Any) -> bool:  # noqa: ANN401 - a row
    wanted = {"claimed": found.seq, "next_epoch": found.epoch + 1, "now": tx.now}
    try:
        with tx.connection.begin_nested():
            return tx.execute(_START, wanted).rowcount == 1
    except IntegrityError:  # one of this key runs already
        return False


def _open_lanes(tx: Tx, host_id: str, concurrency: int, late_at: datetime | None) -> list[tuple[Lane, Lane]]:
    """The first and last lane of each range in which the host has a free slot, that of what is late before the others.
    ``late_at`` is when something late last went first.
    """
    found = tx.execute(_IN_USE, {"host_id": host_id, "behind": Lane.DEPLOY}).all()
    counts: dict[int, int] = {row.lane: row.number for row in found if row.number is not None}
    rollbacks = counts.pop(Lane.ROLLBACK, 0)
    ranges = [(Lane.ROLLBACK, Lane.ROLLBACK)] if rollbacks < 1 else []
    if sum(counts.values()) < concurrency:
        late, first = [], next((row for row in found if row.number is None), None)
        if first is not None and (late_at is None or tx.now - late_at >= LATE_AFTER):
            late = _late_lane(tx, host_id, first)
        if ranges and not late:
            return [(Lane.ROLLBACK, max(Lane))]  # one question finds the first of both, for rollbacks go first
        ranges += [*late, (Lane.DEPLOY, max(Lane))]
    return ranges


def _late_lane(tx: Tx, host_id: str, first: Any) -> list[tuple[Lane, Lane]]:  # noqa: ANN401 - a row
    """The lane behind that of deploys in which somebody has waited longest, and too long; ``first`` is who waits in the
    first of these.
    """
    late = []
    while first is not None:
        if tx.now - first.created_at >= LATE_AFTER:
            late.append((first.created_at, Lane(first.lane)))
        first = tx.execute(_FIRST_BEHIND, {"host_id": host_id, "behind": first.lane}).one_or_none()
    return [(lane, lane) for _, lane in sorted(late)[:1]]
