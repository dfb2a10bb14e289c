"""Which releases of a service are kept: one rule for whoever clears away anything that a release needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.features.services import releases_store
from headway.features.services.model import Release, ReleaseState
from headway.features.services.settings import ServiceSettings
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.settings import Settings

# However old or large they are: what serves, and what served before it, so that one can always go back.
_NEVER_TOO_OLD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReleases:
    """How many releases of a service are kept, for how long after they were made, and how many bytes they hold in all;
    None: no bound.
    """

    number: int
    age: timedelta | None = None
    bytes: int | None = None

    def own(self, *, number: int | None, days: float | None, bytes_: int | None) -> KeptReleases:
        """The same with what a service says of its own."""
        age = self.age if days is None else timedelta(days=days)
        return KeptReleases(number=number or self.number, age=age, bytes=self.bytes if bytes_ is None else bytes_)

    @staticmethod
    def of(settings: Settings) -> KeptReleases:
        """What is kept where a service says nothing of its own."""
        return KeptReleases(
            number=settings.keep_releases, age=settings.keep_releases_for, bytes=settings.keep_releases_bytes
        )

    def __str__(self) -> str:
        """What is kept, as the middle of a sentence."""
        return f"the {self.number} releases that are kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A release as the rule sees it. ``seq`` counts a service's releases; ``origin`` is the release whose artifact it
    has, another than itself where a rollback made it. It ``is_needed`` while it starts, serves or drains, or while a
    deployment that waits or runs goes back to it; it ``has_served`` once its deployment was done. ``bytes`` is what it
    holds by itself, as far as that is known.
    """

    release_id: str
    seq: int
    origin: str
    is_needed: bool
    has_served: bool
    made_at: datetime
    bytes: int | None = None


def kept_by(own: ServiceSettings | None, default: KeptReleases) -> KeptReleases:
    """What a service with these settings keeps of its releases; the default for one that is being deleted (None)."""
    if own is None:
        return default
    return default.own(
        number=own.retention.releases, days=own.retention.releases_days, bytes_=own.retention.releases_bytes
    )


def beyond(tx: Tx, kind: SubjectType, service_id: str, keep: KeptReleases) -> list[Release]:
    """The releases that a service of this kind does not keep, the newest first."""
    releases = releases_store.of_service(tx, service_id)
    wanted = store.wanted_releases(tx, kind, service_id)
    staying = kept_of([_holding(each, wanted) for each in releases], keep, tx.now)
    return [each for each in releases if each.release_id not in staying]


def is_needed(tx: Tx, kind: SubjectType, release: Release) -> bool:
    """Whether a release of a service of this kind starts, serves, drains, or is gone back to by what waits or runs."""
    row = releases_store.find(tx, release.release_id)
    wanted = store.wanted_releases(tx, kind, release.service_id)
    return row is not None and _holding(releases_store.release_of(row), wanted).is_needed


def is_shared(tx: Tx, release: Release) -> bool:
    """Whether another release has the same files, which only one of the same service can."""
    releases = releases_store.of_service(tx, release.service_id)
    return any(each.folder == release.folder and each.release_id != release.release_id for each in releases)


def kept_of(releases: Iterable[Holding], keep: KeptReleases, now: datetime) -> frozenset[str]:
    """The ids of those of one service's releases that nobody may clear away: what is needed, and the newest, the one
    that serves among them. What a rollback makes is the artifact that it went back to, and counts with that as one, so
    that going back and forth pushes nothing out: of all that share an artifact the first and the newest stay.
    """
    known = sorted(releases, key=lambda each: -each.seq)
    newest: dict[str, str] = {}
    for each in known:
        if each.has_served:
            newest.setdefault(each.origin, each.release_id)
    by_id = {each.release_id: each for each in known}
    staying = list(_within([by_id[last] for last in newest.values()], keep, now))
    needed = {each.release_id for each in known if each.is_needed}
    return frozenset({*(each.origin for each in staying), *(each.release_id for each in staying), *needed})


def _within(newest: list[Holding], keep: KeptReleases, now: datetime) -> Iterator[Holding]:
    """Those that stay, of the newest of each artifact, the newest first."""
    held = 0
    for place, each in enumerate(newest[: max(keep.number, 1)]):
        held += each.bytes or 0
        is_old = keep.age is not None and each.made_at < now - keep.age
        is_much = keep.bytes is not None and held > keep.bytes
        if place < _NEVER_TOO_OLD or not (is_old or is_much):
            yield each


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
