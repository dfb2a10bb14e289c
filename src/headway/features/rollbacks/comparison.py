"""What a deployment has changed: its commit and its configuration, held against what served before it."""

from __future__ import annotations

from collections.abc import Sequence

from headway.core.access.model import Actor
from headway.core.access.policy import Noun, Permission, permit
from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment
from headway.core.deployments.subjects import service_of
from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.comparison_links import comparison_link
from headway.features.git import providers_store
from headway.features.git.provider_repository import provided
from headway.features.rollbacks import store
from headway.features.rollbacks.store import ServedRelease
from headway.features.services.kinds import ServiceKinds
from headway.features.services.rollback_differences import Difference, NamedRelease
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRelease:
    """A release with the deployment that left it, which may be gone (None)."""

    release: NamedRelease
    deployment_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedDeployment:
    """``before`` is what served when it began (None: nothing, or nobody knows), ``after`` what it left (None: nothing
    yet, or nothing at all); ``differences`` are None where they are not known. ``commits`` are the two that were
    deployed, as far as they are known, and ``link`` leads to what lies between them.
    """

    deployment_id: str
    before: ComparedRelease | None
    after: ComparedRelease | None
    commits: tuple[str | None, str | None]
    link: str | None
    differences: Sequence[Difference] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentComparison:
    """What callers may ask of what a deployment has changed."""

    db: Database
    kinds: ServiceKinds

    async def compare(self, actor: Actor, permission: Permission, deployment_id: str) -> ComparedDeployment:
        """What it changed. Raises NotFound, Forbidden."""

        def look(tx: Tx) -> ComparedDeployment:
            found = deployments.find(tx, deployment_id)
            service_id = service_of(found.subject_type, found.subject_id)
            permit(
                actor,
                permission,
                found.organization_id,
                found.project_id,
                service_id=service_id,
                noun=Noun.DEPLOYMENT,
            )
            return self._compared(tx, found)

        return await self.db.read(look)

    def _compared(self, tx: Tx, found: Deployment) -> ComparedDeployment:
        is_service = found.subject_type in self.kinds.by_type
        after = store.left_at(tx, found.subject_id, found.deployment_id) if is_service else None
        before = None
        if is_service:
            began = found.started_at or found.finished_at or tx.now
            before = store.served_before(tx, found.subject_id, after, began)
        commits = (
            None if before is None else _commit(tx, before),
            found.commit_hash or (None if after is None else _commit(tx, after)),
        )
        differences = None
        if before is not None and after is not None:
            form = self.kinds.by_type[found.subject_type].rollbacks
            differences = form.between(tx, before.release_id, after.release_id)
        return ComparedDeployment(
            deployment_id=found.deployment_id,
            before=None if before is None else _compared_release(tx, before),
            after=None if after is None else _compared_release(tx, after),
            commits=commits,
            link=self._link(tx, found, *commits) if is_service else None,
            differences=differences,
        )

    def _link(self, tx: Tx, found: Deployment, before: str | None, after: str | None) -> str | None:
        """What lies between the two. A forge shows what the second has beyond the first: of what goes back to a commit
        that was deployed earlier, what it takes back, for the other way round it would show none.
        """
        if before is None or after is None:
            return None
        first_before, first_after = (store.first_version(tx, found.subject_id, each) for each in (before, after))
        if first_before is not None and first_after is not None and first_after < first_before:
            before, after = after, before
        try:
            settings = self.kinds.find(tx, found.subject_type, found.subject_id).settings
        except NotFound:
            return None
        repository = provided(settings.source_type, settings.extra)
        if repository is None:
            return comparison_link(settings.git.url or "", before, after)
        try:
            url = providers_store.find(tx, repository.provider_id).url
        except NotFound:
            return None
        return comparison_link(f"{url.rstrip('/')}/{repository.path}", before, after, ForgeName(repository.forge))


def _commit(tx: Tx, release: ServedRelease) -> str | None:
    """The commit of a release: what its row names may be the digest of an archive, which its deployment knows."""
    try:
        return deployments.find(tx, release.deployment_id).commit_hash
    except deployments.DeploymentNotFound:
        return release.commit_hash


def _compared_release(tx: Tx, row: ServedRelease) -> ComparedRelease:
    commit = deployments.commit_of(tx, row.deployment_id) or {}
    try:
        deployment_id: str | None = deployments.find(tx, row.deployment_id).deployment_id
    except deployments.DeploymentNotFound:
        deployment_id = None
    made = NamedRelease(
        release_id=row.release_id,
        version=row.version,
        image=row.image,
        commit_hash=commit.get("hash") or row.commit_hash,
        commit_subject=commit.get("subject") or None,
    )
    return ComparedRelease(release=made, deployment_id=deployment_id)
