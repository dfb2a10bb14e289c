"""Compose services and their releases in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, func, insert, or_, select, update

from headway.core.access import accounts_store, allowances
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.drivers.runtimes.compose.stack_file import KEPT_IMAGES
from headway.features.edge import domain_snapshots, domains_store
from headway.features.services import hooks_store
from headway.features.services.compose.model import (
    Compose,
    ComposeDesiredState,
    ComposeRelease,
    ComposeReleaseState,
    ComposeSettings,
    ComposeStatus,
    Record,
)
from headway.infra.db.tables.applications import applications
from headway.infra.db.tables.composes import compose_releases, composes
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault

_c = composes.c
_r = compose_releases.c
_LIVE = _c.deleted_at.is_(None)
_OWN = _LIVE & _c.preview_of.is_(None)  # and no preview
_COLUMNS = (
    *("compose_id", "organization_id", "project_id", "environment_id", "host_id", "name", "app_name", "description"),
    *("status", "wanted", "serving_release_id", "settings", "env", "build_uid", "delete_volumes", "created_at"),
    "preview_of",
)
_BY_ID = select(composes).where(_c.compose_id == bindparam("compose_id"), _LIVE)
_MINE = deployments.c.subject_type.in_((SubjectType.COMPOSE, SubjectType.PREVIEW))
_BUSY = (PENDING, RUNNING)


class ComposeNotFound(NotFound):
    """No such compose service, or none that the caller may see."""

    def __init__(self) -> None:
        super().__init__("Compose not found")


def find(tx: Tx, compose_id: str, vault: Vault) -> Compose:
    """The compose service with this id. Raises ComposeNotFound."""
    row = tx.execute(_BY_ID, {"compose_id": compose_id}).one_or_none()
    if row is None:
        raise ComposeNotFound
    return _compose(row, vault)


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Compose]:
    """An organisation's compose services, the oldest first."""
    rows = tx.execute(
        select(composes).where(_c.organization_id == organization_id, _OWN).order_by(_c.created_at, _c.compose_id)
    )
    return [_compose(row, vault) for row in rows]


def of_environment(tx: Tx, environment_id: str, vault: Vault) -> list[Compose]:
    """An environment's compose services, the oldest first."""
    rows = tx.execute(
        select(composes).where(_c.environment_id == environment_id, _OWN).order_by(_c.created_at, _c.compose_id)
    )
    return [_compose(row, vault) for row in rows]


def host_of(tx: Tx, compose_id: str) -> str | None:
    """The host that a compose service is on, also while it is being deleted; None where there is none."""
    found: str | None = tx.scalar(select(_c.host_id).where(_c.compose_id == compose_id))
    return found


def hosts_in_use(tx: Tx) -> list[str]:
    """The hosts that have compose services, those among them that are being deleted."""
    return list(tx.execute(select(_c.host_id).distinct()).scalars())


def every(tx: Tx, vault: Vault) -> list[Compose]:
    """All compose services of all organisations, without previews; also in the schema of the version before, so by the
    names of their columns.
    """
    columns = (_c[each] for each in _COLUMNS)
    return [_compose(row, vault) for row in tx.execute(select(*columns).where(_LIVE, _OWN).order_by(_c.name))]


def being_deleted(tx: Tx, vault: Vault, *, at_rest_on: str | None = None) -> list[Compose]:
    """Compose services whose deletion has begun and not ended; ``at_rest_on``: those on this host for which nothing
    waits or runs.
    """
    unfinished = [select(deployments.c.subject_id).where(state, _MINE) for state in _BUSY]
    quiet = [_c.host_id == at_rest_on, *(_c.compose_id.not_in(each) for each in unfinished)]
    rows = tx.execute(select(composes).where(~_LIVE, *(quiet if at_rest_on is not None else ())))
    return [_compose(row, vault) for row in rows]


def previews_of(tx: Tx, compose_id: str, vault: Vault) -> list[Compose]:
    """What there is of a compose service's pull requests, those too whose deletion has begun."""
    return [_compose(row, vault) for row in tx.execute(select(composes).where(_c.preview_of == compose_id))]


def ending(tx: Tx) -> list[str]:
    """The previews whose deletion has begun, of which something waits or runs still."""
    busy = select(deployments.c.subject_id).where(or_(*_BUSY), deployments.c.subject_type == SubjectType.PREVIEW)
    mine = (_c.preview_of.is_not(None), ~_LIVE, _c.compose_id.in_(busy))
    return list(tx.execute(select(_c.compose_id).where(*mine)).scalars())


def live(tx: Tx, host_id: str) -> set[str]:
    """Every compose service of a host that is not being deleted."""
    return set(tx.execute(select(_c.compose_id).where(_c.host_id == host_id, _LIVE)).scalars())


def at_rest(tx: Tx, host_id: str) -> list[tuple[str, ComposeDesiredState, str | None]]:
    """(id, what is wanted, release that serves) of the compose services of a host that nothing is being deployed to."""
    busy = select(deployments.c.subject_id).where(RUNNING, _MINE)
    columns = (_c.compose_id, _c.wanted, _c.serving_release_id)
    rows = tx.execute(select(*columns).where(_c.host_id == host_id, _LIVE, _c.compose_id.not_in(busy)))
    return [(row.compose_id, ComposeDesiredState(row.wanted), row.serving_release_id) for row in rows]


def is_at_rest(tx: Tx, compose_id: str) -> bool:
    """Whether nothing is being deployed to the compose service now."""
    mine = (RUNNING, _MINE, deployments.c.subject_id == compose_id)
    return tx.execute(select(deployments.c.seq).where(*mine).limit(1)).first() is None


def settings_of(tx: Tx, compose_id: str, vault: Vault) -> ComposeSettings | None:
    """The settings of a compose service, None where it is gone."""
    found = tx.scalar(select(_c.settings).where(_c.compose_id == compose_id, _LIVE))
    return None if found is None else ComposeSettings.load(vault.open(found["sealed"]))


def owner(tx: Tx, compose_id: str) -> Owner | None:
    """Whose a compose service is, None when there is none; a preview is none."""
    columns = (_c.organization_id, _c.project_id)
    row = tx.execute(select(*columns).where(_c.compose_id == compose_id, _OWN)).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def place(tx: Tx, compose_id: str) -> tuple[Owner, datetime] | None:
    """Whose a compose service is, and since when there is it; None when there is none."""
    columns = (_c.organization_id, _c.project_id, _c.created_at)
    row = tx.execute(select(*columns).where(_c.compose_id == compose_id, _LIVE)).one_or_none()
    if row is None:
        return None
    return Owner(organization_id=row.organization_id, project_id=row.project_id), row.created_at


def app_name_is_taken(tx: Tx, app_name: str) -> bool:
    """Whether a service of either kind, of whomever, is called so on the machine."""
    tables = (applications, composes)
    return any(tx.execute(select(each.c.name).where(each.c.app_name == app_name)).first() for each in tables)


def application_named(tx: Tx, host_name: str) -> str | None:
    """The application that is reached by this name below the base domain, of whomever."""
    columns = applications.c
    reached = or_(columns.host_name == host_name, and_(columns.host_name.is_(None), columns.app_name == host_name))
    found: str | None = tx.scalar(select(columns.application_id).where(reached))
    return found


def add(tx: Tx, compose: Compose, vault: Vault) -> None:
    """Adds a compose service."""
    accounts_store.new_of_git(tx, compose.compose_id)
    tx.execute(
        insert(composes).values(
            compose_id=compose.compose_id,
            organization_id=compose.organization_id,
            project_id=compose.project_id,
            environment_id=compose.environment_id,
            host_id=compose.host_id,
            name=compose.name,
            app_name=compose.app_name,
            description=compose.description,
            status=compose.status,
            wanted=compose.wanted,
            settings=kept(compose.settings, vault),
            env=vault.seal(compose.env),
            build_uid=compose.build_uid,
            delete_volumes=compose.delete_volumes,
            created_at=compose.created_at,
            preview_of=compose.preview_of,
        )
    )


def kept(settings: ComposeSettings, vault: Vault) -> dict[str, str]:
    """Settings as the database holds them: sealed, for files and addresses of repositories hold secrets."""
    return {"sealed": vault.seal(settings.dump())}


def set_fields(tx: Tx, compose_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one compose service."""
    tx.execute(update(composes).where(_c.compose_id == compose_id).values(**fields))


def begin_deletion(tx: Tx, compose_id: str, *, delete_volumes: bool) -> None:
    """From here on it is gone for everybody, with its previews, whose volumes are nobody else's; what it holds is
    cleared after the commit, or by the next panel.
    """
    gone = {"wanted": ComposeDesiredState.DOWN, "deleted_at": tx.now}
    tx.execute(update(composes).where(_c.preview_of == compose_id).values(**gone))
    set_fields(tx, compose_id, **gone, delete_volumes=delete_volumes)


def remove(tx: Tx, compose_id: str) -> None:
    """Deletes a compose service and what is recorded of its releases."""
    allowances.forget(tx, compose_id)
    domains_store.forget(tx, SubjectType.COMPOSE, compose_id)
    hooks_store.forget(tx, SubjectType.COMPOSE, compose_id)
    tx.execute(delete(compose_releases).where(_r.compose_id == compose_id))
    tx.execute(delete(composes).where(_c.compose_id == compose_id))


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
    mine = update(compose_releases).where(_r.release_id == release_id)
    if tx.execute(mine.values(**values)).rowcount:
        return
    last = tx.scalar(select(func.max(_r.seq)).where(_r.compose_id == compose_id))
    tx.execute(
        insert(compose_releases).values(
            release_id=release_id,
            seq=(last or 0) + 1,
            compose_id=compose_id,
            deployment_id=release_id,
            state=ComposeReleaseState.STARTING,
            origin=origin,
            created_at=tx.now,
            **values,
        )
    )


def any_release(tx: Tx) -> bool:
    """Whether there is a release at all. It is written down before its first container is made."""
    return tx.scalar(select(_r.release_id).limit(1)) is not None


def with_releases(tx: Tx, deployment_ids: Collection[str]) -> list[str]:
    """Those of these deployments whose release is still there."""
    return list(tx.execute(select(_r.deployment_id).where(_r.deployment_id.in_(deployment_ids))).scalars())


def release(tx: Tx, release_id: str, vault: Vault) -> ComposeRelease | None:
    """The release with this id."""
    row = tx.execute(select(compose_releases).where(_r.release_id == release_id)).one_or_none()
    return None if row is None else _release(row, vault)


def images_of_releases(tx: Tx, compose_id: str, vault: Vault) -> set[str]:
    """The names of the images that the releases of a compose service run, or would."""
    records = tx.execute(select(_r.record).where(_r.compose_id == compose_id)).scalars()
    files = [Record.load(vault.open(record)).file for record in records]
    named = {service["image"] for file in files for service in file["services"].values() if service.get("image")}
    return named | {name for file in files for name in file.get(KEPT_IMAGES, ())}


def held_of_releases(tx: Tx, compose_id: str, vault: Vault) -> set[str]:
    """The names under which a swarm has the configs and secrets of a compose service's releases."""
    records = tx.execute(select(_r.record).where(_r.compose_id == compose_id)).scalars()
    files = [Record.load(vault.open(record)).file for record in records]
    return {
        each["name"]
        for file in files
        for kind in ("configs", "secrets")
        for each in (file.get(kind) or {}).values()
        if (each or {}).get("name")
    }


def commits_of_releases(tx: Tx, compose_id: str) -> list[str | None]:
    """What the releases of a compose service were made of: commits, or the digests of archives."""
    return list(tx.execute(select(_r.commit_hash).where(_r.compose_id == compose_id)).scalars())


def serving(tx: Tx, compose_id: str, vault: Vault) -> ComposeRelease | None:
    """The release that serves, or would if it were wanted."""
    mine = (_r.compose_id == compose_id, _r.state == ComposeReleaseState.SERVING)
    row = tx.execute(select(compose_releases).where(*mine)).one_or_none()
    return None if row is None else _release(row, vault)


def watched(tx: Tx, host_id: str, since: datetime) -> list[tuple[str, str]]:
    """(compose service, deployment) of what serves on a host, whose deployment ended after ``since`` and is not
    unstable yet.
    """
    young = (deployments.c.finished_at >= since, deployments.c.unstable.is_(False))
    rows = tx.execute(
        select(_c.compose_id, deployments.c.deployment_id)
        .join(compose_releases, _r.release_id == _c.serving_release_id)
        .join(deployments, deployments.c.deployment_id == _r.deployment_id)
        .where(_c.host_id == host_id, _c.wanted == ComposeDesiredState.UP, _LIVE, *young)
    )
    return [(row.compose_id, row.deployment_id) for row in rows]


def has_drained(tx: Tx, release_id: str, until: datetime) -> bool:
    """Whether a release has served since before ``until``: what it replaced has answered what it was answering."""
    since = tx.scalar(select(_r.serving_since).where(_r.release_id == release_id))
    return since is not None and since <= until


def make_serving(tx: Tx, compose_id: str, release_id: str, led: domain_snapshots.Domains | None = None) -> None:
    """The release serves from now on, and the one before does not; the domains that ``led`` to that are kept with it:
    those of now, unless they are others already.
    """
    if led is None:
        led = domain_snapshots.wishes_of(tx, SubjectType.COMPOSE, compose_id)
    mine = (_r.compose_id == compose_id, _r.state == ComposeReleaseState.SERVING, _r.release_id != release_id)
    tx.execute(update(compose_releases).where(*mine).values(state=ComposeReleaseState.RETIRED, domains=led))
    now = {"state": ComposeReleaseState.SERVING, "serving_since": tx.now}
    tx.execute(update(compose_releases).where(_r.release_id == release_id).values(**now))
    set_fields(tx, compose_id, serving_release_id=release_id, wanted=ComposeDesiredState.UP)


def remove_release(tx: Tx, release_id: str) -> None:
    """Nothing is left of the release."""
    tx.execute(delete(compose_releases).where(_r.release_id == release_id))


def _compose(row: Row[Any], vault: Vault) -> Compose:
    return Compose(
        compose_id=row.compose_id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        environment_id=row.environment_id,
        host_id=row.host_id,
        name=row.name,
        app_name=row.app_name,
        description=row.description,
        status=ComposeStatus(row.status),
        wanted=ComposeDesiredState(row.wanted),
        serving_release_id=row.serving_release_id,
        settings=ComposeSettings.load(vault.open(row.settings["sealed"])),
        env=vault.open(row.env),
        build_uid=row.build_uid,
        delete_volumes=row.delete_volumes,
        created_at=row.created_at,
        preview_of=row.preview_of,
    )


def _release(row: Row[Any], vault: Vault) -> ComposeRelease:
    return ComposeRelease(
        release_id=row.release_id,
        seq=row.seq,
        compose_id=row.compose_id,
        deployment_id=row.deployment_id,
        state=ComposeReleaseState(row.state),
        folder=row.folder,
        record=Record.load(vault.open(row.record)),
        commit_hash=row.commit_hash,
        created_at=row.created_at,
        origin=row.origin,
        domains=row.domains,
    )
