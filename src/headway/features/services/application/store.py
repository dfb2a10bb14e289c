"""Applications, their releases, ports and accounts in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, func, insert, or_, select, update

from headway.core.access import accounts_store, allowances
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.features.edge import domain_snapshots, domains_store, middlewares_store
from headway.features.edge.route_target import RouteTargetFacts
from headway.features.services import hooks_store
from headway.features.services.application.model import (
    Application,
    ApplicationRelease,
    AppSettings,
    AppStatus,
    DesiredState,
    ReleaseState,
    read_health,
)
from headway.infra.db.tables.applications import applications, ports, releases
from headway.infra.db.tables.composes import composes
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault

_a = applications.c
_r = releases.c
_d = deployments.c
_OF_APPLICATIONS = _d.subject_type.in_((SubjectType.APPLICATION, SubjectType.PREVIEW, SubjectType.DATABASE))
_PLAIN = and_(_a.preview_of.is_(None), _a.database.is_(None))
_EVERY = select(applications).where(_a.deleted_at.is_(None), _PLAIN).order_by(_a.created_at, _a.application_id)
_BY_ID = select(applications).where(_a.application_id == bindparam("application_id"), _a.deleted_at.is_(None))
_COLUMNS = (
    *("application_id", "organization_id", "project_id", "environment_id", "host_id", "name", "app_name"),
    *("description", "status", "wanted", "serving_release_id", "settings", "env", "build_uid", "run_uid"),
    *("created_at", "preview_of", "build_host_id", "database"),
)
_HOST_NAME = func.coalesce(_a.host_name, _a.app_name)
_SETTINGS = select(_a.settings).where(_a.application_id == bindparam("application_id"), _a.deleted_at.is_(None))


class ApplicationNotFound(NotFound):
    """No such application, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Application not found")


def find(tx: Tx, application_id: str, vault: Vault) -> Application:
    """The application with this id. Raises ApplicationNotFound."""
    row = tx.execute(_BY_ID, {"application_id": application_id}).one_or_none()
    if row is None:
        raise ApplicationNotFound
    return _application(row, vault)


def of_environment(tx: Tx, environment_id: str, vault: Vault) -> list[Application]:
    """An environment's applications, the oldest first."""
    rows = tx.execute(_EVERY.where(_a.environment_id == environment_id))
    return [_application(row, vault) for row in rows]


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Application]:
    """An organisation's applications, the oldest first."""
    rows = tx.execute(_EVERY.where(_a.organization_id == organization_id))
    return [_application(row, vault) for row in rows]


def every(tx: Tx, vault: Vault) -> list[Application]:
    """All applications and databases of all organisations, without previews; also in the schema of the version before,
    so by the names of their columns.
    """
    columns = (_a[each] for each in _COLUMNS)
    rows = tx.execute(select(*columns).where(_a.deleted_at.is_(None), _a.preview_of.is_(None)).order_by(_a.name))
    return [_application(row, vault) for row in rows]


def being_deleted(tx: Tx, host_id: str, vault: Vault) -> list[Application]:
    """Applications of a host whose deletion has begun and not ended, of which nothing waits or runs any more."""
    of_them = or_(_OF_APPLICATIONS, _d.subject_type == SubjectType.RUN)
    busy = select(_d.subject_id).where(or_(PENDING, RUNNING), of_them)
    mine = (_a.host_id == host_id, _a.deleted_at.is_not(None), _a.application_id.not_in(busy))
    rows = tx.execute(select(applications).where(*mine))
    return [_application(row, vault) for row in rows]


def ending(tx: Tx) -> list[str]:
    """The previews whose deletion has begun, of which something waits or runs still."""
    busy = select(_d.subject_id).where(or_(PENDING, RUNNING), _d.subject_type == SubjectType.PREVIEW)
    mine = (_a.preview_of.is_not(None), _a.deleted_at.is_not(None), _a.application_id.in_(busy))
    return list(tx.execute(select(_a.application_id).where(*mine)).scalars())


def previews_of(tx: Tx, application_id: str, vault: Vault) -> list[Application]:
    """What there is of an application's pull requests, those too whose deletion has begun."""
    rows = tx.execute(select(applications).where(_a.preview_of == application_id))
    return [_application(row, vault) for row in rows]


def host_of(tx: Tx, application_id: str) -> str | None:
    """The host of an application, also of one that is being deleted; None where there is none."""
    found: str | None = tx.scalar(select(_a.host_id).where(_a.application_id == application_id))
    return found


def named_on(tx: Tx, host_id: str) -> list[str]:
    """The names of the applications of a host."""
    return list(tx.execute(select(_a.name).where(_a.host_id == host_id).order_by(_a.name)).scalars())


def hosts_in_use(tx: Tx) -> list[str]:
    """The hosts that have an application."""
    return list(tx.execute(select(_a.host_id).distinct()).scalars())


def at_rest(tx: Tx, host_id: str) -> list[tuple[str, DesiredState, str | None, str]]:
    """(id, what is wanted, release that serves, what it runs in) of every application of a host that nothing is being
    deployed to.
    """
    busy = select(_d.subject_id).where(RUNNING, _OF_APPLICATIONS)
    columns = (_a.application_id, _a.wanted, _a.serving_release_id, _r.runtime)
    joined = select(*columns).outerjoin(releases, _r.release_id == _a.serving_release_id)
    mine = (_a.host_id == host_id, _a.deleted_at.is_(None), _a.application_id.not_in(busy))
    rows = tx.execute(joined.where(*mine))
    return [(row.application_id, DesiredState(row.wanted), row.serving_release_id, row.runtime or "") for row in rows]


def is_at_rest(tx: Tx, application_id: str) -> bool:
    """Whether nothing is being deployed to the application now."""
    mine = (RUNNING, _OF_APPLICATIONS, _d.subject_id == application_id)
    return tx.execute(select(deployments.c.seq).where(*mine).limit(1)).first() is None


def is_wanted(tx: Tx, application_id: str) -> bool:
    """Whether the application is wanted up."""
    return bool(tx.scalar(select(_a.wanted).where(_a.application_id == application_id)) == DesiredState.UP)


def owner(tx: Tx, application_id: str) -> Owner | None:
    """Whose an application is, None when there is none; a preview or a database is none."""
    columns, mine = (_a.organization_id, _a.project_id), (_a.application_id == application_id, _PLAIN)
    row = tx.execute(select(*columns).where(*mine, _a.deleted_at.is_(None))).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def front(tx: Tx, application_id: str, *, led: bool = False) -> RouteTargetFacts | None:
    """What an application is to those who come, None when there is none; with ``led`` a database is none."""
    columns = (_a.organization_id, _a.project_id, _a.app_name, _HOST_NAME.label("host_name"), _a.created_at)
    mine = (_a.application_id == application_id, _a.deleted_at.is_(None), *((_a.database.is_(None),) if led else ()))
    row = tx.execute(select(*columns).where(*mine)).one_or_none()
    if row is None:
        return None
    whose = Owner(organization_id=row.organization_id, project_id=row.project_id)
    return RouteTargetFacts(owner=whose, app_name=row.app_name, host_name=row.host_name, created_at=row.created_at)


def named(tx: Tx, host_name: str) -> str | None:
    """The application that is reached by this name below the base domain, of whomever."""
    by_its_own = and_(_a.host_name.is_(None), _a.app_name == host_name)
    found: str | None = tx.scalar(select(_a.application_id).where(or_(_a.host_name == host_name, by_its_own)))
    return found


def app_name_is_taken(tx: Tx, app_name: str) -> bool:
    """Whether a service of either kind, of whomever, is called so."""
    tables = (applications, composes)
    return any(tx.execute(select(each.c.name).where(each.c.app_name == app_name)).first() for each in tables)


def add(tx: Tx, application: Application, vault: Vault) -> None:
    """Adds an application."""
    accounts_store.new_of_git(tx, application.application_id)
    tx.execute(
        insert(applications).values(
            application_id=application.application_id,
            organization_id=application.organization_id,
            project_id=application.project_id,
            environment_id=application.environment_id,
            host_id=application.host_id,
            name=application.name,
            app_name=application.app_name,
            host_name=application.host_name,
            description=application.description,
            status=application.status,
            wanted=application.wanted,
            settings=kept(application.settings, vault),
            env=vault.seal(application.env),
            build_uid=application.build_uid,
            run_uid=application.run_uid,
            created_at=application.created_at,
            preview_of=application.preview_of,
            build_host_id=application.build_host_id,
            database=application.database,
        )
    )


def kept(settings: AppSettings, vault: Vault) -> dict[str, str]:
    """Settings as the database holds them: sealed, for a repository's address and the fields that are only given back
    (build secrets, a registry's password) may hold what nobody is to read.
    """
    return {"sealed": vault.seal(settings.dump())}


def settings_of(tx: Tx, application_id: str, vault: Vault) -> AppSettings | None:
    """The settings of an application, None where it is gone."""
    found = tx.scalar(_SETTINGS, {"application_id": application_id})
    return None if found is None else AppSettings.load(vault.open(found["sealed"]))


def set_fields(tx: Tx, application_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one application."""
    tx.execute(update(applications).where(_a.application_id == application_id).values(**fields))


def begin_deletion(tx: Tx, application_id: str) -> None:
    """From here on the application is gone for everybody; what it holds is cleared after the commit, or by the next
    start of the panel.
    """
    all_of_it = (_a.application_id == application_id) | (_a.preview_of == application_id)
    tx.execute(update(applications).where(all_of_it).values(wanted=DesiredState.DOWN, deleted_at=tx.now))


def remove(tx: Tx, application_id: str) -> None:
    """Deletes an application and what is recorded of its releases."""
    allowances.forget(tx, application_id)
    middlewares_store.forget(tx, application_id)
    domains_store.forget(tx, SubjectType.APPLICATION, application_id)
    hooks_store.forget(tx, SubjectType.APPLICATION, application_id)
    tx.execute(delete(ports).where(ports.c.application_id == application_id))
    tx.execute(delete(releases).where(_r.application_id == application_id))
    tx.execute(delete(applications).where(_a.application_id == application_id))


# Releases.


def add_release(tx: Tx, release: ApplicationRelease, spec: str) -> None:
    """Adds a release that is being started, with its sealed snapshot; nothing happens if it is there already."""
    if tx.execute(select(_r.release_id).where(_r.release_id == release.release_id)).first() is None:
        tx.execute(
            insert(releases).values(
                release_id=release.release_id,
                seq=next_release(tx, release.application_id),
                application_id=release.application_id,
                host_id=release.host_id,
                deployment_id=release.deployment_id,
                state=release.state,
                folder=release.folder,
                runtime=release.runtime,
                port=release.port,
                more_ports=list(release.more_ports),
                bytes=release.bytes,
                spec=spec,
                origin=release.origin,
                image=release.image,
                commit_hash=release.commit_hash,
                created_at=tx.now,
            )
        )


def next_release(tx: Tx, application_id: str) -> int:
    """The number of an application's next release."""
    last = tx.scalar(select(func.max(_r.seq)).where(_r.application_id == application_id))
    return (last or 0) + 1


def release(tx: Tx, release_id: str) -> ApplicationRelease | None:
    """The release with this id."""
    row = tx.execute(select(releases).where(_r.release_id == release_id)).one_or_none()
    return None if row is None else _release(row)


def spec_of(tx: Tx, release_id: str) -> str:
    """The sealed snapshot of a release; "" where there is none."""
    found: str | None = tx.scalar(select(_r.spec).where(_r.release_id == release_id))
    return found or ""


def serving(tx: Tx, application_id: str) -> ApplicationRelease | None:
    """The release that serves an application, or would if it were wanted."""
    mine = (_r.application_id == application_id, _r.state == ReleaseState.SERVING)
    row = tx.execute(select(releases).where(*mine)).one_or_none()
    return None if row is None else _release(row)


def releases_of(tx: Tx, application_id: str) -> list[ApplicationRelease]:
    """An application's releases, the newest first."""
    rows = tx.execute(select(releases).where(_r.application_id == application_id).order_by(_r.seq.desc()))
    return [_release(row) for row in rows]


def any_in_containers(tx: Tx) -> bool:
    """Whether there is a release that is no process of its host."""
    return tx.scalar(select(_r.seq).where(_r.runtime != "native").limit(1)) is not None


def every_release(tx: Tx) -> list[ApplicationRelease]:
    """All releases."""
    return [_release(row) for row in tx.execute(select(releases))]


def with_releases(tx: Tx, deployment_ids: Collection[str]) -> list[str]:
    """Those of these deployments whose release is still there."""
    return list(tx.execute(select(_r.deployment_id).where(_r.deployment_id.in_(deployment_ids))).scalars())


def due_to_retire(tx: Tx, host_id: str) -> list[ApplicationRelease]:
    """The releases of a host whose drain is over."""
    due = (_r.host_id == host_id, _r.state == ReleaseState.RETIRING, _r.retire_at <= tx.now)
    return [_release(row) for row in tx.execute(select(releases).where(*due))]


def make_serving(
    tx: Tx, application_id: str, release_id: str, drain: timedelta, led: domain_snapshots.Domains | None = None
) -> None:
    """The release serves from now on; the one before retires once its drain is over, and the domains that ``led`` to it
    are kept with it: those of now, unless they are others already.
    """
    if led is None:
        led = domain_snapshots.wishes_of(tx, SubjectType.APPLICATION, application_id)
    tx.execute(
        update(releases)
        .where(_r.application_id == application_id, _r.state == ReleaseState.SERVING, _r.release_id != release_id)
        .values(state=ReleaseState.RETIRING, retire_at=tx.now + drain, domains=led)
    )
    tx.execute(update(releases).where(_r.release_id == release_id).values(state=ReleaseState.SERVING, retire_at=None))
    set_fields(tx, application_id, serving_release_id=release_id, wanted=DesiredState.UP)


def retired(tx: Tx, release_id: str) -> None:
    """The release's processes are gone and its ports are free."""
    gone = {"state": ReleaseState.RETIRED, "port": None, "more_ports": None}
    tx.execute(delete(ports).where(ports.c.release_id == release_id))
    tx.execute(update(releases).where(_r.release_id == release_id).values(**gone))


def remove_release(tx: Tx, release_id: str) -> None:
    """Nothing is left of the release."""
    tx.execute(delete(ports).where(ports.c.release_id == release_id))
    tx.execute(delete(releases).where(_r.release_id == release_id))


def _application(row: Row[Any], vault: Vault) -> Application:
    plain = {name: getattr(row, name) for name in _COLUMNS}
    opened: dict[str, Any] = {"settings": AppSettings.load(vault.open(row.settings["sealed"]))}
    opened |= {"env": vault.open(row.env), "host_name": getattr(row, "host_name", None) or row.app_name}
    return Application(**{**plain, **opened, "status": AppStatus(row.status), "wanted": DesiredState(row.wanted)})


def _release(row: Row[Any]) -> ApplicationRelease:
    retire_at: datetime | None = row.retire_at
    return ApplicationRelease(
        release_id=row.release_id,
        seq=row.seq,
        application_id=row.application_id,
        host_id=row.host_id,
        deployment_id=row.deployment_id,
        state=ReleaseState(row.state),
        folder=row.folder,
        runtime=row.runtime,
        port=row.port,
        more_ports=tuple(row.more_ports or ()),
        bytes=row.bytes,
        commit_hash=row.commit_hash,
        retire_at=retire_at,
        created_at=row.created_at,
        origin=row.origin,
        image=row.image,
        missing=row.missing,
        domains=row.domains,
        health=read_health(row.health),
    )
