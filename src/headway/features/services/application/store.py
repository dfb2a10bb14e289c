"""What applications and databases read out of the rows of services and their releases, and write into them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select

from headway.core.deployments.model import SubjectType
from headway.features.services import releases_store, store
from headway.features.services.application.model import Application, ApplicationRelease, AppSettings, read_health
from headway.features.services.model import APPLICATIONS, DesiredState, ReleaseState, ServiceStatus
from headway.infra.db.tables.services import COMPOSE, ports, releases
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault

_KIND = SubjectType.APPLICATION
_r = releases.c
_RELEASES = select(releases).where(_r.runtime != COMPOSE)
_PLAIN = (
    *("organization_id", "project_id", "environment_id", "host_id", "name", "app_name"),
    *("description", "serving_release_id", "build_uid", "run_uid", "created_at", "preview_of"),
    *("build_host_id", "database"),
)
_PLAIN_OF_A_RELEASE = (
    *("release_id", "seq", "host_id", "deployment_id", "folder", "runtime", "port", "bytes", "commit_hash"),
    *("retire_at", "created_at", "origin", "image", "missing", "domains"),
)


class ApplicationNotFound(NotFound):
    """No such application, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Application not found")


def find(tx: Tx, application_id: str, vault: Vault) -> Application:
    """The application with this id. Raises ApplicationNotFound."""
    row = store.find(tx, application_id, APPLICATIONS)
    if row is None:
        raise ApplicationNotFound
    return _application(row, vault)


def of_environment(tx: Tx, environment_id: str, vault: Vault) -> list[Application]:
    """An environment's applications, the oldest first."""
    return [_application(row, vault) for row in store.of_environment(tx, environment_id, _KIND)]


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Application]:
    """An organisation's applications, the oldest first."""
    return [_application(row, vault) for row in store.of_organization(tx, organization_id, _KIND)]


def every(tx: Tx, vault: Vault) -> list[Application]:
    """All applications and databases of all organisations, without previews."""
    return [_application(row, vault) for row in store.every(tx, APPLICATIONS)]


def being_deleted(tx: Tx, host_id: str, vault: Vault) -> list[Application]:
    """Applications of a host whose deletion has begun and not ended, of which nothing waits or runs any more."""
    return [_application(row, vault) for row in store.being_deleted(tx, APPLICATIONS, at_rest_on=host_id)]


def previews_of(tx: Tx, application_id: str, vault: Vault) -> list[Application]:
    """What there is of an application's pull requests, those too whose deletion has begun."""
    return [_application(row, vault) for row in store.previews_of(tx, application_id)]


def settings_of(tx: Tx, application_id: str, vault: Vault) -> AppSettings | None:
    """The settings of an application, None where it is gone."""
    found = store.settings_of(tx, application_id, vault)
    return None if found is None else AppSettings.load(found)


def add(tx: Tx, application: Application, vault: Vault) -> None:
    """Adds an application."""
    store.add(
        tx,
        vault,
        application.application_id,
        SubjectType.APPLICATION if application.database is None else SubjectType.DATABASE,
        settings=application.settings,
        env=application.env,
        status=application.status,
        wanted=application.wanted,
        host_name=application.host_name,
        **{name: getattr(application, name) for name in _PLAIN if name != "serving_release_id"},
    )


# Releases.


def add_release(tx: Tx, release: ApplicationRelease, record: str) -> None:
    """Adds a release that is being started, with its sealed snapshot; nothing happens if it is there already."""
    if releases_store.find(tx, release.release_id) is None:
        releases_store.add(
            tx,
            release.release_id,
            release.application_id,
            host_id=release.host_id,
            deployment_id=release.deployment_id,
            state=release.state,
            folder=release.folder,
            runtime=release.runtime,
            port=release.port,
            more_ports=list(release.more_ports),
            bytes=release.bytes,
            record=record,
            origin=release.origin,
            image=release.image,
            commit_hash=release.commit_hash,
        )


def release(tx: Tx, release_id: str) -> ApplicationRelease | None:
    """The release with this id."""
    return _release_of(releases_store.find(tx, release_id))


def spec_of(tx: Tx, release_id: str) -> str:
    """The sealed snapshot of a release; "" where there is none."""
    found: str | None = tx.scalar(select(_r.record).where(_r.release_id == release_id, _r.runtime != COMPOSE))
    return found or ""


def serving(tx: Tx, application_id: str) -> ApplicationRelease | None:
    """The release that serves an application, or would if it were wanted."""
    return _release_of(releases_store.serving(tx, application_id))


def releases_of(tx: Tx, application_id: str) -> list[ApplicationRelease]:
    """An application's releases, the newest first."""
    return [_release(row) for row in releases_store.of_service(tx, application_id) if row.runtime != COMPOSE]


def any_in_containers(tx: Tx) -> bool:
    """Whether there is a release that is no process of its host."""
    return tx.scalar(select(_r.seq).where(_r.runtime.not_in(("native", COMPOSE))).limit(1)) is not None


def every_release(tx: Tx) -> list[ApplicationRelease]:
    """All releases."""
    return [_release(row) for row in tx.execute(_RELEASES)]


def due_to_retire(tx: Tx, host_id: str) -> list[ApplicationRelease]:
    """The releases of a host whose drain is over."""
    due = (_r.host_id == host_id, _r.state == ReleaseState.RETIRING, _r.retire_at <= tx.now)
    return [_release(row) for row in tx.execute(_RELEASES.where(*due))]


def retired(tx: Tx, release_id: str) -> None:
    """The release's processes are gone and its ports are free."""
    tx.execute(delete(ports).where(ports.c.release_id == release_id))
    releases_store.set_fields(tx, release_id, state=ReleaseState.RETIRED, port=None, more_ports=None)


def _application(row: Row[Any], vault: Vault) -> Application:
    return Application(
        application_id=row.service_id,
        **{name: getattr(row, name) for name in _PLAIN},
        host_name=row.host_name or row.app_name,
        status=ServiceStatus(row.status),
        wanted=DesiredState(row.wanted),
        settings=AppSettings.load(vault.open(row.settings["sealed"])),
        env=vault.open(row.env),
    )


def _release_of(row: Row[Any] | None) -> ApplicationRelease | None:
    return None if row is None or row.runtime == COMPOSE else _release(row)


def _release(row: Row[Any]) -> ApplicationRelease:
    return ApplicationRelease(
        application_id=row.service_id,
        **{name: getattr(row, name) for name in _PLAIN_OF_A_RELEASE},
        state=ReleaseState(row.state),
        more_ports=tuple(row.more_ports or ()),
        health=read_health(row.health),
    )
