"""Schedules in the database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from headway.core.access import allowances
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.features.schedules.model import SERVICES, LastRun, Schedule, ScheduleTarget, Shell, Text
from headway.features.servers import store as of_servers
from headway.features.services import store as services_store
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.schedules import schedules
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault

_c = schedules.c
_d = deployments.c
_LIVE = _c.deleted_at.is_(None)


class ScheduleNotFound(NotFound):
    """No such schedule, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Schedule not found")


def find(tx: Tx, schedule_id: str, vault: Vault) -> Schedule:
    """The schedule with this id. Raises ScheduleNotFound."""
    row = tx.execute(select(schedules).where(_c.schedule_id == schedule_id, _LIVE)).one_or_none()
    if row is None:
        raise ScheduleNotFound
    return _schedule(row, vault)


def of_target(
    tx: Tx, target: ScheduleTarget, target_id: str | None, organization_id: str, vault: Vault
) -> list[Schedule]:
    """The schedules inside a service, or on a machine, the oldest first."""
    mine = (_c.target == target, _c.target_id == target_id, _c.organization_id == organization_id, _LIVE)
    rows = tx.execute(select(schedules).where(*mine).order_by(_c.created_at, _c.schedule_id))
    return [_schedule(row, vault) for row in rows]


def every(tx: Tx, vault: Vault) -> list[Schedule]:
    """All schedules there are; also in the schema of the version before, so by the names of their columns."""
    columns = (_c[each] for each in (*_NAMES, "text", "created_at"))
    return [_schedule(row, vault) for row in tx.execute(select(*columns).where(_LIVE).order_by(_c.name))]


def owner(tx: Tx, schedule_id: str) -> Owner | None:
    """Whose a schedule is: whoever's service it is inside of. None where one of both is gone."""
    columns = (_c.target, _c.target_id, _c.organization_id)
    row = tx.execute(select(*columns).where(_c.schedule_id == schedule_id, _LIVE)).one_or_none()
    if row is None:
        return None
    return owner_of_target(tx, ScheduleTarget(row.target), row.target_id, row.organization_id)


def owner_of_target(tx: Tx, target: ScheduleTarget, target_id: str | None, organization_id: str) -> Owner | None:
    """Whose what a schedule runs in is; a machine is its organisation's, and in no project."""
    if target.subject_type is not None:
        return services_store.owner(tx, target_id or "", target.subject_type)
    if target is ScheduleTarget.SERVER:
        return of_servers.owner(tx, target_id or "")
    return Owner(organization_id=organization_id, project_id=None)


def add(tx: Tx, schedule: Schedule, vault: Vault) -> None:
    """Adds a schedule."""
    tx.execute(insert(schedules).values(created_at=schedule.created_at, **_values(schedule, vault)))


def put(tx: Tx, schedule: Schedule, vault: Vault) -> None:
    """Writes down what a schedule is now."""
    tx.execute(update(schedules).where(_c.schedule_id == schedule.schedule_id).values(**_values(schedule, vault)))


def begin_deletion(tx: Tx, schedule_id: str) -> None:
    """From here on it is gone for everybody; what it left is cleared after the commit, or by the next panel."""
    tx.execute(update(schedules).where(_c.schedule_id == schedule_id).values(deleted_at=tx.now))


def to_clear(tx: Tx) -> list[str]:
    """The schedules whose deletion has begun, and those that were inside of something that is gone."""
    there = select(services.c.service_id).where(services.c.deleted_at.is_(None))
    orphaned = or_(
        _c.target.in_(SERVICES) & _c.target_id.not_in(there),
        (_c.target == ScheduleTarget.SERVER) & _c.target_id.not_in(select(servers.c.server_id)),
    )
    return list(tx.execute(select(_c.schedule_id).where(or_(~_LIVE, orphaned))).scalars())


def remove(tx: Tx, schedule_id: str) -> None:
    """Deletes a schedule."""
    allowances.forget(tx, schedule_id)
    tx.execute(delete(schedules).where(_c.schedule_id == schedule_id))


def inside(tx: Tx, target: ScheduleTarget, target_id: str) -> list[str]:
    """The ids of the schedules inside a service."""
    mine = (_c.target == target, _c.target_id == target_id)
    return list(tx.execute(select(_c.schedule_id).where(*mine)).scalars())


def last_run(tx: Tx, schedule_id: str) -> LastRun | None:
    """The newest run of a schedule."""
    mine = (_d.subject_type == SubjectType.SCHEDULE, _d.subject_id == schedule_id)
    columns = (_d.deployment_id, _d.status, _d.started_at)
    row = tx.execute(select(*columns).where(*mine).order_by(_d.seq.desc()).limit(1)).one_or_none()
    return None if row is None else LastRun(**row._asdict())


def kept_of(tx: Tx, schedule_id: str) -> tuple[int | None, float | None] | None:
    """How many of its deployments a schedule keeps, and for how many days."""
    row = tx.execute(select(_c.keep_deployments, _c.keep_days).where(_c.schedule_id == schedule_id)).one_or_none()
    return None if row is None else (row.keep_deployments, row.keep_days)


def _values(schedule: Schedule, vault: Vault) -> dict[str, Any]:
    """The columns. The text is sealed: scripts hold passwords, whatever their authors were told."""
    values = {name: getattr(schedule, name) for name in _NAMES}
    return values | {"text": vault.seal(asdict(schedule.text))}


def _schedule(row: Row[Any], vault: Vault) -> Schedule:
    plain = {name: getattr(row, name) for name in (*_NAMES, "created_at")}
    return Schedule(
        **{
            **plain,
            "target": ScheduleTarget(row.target),
            "shell": Shell(row.shell),
            "text": Text(**vault.open(row.text)),
        }
    )


_NAMES = (
    *("schedule_id", "organization_id", "host_id", "target", "target_id", "service_name", "name", "app_name"),
    *("description", "shell", "timeout_seconds", "keep_deployments", "keep_days"),
)
