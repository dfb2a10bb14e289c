"""Services of every kind beside what serves of each: reads for whoever shows them at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, and_, bindparam, case, select

from headway.core.access.policy import Visibility
from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Status
from headway.features.projects.model import ServicePlace
from headway.features.services.model import DesiredState, ReleaseState, ServiceStatus
from headway.infra.db.tables.access import audit_log
from headway.infra.db.tables.backups import volume_backups
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.edge import domains
from headway.infra.db.tables.projects import environments, projects
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import downtimes, releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_s, _r, _d, _e, _p, _a = services.c, releases.c, deployments.c, environments.c, projects.c, audit_log.c
_m = domains.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingRelease:
    """The release that serves, or would if its service were wanted: ``since`` when (None: nobody wrote it down), what
    it was made of, and what was seen of it when its deployment was done. ``deployment_id`` names a deployment that may
    be gone; then nothing is known of how it answered. Something of it does not run since ``down_since``, as it was seen
    again and again.
    """

    release_id: str
    version: int
    deployment_id: str
    since: datetime | None
    image: str | None
    commit_hash: str | None
    commit_message: str | None
    commit_author: str | None
    commit_branch: str | None
    unstable: bool
    answers: str | None
    done_at: datetime | None
    down_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOverview:
    """A service at a glance: what it is, where it lies and runs (``server_name`` is None of the panel's machine), what
    is wanted of it, and what serves (None: nothing yet). ``reason`` is how the last of its deployments ended, where its
    status is an error (None: that one was done or is gone); its server does not answer since ``away_since``. Since
    ``status_since`` it is held or stopped, or else has its status, as far as anybody wrote that down. ``hosts`` are the
    names of its domains.
    """

    service_id: str
    kind: SubjectType
    database: str | None
    name: str
    app_name: str
    description: str | None
    host_id: str
    server_name: str | None
    status: ServiceStatus
    reason: str | None
    status_since: datetime | None
    wanted: DesiredState
    away_since: datetime | None
    created_at: datetime
    place: ServicePlace
    serving: ServingRelease | None
    hosts: tuple[str, ...] = ()


def find(tx: Tx, service_id: str) -> ServiceOverview | None:
    """The service with this id, None where there is none; a preview is none."""
    row = tx.execute(_ONE, {"service_id": service_id}).one_or_none()
    return None if row is None else _overview(row, _hosts(tx, _m.subject_id == service_id))


def within(tx: Tx, organization_id: str, reach: Visibility) -> list[ServiceOverview]:
    """An organisation's services as far as the reach goes, by project, environment and name."""
    statement = _ALL.where(_s.organization_id == organization_id)
    if not reach.everything:
        given = _s.project_id.in_(reach.projects) | _s.service_id.in_(reach.services)
        statement = statement.where(given)
    if reach.within is not None:
        statement = statement.where(_s.project_id.in_(reach.within))
    hosts = _hosts(tx, _m.organization_id == organization_id)
    return [_overview(row, hosts) for row in tx.execute(statement)]


def deployments_that_left(tx: Tx, service_id: str, most: int) -> Sequence[str]:
    """The deployments that left the newest releases of a service, the newest first."""
    mine = (_r.service_id == service_id, _r.state != ReleaseState.STARTING)
    newest = select(_r.deployment_id).where(*mine).order_by(_r.seq.desc()).limit(most)
    return list(tx.execute(newest).scalars())


def removed_among(tx: Tx, deployment_ids: Sequence[str]) -> frozenset[str]:
    """Those of these deployments that there are no more."""
    if not deployment_ids:
        return frozenset()
    there = tx.execute(select(_d.deployment_id).where(_d.deployment_id.in_(deployment_ids))).scalars()
    return frozenset(deployment_ids) - frozenset(there)


def _hosts(tx: Tx, where: ColumnElement[bool]) -> Mapping[str, tuple[str, ...]]:
    """The names of domains, each once, by the services that have them."""
    found: dict[str, tuple[str, ...]] = {}
    for row in tx.execute(select(_m.subject_id, _m.host).where(where).distinct().order_by(_m.host)):
        found[row.subject_id] = (*found.get(row.subject_id, ()), row.host)
    return found


# Asked only of those whose status it explains: a service may have many deployments.
_OF_IT = (_d.subject_type == _s.kind, _d.subject_id == _s.service_id)
_ENDED = select(_d.reason).where(*_OF_IT, _d.finished_at.is_not(None)).order_by(_d.finished_at.desc(), _d.seq.desc())
# A start that came to nothing leaves an error behind a deployment that was done, and nobody writes down when.
_FAILED_AT = _ENDED.with_only_columns(case((_d.reason.is_not(None), _d.finished_at)))
_UNDER_WAY = select(_d.created_at).where(*_OF_IT, _d.finished_at.is_(None)).order_by(_d.seq)
_STOPPED_AT = (
    select(_a.created_at).where(_a.subject_id == _s.service_id, _a.procedure.like("%.stop")).order_by(_a.seq.desc())
)
_HELD_AT = (
    select(_d.started_at)
    .join(volume_backups, volume_backups.c.volume_backup_id == _d.subject_id)
    .where(volume_backups.c.service_id == _s.service_id, _d.status == Status.RUNNING)
    .order_by(_d.seq)
)


def _first_of(found: Select[Any]) -> ScalarSelect[Any]:
    return found.limit(1).correlate(services).scalar_subquery()


_STATUS_SINCE = case(
    (_s.wanted == DesiredState.HELD, _first_of(_HELD_AT)),
    (and_(_s.wanted == DesiredState.DOWN, _s.serving_release_id.is_not(None)), _first_of(_STOPPED_AT)),
    (_s.status == ServiceStatus.ERROR, _first_of(_FAILED_AT)),
    (_s.status == ServiceStatus.RUNNING, _first_of(_UNDER_WAY)),
)
_OF_SERVICE = (
    *(_s.service_id, _s.kind, _s.database, _s.name, _s.app_name, _s.description, _s.host_id, _s.status, _s.wanted),
    *(_s.created_at, _s.organization_id, _s.project_id, _s.environment_id),
    *(_e.name.label("environment_name"), _p.name.label("project_name"), servers.c.name.label("server_name")),
    *(servers.c.away_since, case((_s.status == ServiceStatus.ERROR, _first_of(_ENDED))).label("reason")),
    _STATUS_SINCE.label("status_since"),
)
_OF_RELEASE = (_r.release_id, _r.seq, _r.deployment_id, _r.serving_since, _r.image, _r.commit_hash)
_OF_DEPLOYMENT = (
    *(_d.commit_message, _d.commit_author, _d.commit_branch, _d.unstable, _d.answers),
    _d.finished_at,
    downtimes.c.since.label("down_since"),
)
_SERVES = and_(_r.service_id == _s.service_id, _r.state == ReleaseState.SERVING)
_LIVE: Select[Any] = (
    select(*_OF_SERVICE, *_OF_RELEASE, *_OF_DEPLOYMENT)
    .join(environments, _e.environment_id == _s.environment_id)
    .join(projects, _p.project_id == _s.project_id)
    .outerjoin(servers, servers.c.server_id == _s.host_id)
    .outerjoin(releases, _SERVES)
    .outerjoin(deployments, _d.deployment_id == _r.deployment_id)
    .outerjoin(downtimes, downtimes.c.release_id == _r.release_id)
    .where(_s.deleted_at.is_(None), _s.preview_of.is_(None))
)
_ONE = _LIVE.where(_s.service_id == bindparam("service_id"))
_ALL = _LIVE.order_by(_p.name, _p.project_id, _e.name, _e.environment_id, _s.name, _s.service_id)


def _overview(row: Row[Any], hosts: Mapping[str, tuple[str, ...]]) -> ServiceOverview:
    return ServiceOverview(
        service_id=row.service_id,
        kind=SubjectType(row.kind),
        database=row.database,
        name=row.name,
        app_name=row.app_name,
        description=row.description,
        host_id=row.host_id,
        server_name=row.server_name,
        status=ServiceStatus(row.status),
        reason=row.reason,
        status_since=row.status_since,
        wanted=DesiredState(row.wanted),
        away_since=row.away_since,
        created_at=row.created_at,
        place=ServicePlace(
            environment_id=row.environment_id,
            environment_name=row.environment_name,
            project_id=row.project_id,
            project_name=row.project_name,
            organization_id=row.organization_id,
        ),
        serving=None if row.release_id is None else _serving(row),
        hosts=hosts.get(row.service_id, ()),
    )


def _serving(row: Row[Any]) -> ServingRelease:
    return ServingRelease(
        release_id=row.release_id,
        version=row.seq,
        deployment_id=row.deployment_id,
        since=row.serving_since,
        image=row.image,
        commit_hash=row.commit_hash,
        commit_message=row.commit_message,
        commit_author=row.commit_author,
        commit_branch=row.commit_branch,
        unstable=bool(row.unstable),
        answers=row.answers,
        done_at=row.finished_at,
        down_since=row.down_since,
    )
