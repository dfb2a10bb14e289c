"""Use cases of releases: which serve, which wait, which are kept, and what each holds."""

from __future__ import annotations

from headway.core.access import policy
from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission
from headway.core.deployments.model import SubjectType
from headway.drivers.runtimes.contract.runtime import ReleaseStatus
from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.model import Release
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """A release with what it was made of (None: by a version that kept nothing of it) and what of it runs now, or why
    that is ``unknown``.
    """

    release: Release
    snapshot: Snapshot | None
    status: ReleaseStatus
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseService:
    """What callers may ask of releases."""

    db: Database
    vault: Vault
    lifecycle: ApplicationLifecycle

    async def all(self, actor: Actor, permission: Permission, application_id: str) -> list[ReleaseView]:
        """An application's releases, the newest first. Raises Missing."""

        def read(tx: Tx) -> list[tuple[Release, str]]:
            _permit(tx, actor, permission, application_id, Noun.APPLICATION)
            return [(each, store.spec_of(tx, each.release_id)) for each in store.releases_of(tx, application_id)]

        return [await self._view(release, spec) for release, spec in await self.db.read(read)]

    async def one(self, actor: Actor, permission: Permission, release_id: str) -> ReleaseView:
        """One release. Raises Missing."""

        def read(tx: Tx) -> tuple[Release, str]:
            found = store.release(tx, release_id)
            if found is None:
                raise Missing(Noun.RELEASE)
            _permit(tx, actor, permission, found.service_id, Noun.RELEASE)
            return found, store.spec_of(tx, release_id)

        return await self._view(*await self.db.read(read))

    async def _view(self, release: Release, spec: str) -> ReleaseView:
        unknown = None
        try:
            status = await self.lifecycle.driver.runtime(release).status(release.release_id)
        except Unavailable as away:  # what runs of it is not known now; what it is stays known
            status, unknown = ReleaseStatus(release_id=release.release_id, processes=()), away.message
        snapshot = open_snapshot(spec, self.vault)
        return ReleaseView(release=release, snapshot=snapshot, status=status, unknown=unknown)


def _permit(tx: Tx, actor: Actor, permission: Permission, application_id: str, noun: Noun) -> None:
    owner = services_store.owner(tx, application_id, SubjectType.APPLICATION)
    if owner is None:
        raise Missing(noun)
    policy.permit(actor, permission, owner.organization_id, owner.project_id, service_id=application_id, noun=noun)
