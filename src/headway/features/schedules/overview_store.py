"""Schedules beside what they run in: reads for whoever lists those of an organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, func, select

from headway.core.deployments.model import SubjectType
from headway.core.engine.scheduler.timer import Fate
from headway.features.projects.model import ServicePlace
from headway.features.schedules.model import SERVICES, ScheduleTarget
from headway.infra.db.tables.projects import environments, projects
from headway.infra.db.tables.schedules import schedules
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import services
from headway.infra.db.tables.timers import ticks
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_c, _s, _e, _p, _t = schedules.c, services.c, environments.c, projects.c, ticks.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSchedule:
    """A schedule without what it runs. ``target_name`` is what the service or the server is called, None for the
    panel's machine; ``place`` is where the service lies, None for a machine. At ``missed_at`` it was last due with no
    panel there (None: never, as far as that is kept).
    """

    schedule_id: str
    name: str
    description: str | None
    target: ScheduleTarget
    target_id: str | None
    target_name: str | None
    service_name: str | None
    place: ServicePlace | None
    missed_at: datetime | None


def ids(organization_id: str) -> Select[tuple[str]]:
    """Selects the schedules of an organisation."""
    return select(_c.schedule_id).where(_c.organization_id == organization_id, _c.deleted_at.is_(None))


def of_organization(tx: Tx, organization_id: str) -> list[ListedSchedule]:
    """An organisation's schedules whose service or server is there, by name."""
    mine = (_c.organization_id == organization_id, _c.deleted_at.is_(None))
    return [_listed(row) for row in tx.execute(_ALL.where(*mine)) if _is_there(row)]


_IN_SERVICE = and_(_c.target.in_(SERVICES), _s.service_id == _c.target_id, _s.deleted_at.is_(None))
_ON_SERVER = and_(_c.target == ScheduleTarget.SERVER, servers.c.server_id == _c.target_id)
_OF_IT = (_t.subject_type == SubjectType.SCHEDULE, _t.subject_id == _c.schedule_id)
_MISSED_AT = select(func.max(_t.due_at)).where(*_OF_IT, _t.fate == Fate.MISSED).correlate(schedules).scalar_subquery()
_ALL: Select[Any] = (
    select(
        *(_c.schedule_id, _c.name, _c.description, _c.target, _c.target_id, _c.service_name, _c.organization_id),
        *(_s.name.label("inside"), _s.project_id, _s.environment_id, servers.c.name.label("server_name")),
        *(_e.name.label("environment_name"), _p.name.label("project_name"), _MISSED_AT.label("missed_at")),
    )
    .outerjoin(services, _IN_SERVICE)
    .outerjoin(environments, _e.environment_id == _s.environment_id)
    .outerjoin(projects, _p.project_id == _s.project_id)
    .outerjoin(servers, _ON_SERVER)
    .order_by(_c.name, _c.schedule_id)
)


def _is_there(row: Row[Any]) -> bool:
    return row.target == ScheduleTarget.PANEL or row.inside is not None or row.server_name is not None


def _listed(row: Row[Any]) -> ListedSchedule:
    place = None
    if row.inside is not None:
        place = ServicePlace(
            environment_id=row.environment_id,
            environment_name=row.environment_name,
            project_id=row.project_id,
            project_name=row.project_name,
            organization_id=row.organization_id,
        )
    return ListedSchedule(
        schedule_id=row.schedule_id,
        name=row.name,
        description=row.description,
        target=ScheduleTarget(row.target),
        target_id=row.target_id,
        target_name=row.inside or row.server_name,
        service_name=row.service_name,
        place=place,
        missed_at=row.missed_at,
    )
