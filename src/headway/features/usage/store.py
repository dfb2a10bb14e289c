"""The minutes and days of what is used: written a minute at a time, made into hours, and let go of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from headway.features.services.model import ReleaseState
from headway.features.usage.model import (
    HOURS,
    SAMPLES,
    Level,
    UsagePoint,
    host_target,
    merged,
    packed_table,
    points_of,
    sampler_target,
    service_target,
    unpacked,
    unpacked_table,
    with_hour,
)
from headway.infra.db.tables.deployments import hosts
from headway.infra.db.tables.services import releases, services
from headway.infra.db.tables.usage import usage_days, usage_minutes
from headway.infra.db.transaction import Tx

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# For how long a point is to be had, and a little more: an hour of minutes is made into one after it is over.
KEPT: Mapping[Level, timedelta] = {
    Level.SAMPLE: HOUR + 2 * MINUTE,
    Level.MINUTE: DAY + HOUR,
    Level.HOUR: 366 * DAY,
}
_m, _d, _r = usage_minutes.c, usage_days.c, releases.c
_SAMPLE, _MINUTE, _HOUR = (each.value for each in (Level.SAMPLE, Level.MINUTE, Level.HOUR))
_TARGETS_AT_A_TIME = 500
_SETTLED_AT_A_TIME = 50
_SETTLED = b""  # of an hour whose points are in all the days that they are of
LATE = 5 * MINUTE  # so long after an hour the last minute of it may still come from a server


def add_minute(tx: Tx, host_id: str, minute: datetime, samples: Mapping[str, Sequence[UsagePoint]]) -> None:
    """Writes what was used on a host in a minute: of each target ``SAMPLES`` points. What was written of the same
    minute before, when the clock said so already, is replaced.
    """
    minutes = {target: [merged(points)] for target, points in samples.items()}
    same = (_m.begins_at == minute, _m.host_id == host_id)
    tx.execute(delete(usage_minutes).where(*same, _m.level.in_((_SAMPLE, _MINUTE))))
    row = {"host_id": host_id, "begins_at": minute}
    tx.execute(
        insert(usage_minutes),
        [
            {**row, "level": _SAMPLE, "points": packed_table(samples, SAMPLES)},
            {**row, "level": _MINUTE, "points": packed_table(minutes, 1)},
        ],
    )


def open_hours(tx: Tx, now: datetime) -> Sequence[tuple[datetime, str]]:
    """The hours that are over, of which there are minutes and which are in no day yet, each with its host; the oldest
    first.
    """
    of_minutes = (_m.level == _MINUTE, _m.begins_at < settled_until(now))
    minutes = tx.execute(select(_m.begins_at, _m.host_id).where(*of_minutes))
    settled = tx.execute(select(_m.begins_at, _m.host_id).where(_m.level == _HOUR, _m.points == _SETTLED))
    found = {(row.begins_at.replace(minute=0), row.host_id) for row in minutes}
    return sorted(found - {(row.begins_at, row.host_id) for row in settled})


def settled_until(now: datetime) -> datetime:
    """The end of the last hour that is made of its minutes by now."""
    return (now - LATE).replace(minute=0, second=0, microsecond=0)


def hour_of(tx: Tx, hour: datetime, host_id: str) -> Mapping[str, UsagePoint]:
    """An hour of a host, made of its minutes: of all that ran there, in its order."""
    of_host = (_m.level == _MINUTE, _m.host_id == host_id, _m.begins_at >= hour, _m.begins_at < hour + HOUR)
    pieces: dict[str, list[UsagePoint]] = defaultdict(list)
    for table in tx.execute(select(_m.points).where(*of_host).order_by(_m.begins_at)).scalars():
        for target, points in unpacked_table(table):
            pieces[target] += points
    made = {target: merged(pieces[target]) for target in sorted(pieces)}
    return {target: point for target, point in made.items() if not point.is_empty}


def settle_some(tx: Tx, hour: datetime, host_id: str, made: Mapping[str, UsagePoint]) -> bool | None:
    """Puts the next few of what ran in an hour into their days, so that nobody who writes waits for all of them;
    whether they were the last. None where all were there already.
    """
    tx.lock("usage hours")
    this = (_m.level == _HOUR, _m.begins_at == hour, _m.host_id == host_id)
    done = tx.scalar(select(_m.points).where(*this))
    if done == _SETTLED:
        return None
    left = [target for target in made if done is None or target.encode() > done]
    some, is_over = left[:_SETTLED_AT_A_TIME], len(left) <= _SETTLED_AT_A_TIME
    if some:
        write_hour(tx, hour, {target: made[target] for target in some})
    tx.execute(delete(usage_minutes).where(*this))
    mark = _SETTLED if is_over else some[-1].encode()
    tx.execute(insert(usage_minutes).values(level=_HOUR, begins_at=hour, host_id=host_id, points=mark))
    return is_over


def let_go(tx: Tx, now: datetime) -> None:
    """Forgets what is too old, and the days of what there is no more. Of an hour that was not made nothing goes within
    a day.
    """
    for level in (Level.SAMPLE, Level.MINUTE):
        tx.execute(delete(usage_minutes).where(_m.level == level.value, _m.begins_at < now - KEPT[level]))
    # As long as an hour has minutes it has to be known that it was settled.
    tx.execute(delete(usage_minutes).where(_m.level == _HOUR, _m.begins_at < now - KEPT[Level.MINUTE] - HOUR))
    tx.execute(delete(usage_days).where(_d.begins_at < now - KEPT[Level.HOUR] - DAY))
    gone = sorted(_known_targets(tx) - _living_targets(tx))
    for start in range(0, len(gone), _TARGETS_AT_A_TIME):
        tx.execute(delete(usage_days).where(_d.target.in_(gone[start : start + _TARGETS_AT_A_TIME])))


def write_hour(tx: Tx, hour: datetime, made: Mapping[str, UsagePoint]) -> None:
    """Puts the hour of these targets into their days. What has moved to another host within it has points from both."""
    day = hour.replace(hour=0)
    here = (_d.begins_at == day, _d.target.in_(list(made)))
    before = {row.target: row.points for row in tx.execute(select(_d.target, _d.points).where(*here))}
    tx.execute(delete(usage_days).where(*here))
    rows = []
    for target, point in made.items():
        points = before.get(target, b"")
        earlier = (unpacked(points)[hour.hour : hour.hour + 1]) if points else []
        whole = with_hour(points, hour.hour, merged((*earlier, point)))
        rows.append({"target": target, "begins_at": day, "points": whole})
    tx.execute(insert(usage_days), rows)


def releases_on(tx: Tx, host_id: str) -> Mapping[str, str]:
    """The releases on a host that may run, each with its service; previews are services too."""
    mine = (_r.host_id == host_id, _r.state != ReleaseState.RETIRED)
    return {row.release_id: row.service_id for row in tx.execute(select(_r.release_id, _r.service_id).where(*mine))}


def services_on(tx: Tx, host_id: str) -> set[str]:
    """The services of a host."""
    return {*tx.execute(select(services.c.service_id).where(services.c.host_id == host_id)).scalars()}


def whose_service(tx: Tx, service_id: str) -> tuple[str, str] | None:
    """The organisation and the project of a service; None where there is none."""
    _s = services.c
    row = tx.execute(select(_s.organization_id, _s.project_id).where(_s.service_id == service_id)).one_or_none()
    return None if row is None else (row.organization_id, row.project_id)


def hosts_of(tx: Tx, service_id: str) -> set[str]:
    """The hosts on which a service may have run of late."""
    was = select(_r.host_id).where(_r.service_id == service_id)
    return {*tx.execute(was.union(select(services.c.host_id).where(services.c.service_id == service_id))).scalars()}


def points_in_minutes(
    tx: Tx, level: Level, target: str, host_ids: Collection[str], *, since: datetime, until: datetime
) -> dict[datetime, UsagePoint]:
    """The points of a target by when they begin, from these hosts; of the levels that are kept by the minute."""
    found: dict[datetime, UsagePoint] = {}
    # A row that begins a little before may have a point within.
    given = {"level": level.value, "hosts": [*host_ids], "since": since - MINUTE, "until": until}
    rows = tx.execute(_TABLES, given)
    step = timedelta(seconds=level)
    for row in rows:
        for number, point in enumerate(points_of(row.points, target)):
            at = row.begins_at + step * number
            if not point.is_empty and since <= at < until:
                found[at] = merged((found[at], point)) if at in found else point
    return found


def points_in_days(tx: Tx, target: str, since: datetime, until: datetime) -> dict[datetime, UsagePoint]:
    """The points of a target by the hour."""
    given = {"target": target, "since": since - DAY, "until": until}
    return {
        at: point
        for row in tx.execute(_DAYS, given)
        for number, point in enumerate(unpacked(row.points)[:HOURS])
        if not point.is_empty and since <= (at := row.begins_at + HOUR * number) < until
    }


def _known_targets(tx: Tx) -> set[str]:
    return {*tx.execute(select(_d.target).distinct()).scalars()}


def _living_targets(tx: Tx) -> set[str]:
    found = {service_target(each) for each in tx.execute(select(services.c.service_id)).scalars()}
    for host_id in tx.execute(select(hosts.c.host_id)).scalars():
        found |= {host_target(host_id), sampler_target(host_id)}
    return found


_TABLES = (
    select(_m.begins_at, _m.points)
    .where(
        _m.level == bindparam("level"),
        _m.host_id.in_(bindparam("hosts", expanding=True)),
        _m.begins_at > bindparam("since", type_=_m.begins_at.type),
        _m.begins_at < bindparam("until", type_=_m.begins_at.type),
    )
    .order_by(_m.begins_at)
)
_DAYS = (
    select(_d.begins_at, _d.points)
    .where(
        _d.target == bindparam("target"),
        _d.begins_at > bindparam("since", type_=_d.begins_at.type),
        _d.begins_at < bindparam("until", type_=_d.begins_at.type),
    )
    .order_by(_d.begins_at)
)
