"""Which releases of a compose service may be cleared away."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select

from headway.core.deployments.model import SubjectType
from headway.core.deployments.store import wanted_releases
from headway.features.services.compose import store
from headway.features.services.model import ReleaseState
from headway.features.services.release_retention import Holding, KeptReleases, kept_of
from headway.infra.db.tables.services import releases
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_r = releases.c


def kept_by(tx: Tx, compose_id: str, default: KeptReleases, vault: Vault) -> KeptReleases:
    """What a compose service keeps of its releases; the default for one that is being deleted."""
    own = store.settings_of(tx, compose_id, vault)
    return (
        default
        if own is None
        else default.own(number=own.retention.releases, days=own.retention.releases_days, bytes_=None)
    )


def beyond(tx: Tx, compose_id: str, keep: KeptReleases) -> list[tuple[str, str]]:
    """(id, folder) of the releases that are not kept."""
    columns = (_r.release_id, _r.seq, _r.state, _r.folder, _r.origin, _r.created_at)
    rows = tx.execute(select(*columns).where(_r.service_id == compose_id)).all()
    wanted = wanted_releases(tx, SubjectType.COMPOSE, compose_id)
    staying = kept_of([_holding(row, wanted) for row in rows], keep, tx.now)
    return [(row.release_id, row.folder) for row in rows if row.release_id not in staying]


def is_shared(tx: Tx, compose_id: str, release_id: str, folder: str) -> bool:
    """Whether another release has the same files, which only one of the same service can."""
    others = select(_r.release_id).where(_r.service_id == compose_id, _r.folder == folder, _r.release_id != release_id)
    return tx.execute(others.limit(1)).first() is not None


def _holding(row: Row[Any], wanted: Collection[str]) -> Holding:
    return Holding(
        release_id=row.release_id,
        seq=row.seq,
        origin=row.origin or row.release_id,
        is_needed=row.state != ReleaseState.RETIRED or row.release_id in wanted,
        has_served=row.state != ReleaseState.STARTING,
        made_at=row.created_at,
    )
