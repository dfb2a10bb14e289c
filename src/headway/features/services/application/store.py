"""What applications and databases read out of the rows of services and their releases, and write into them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, exists, or_, select

from headway.core.deployments.model import SubjectType
from headway.features.services import releases_store, store
from headway.features.services.application.model import AppSettings
from headway.features.services.model import APPLICATIONS, Release, ReleaseState
from headway.infra.db.tables.services import COMPOSE, ports, releases
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound

_r = releases.c
_newer = releases.alias()
_AHEAD = timedelta(minutes=5)
_RELEASES = select(releases).where(_r.runtime != COMPOSE)


class ApplicationNotFound(NotFound):
    """No such application, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Application not found")


APPLICATION_READER = store.ServiceReader(
    kind=SubjectType.APPLICATION, kinds=APPLICATIONS, load=AppSettings.load, missing=ApplicationNotFound
)
find = APPLICATION_READER.find
of_environment = APPLICATION_READER.of_environment
of_organization = APPLICATION_READER.of_organization
every = APPLICATION_READER.every
being_deleted = APPLICATION_READER.being_deleted
settings_of = APPLICATION_READER.settings_of


# Releases.


def add_release(tx: Tx, release: Release, record: str) -> None:
    """Adds a release that is being started, with its sealed snapshot; nothing happens if it is there already."""
    if releases_store.find(tx, release.release_id) is None:
        releases_store.add(
            tx,
            release.release_id,
            release.service_id,
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


def release(tx: Tx, release_id: str) -> Release | None:
    """The release with this id."""
    return _release_of(releases_store.find(tx, release_id))


def spec_of(tx: Tx, release_id: str) -> str:
    """The sealed snapshot of a release; "" where there is none."""
    found: str | None = tx.scalar(select(_r.record).where(_r.release_id == release_id, _r.runtime != COMPOSE))
    return found or ""


def serving(tx: Tx, application_id: str) -> Release | None:
    """The release that serves an application, or would if it were wanted."""
    return _release_of(releases_store.serving(tx, application_id))


def releases_of(tx: Tx, application_id: str) -> list[Release]:
    """An application's releases, the newest first."""
    return [each for each in releases_store.of_service(tx, application_id) if each.runtime != COMPOSE]


def any_in_containers(tx: Tx) -> bool:
    """Whether there is a release that is no process of its host."""
    return tx.scalar(select(_r.seq).where(_r.runtime.not_in(("native", COMPOSE))).limit(1)) is not None


def every_release(tx: Tx) -> list[Release]:
    """All releases."""
    return [releases_store.release_of(row) for row in tx.execute(_RELEASES)]


def due_to_retire(tx: Tx, host_id: str) -> list[Release]:
    """The releases of a host whose drain is over, or has an end by a clock that was ahead."""
    newer = _newer.c
    ahead = (newer.state == ReleaseState.SERVING, newer.serving_since > tx.now + _AHEAD)
    is_over = or_(_r.retire_at <= tx.now, exists().where(newer.service_id == _r.service_id, *ahead))
    due = (_r.host_id == host_id, _r.state == ReleaseState.RETIRING, is_over)
    return [releases_store.release_of(row) for row in tx.execute(_RELEASES.where(*due))]


def retired(tx: Tx, release_id: str) -> None:
    """The release's processes are gone and its ports are free."""
    tx.execute(delete(ports).where(ports.c.release_id == release_id))
    releases_store.set_fields(tx, release_id, state=ReleaseState.RETIRED, port=None, more_ports=None)


def _release_of(row: Row[Any] | None) -> Release | None:
    return None if row is None or row.runtime == COMPOSE else releases_store.release_of(row)
