"""What waiting deployments wait for: their place in their host's queue, and who or what holds them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import select

from headway.core.deployments.model import Lane
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed, deployment_rows
from headway.infra.db.tables.deployments import PENDING, RUNNING, hosts
from headway.infra.db.tables.servers import servers
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_c = deployment_rows.c


class Hindrance(StrEnum):
    """What keeps a deployment waiting."""

    SERVER = "server"  # its server does not answer
    DEPLOYMENT = "deployment"  # another of its service, which runs or goes first
    SLOT = "slot"  # its host runs as many as it may
    TURN = "turn"  # nothing but the moment until it is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why one deployment waits: ``position`` counts from 1 among all that wait for its host, in the order in which they
    are taken (one whose service is busy is passed over); ``deployment_id`` is the one that holds it up, where one does.
    """

    position: int
    hindrance: Hindrance
    deployment_id: str | None
    sentence: str


class QueueEntry(NamedTuple):
    """What the queue knows of a deployment."""

    host_id: str
    lane: int
    seq: int
    deployment_id: str
    exclusive_key: str | None


class Away(NamedTuple):
    """A server that does not answer."""

    name: str
    since: datetime


def waits_of(tx: Tx, rows: Iterable[Listed]) -> Mapping[str, Wait]:
    """Why those of these rows wait that do, by deployment."""
    asked = {row.deployment_id for row in rows if row.status == Status.PENDING}
    if not asked:
        return {}
    waiting = [*map(QueueEntry._make, tx.execute(_WAITING).all())]
    running = [*map(QueueEntry._make, tx.execute(_RUNNING).all())]
    slots = {row.host_id: row.concurrency for row in tx.execute(_SLOTS)}
    away = {row.server_id: Away(row.name, row.away_since) for row in tx.execute(_AWAY)}
    return explained(asked, sorted(waiting), running, slots, away)


def explained(
    asked: set[str],
    waiting: Sequence[QueueEntry],
    running: Sequence[QueueEntry],
    slots: Mapping[str, int],
    away: Mapping[str, Away] = MappingProxyType({}),
) -> dict[str, Wait]:
    """Why each of the ``asked`` waits. ``waiting`` stands in the order of each host's queue; ``slots`` says how many
    each host runs at a time, beside one rollback; ``away`` are the hosts that do not answer.
    """
    runs: dict[str | None, str] = {
        each.exclusive_key: each.deployment_id for each in running if each.exclusive_key is not None
    }
    heads = _heads(waiting)
    in_use = Counter((each.host_id, each.lane == Lane.ROLLBACK) for each in running)
    found: dict[str, Wait] = {}
    positions: Counter[str] = Counter()
    for each in waiting:
        positions[each.host_id] += 1
        if each.deployment_id in asked:
            if gone := away.get(each.host_id):
                found[each.deployment_id] = _wait_for(gone, positions[each.host_id])
                continue
            is_rollback = each.lane == Lane.ROLLBACK
            most = 1 if is_rollback else slots.get(each.host_id, 0)
            full = in_use[each.host_id, is_rollback] >= most
            holder = runs.get(each.exclusive_key) or heads.get(each.exclusive_key)
            found[each.deployment_id] = _wait(each, positions[each.host_id], holder, runs, most if full else None)
    return found


def _wait_for(away: Away, position: int) -> Wait:
    since = away.since.isoformat(timespec="seconds").replace("+00:00", "Z")
    sentence = f"Its server {away.name} has been out of reach since {since}; it begins when that answers."
    return Wait(position=position, hindrance=Hindrance.SERVER, deployment_id=None, sentence=sentence)


def _wait(
    each: QueueEntry, position: int, holder: str | None, runs: Mapping[str | None, str], full: int | None
) -> Wait:
    if holder is not None and holder != each.deployment_id:
        does = "runs" if runs.get(each.exclusive_key) == holder else "goes first"
        sentence = f"Deployment {holder} of the same service {does}."
        return Wait(position=position, hindrance=Hindrance.DEPLOYMENT, deployment_id=holder, sentence=sentence)
    if full is not None:
        number = "1 rollback" if each.lane == Lane.ROLLBACK else f"{full} deployment{'s' if full != 1 else ''}"
        sentence = f"Its host runs as many as it may at a time: {number}."
        return Wait(position=position, hindrance=Hindrance.SLOT, deployment_id=None, sentence=sentence)
    return Wait(position=position, hindrance=Hindrance.TURN, deployment_id=None, sentence="It is about to be taken.")


def _heads(waiting: Sequence[QueueEntry]) -> dict[str | None, str]:
    """For each key the one that goes first."""
    first: dict[str | None, tuple[int, int, str]] = {}
    for _, lane, seq, deployment_id, key in waiting:
        if key is not None and (key not in first or (lane, seq) < first[key][:2]):
            first[key] = (lane, seq, deployment_id)
    return {key: each[2] for key, each in first.items()}


_COLUMNS = tuple(_c[name] for name in QueueEntry._fields)
_WAITING = select(*_COLUMNS).where(PENDING)
_RUNNING = select(*_COLUMNS).where(RUNNING)
_SLOTS = select(hosts.c.host_id, hosts.c.concurrency)
_AWAY = select(servers.c.server_id, servers.c.name, servers.c.away_since).where(servers.c.away_since.is_not(None))
