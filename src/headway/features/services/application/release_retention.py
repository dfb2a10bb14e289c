"""Which releases of an application may be cleared away."""

from __future__ import annotations

from collections.abc import Collection

from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.features.services.application import store
from headway.features.services.model import Release, ReleaseState
from headway.features.services.release_retention import Holding, KeptReleases, kept_of
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def kept_by(tx: Tx, application_id: str, default: KeptReleases, vault: Vault) -> KeptReleases:
    """What an application keeps of its releases; the default for one that is being deleted."""
    own = store.settings_of(tx, application_id, vault)
    if own is None:
        return default
    return default.own(
        number=own.retention.releases, days=own.retention.releases_days, bytes_=own.retention.releases_bytes
    )


def beyond(tx: Tx, application_id: str, keep: KeptReleases) -> list[Release]:
    """The releases that are not kept, the newest first."""
    releases = store.releases_of(tx, application_id)
    wanted = deployments.wanted_releases(tx, SubjectType.APPLICATION, application_id)
    staying = kept_of([_holding(each, wanted) for each in releases], keep, tx.now)
    return [each for each in releases if each.release_id not in staying]


def is_shared(tx: Tx, release: Release) -> bool:
    """Whether another release has the same files."""
    releases = store.releases_of(tx, release.service_id)
    return any(each.folder == release.folder and each.release_id != release.release_id for each in releases)


def _holding(release: Release, wanted: Collection[str]) -> Holding:
    return Holding(
        release_id=release.release_id,
        seq=release.seq,
        origin=release.origin or release.release_id,
        is_needed=release.state is not ReleaseState.RETIRED or release.release_id in wanted,
        has_served=release.state is not ReleaseState.STARTING,
        made_at=release.created_at,
        bytes=release.bytes,
    )
