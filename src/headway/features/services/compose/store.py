"""What compose services read out of the rows of services and their releases, and write into them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from headway.core.deployments.model import SubjectType
from headway.drivers.runtimes.compose.stack_file import KEPT_IMAGES
from headway.features.services import releases_store, store
from headway.features.services.compose.model import ComposeRelease, ComposeSettings, Record
from headway.features.services.model import COMPOSES, DesiredState, ReleaseState
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import COMPOSE, releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault

_KIND = SubjectType.COMPOSE
_c = services.c
_r = releases.c
# By way of the services, which have an index of their kind.
_ANY_RELEASE = select(_r.release_id).join(services, _c.service_id == _r.service_id).where(_c.kind == _KIND).limit(1)


class ComposeNotFound(NotFound):
    """No such compose service, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Compose not found")


COMPOSE_READER = store.ServiceReader(kind=_KIND, kinds=COMPOSES, load=ComposeSettings.load, missing=ComposeNotFound)
find = COMPOSE_READER.find
of_environment = COMPOSE_READER.of_environment
every = COMPOSE_READER.every
being_deleted = COMPOSE_READER.being_deleted
settings_of = COMPOSE_READER.settings_of


# Releases.


def write_release(
    tx: Tx,
    vault: Vault,
    *,
    release_id: str,
    compose_id: str,
    folder: str,
    record: Record,
    commit_hash: str | None,
    origin: str | None = None,
) -> None:
    """Adds the release of a deployment that is under way, or writes down what it consists of by now."""
    values = {"record": vault.seal(record.dump()), "folder": folder, "commit_hash": commit_hash}
    if releases_store.set_fields(tx, release_id, **values):
        return
    releases_store.add(
        tx,
        release_id,
        compose_id,
        host_id=store.host_of(tx, compose_id),
        runtime=COMPOSE,
        deployment_id=release_id,
        state=ReleaseState.STARTING,
        origin=origin,
        **values,
    )


def any_release(tx: Tx) -> bool:
    """Whether there is a release at all. It is written down before its first container is made."""
    return tx.scalar(_ANY_RELEASE) is not None


def release(tx: Tx, release_id: str, vault: Vault) -> ComposeRelease | None:
    """The release with this id."""
    return _release_of(releases_store.find(tx, release_id), vault)


def images_of_releases(tx: Tx, compose_id: str, vault: Vault) -> set[str]:
    """The names of the images that the releases of a compose service run, or would."""
    records = tx.execute(select(_r.record).where(_r.service_id == compose_id)).scalars()
    files = [Record.load(vault.open(record)).file for record in records]
    named = {service["image"] for file in files for service in file["services"].values() if service.get("image")}
    return named | {name for file in files for name in file.get(KEPT_IMAGES, ())}


def held_of_releases(tx: Tx, compose_id: str, vault: Vault) -> set[str]:
    """The names under which a swarm has the configs and secrets of a compose service's releases."""
    records = tx.execute(select(_r.record).where(_r.service_id == compose_id)).scalars()
    files = [Record.load(vault.open(record)).file for record in records]
    return {
        each["name"]
        for file in files
        for kind in ("configs", "secrets")
        for each in (file.get(kind) or {}).values()
        if (each or {}).get("name")
    }


def serving(tx: Tx, compose_id: str, vault: Vault) -> ComposeRelease | None:
    """The release that serves, or would if it were wanted."""
    return _release_of(releases_store.serving(tx, compose_id), vault)


def watched(tx: Tx, host_id: str, since: datetime) -> list[tuple[str, str]]:
    """(compose service, deployment) of what serves on a host, whose deployment ended after ``since`` and is not
    unstable yet.
    """
    young = (deployments.c.finished_at >= since, deployments.c.unstable.is_(False))
    mine = (_c.kind == _KIND, _c.host_id == host_id, _c.wanted == DesiredState.UP, _c.deleted_at.is_(None))
    rows = tx.execute(
        select(_c.service_id, deployments.c.deployment_id)
        .join(releases, _r.release_id == _c.serving_release_id)
        .join(deployments, deployments.c.deployment_id == _r.deployment_id)
        .where(*mine, *young)
    )
    return [(row.service_id, row.deployment_id) for row in rows]


def has_drained(tx: Tx, release_id: str, until: datetime) -> bool:
    """Whether a release has served since before ``until``: what it replaced has answered what it was answering."""
    since = tx.scalar(select(_r.serving_since).where(_r.release_id == release_id))
    return since is not None and since <= until


def _release_of(row: Row[Any] | None, vault: Vault) -> ComposeRelease | None:
    if row is None or row.runtime != COMPOSE:
        return None
    return ComposeRelease(**releases_store.columns_of(row), record=Record.load(vault.open(row.record)))
