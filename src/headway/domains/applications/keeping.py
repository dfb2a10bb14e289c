"""Which releases of an application may be cleared away."""

from __future__ import annotations

from headway.domains.applications import store
from headway.domains.applications.model import Release, ReleaseState
from headway.domains.catalog.kept import Holding, kept_of
from headway.infra.db.transaction import Tx


def beyond(tx: Tx, application_id: str, keep: int) -> list[Release]:
    """The releases that are not kept, the newest first."""
    releases = store.releases_of(tx, application_id)
    staying = kept_of([_holding(each) for each in releases], keep)
    return [each for each in releases if each.release_id not in staying]


def _holding(release: Release) -> Holding:
    return Holding(
        release_id=release.release_id,
        seq=release.seq,
        origin=release.release_id,
        is_needed=release.state is not ReleaseState.RETIRED,
        has_served=release.state is not ReleaseState.STARTING,
    )
