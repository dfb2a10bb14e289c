"""Use cases of previews: look, deploy again, approve a fork's, delete."""

from __future__ import annotations

from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, reach
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.latest_runs import LatestRun, latest_runs
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Request, SubjectType, asked_by
from headway.core.deployments.run import Owner
from headway.core.deployments.subjects import NOUNS
from headway.drivers.forges.base import is_whole
from headway.features.previews import store
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.previews.services import Running
from headway.features.services import store as services_store
from headway.features.services.model import ServiceStatus
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOverview:
    """A preview with what runs of it (None: nothing may yet)."""

    preview: Preview
    running: Running | None

    @property
    def status(self) -> ServiceStatus:
        """As that of an application."""
        return ServiceStatus.IDLE if self.running is None else self.running.status


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewService:
    """What callers may ask of previews."""

    db: Database
    ledger: Ledger
    lifecycle: PreviewLifecycle

    async def all(
        self, actor: Actor, permission: Permission, service_type: SubjectType, service_id: str
    ) -> list[PreviewOverview]:
        """A service's previews, the newest first. Raises Missing."""

        def read(tx: Tx) -> list[PreviewOverview]:
            owner = services_store.owner(tx, service_id, service_type)
            _permit(actor, permission, owner, service_id, NOUNS[service_type])
            return [self._seen(tx, each) for each in store.of_service(tx, service_id)]

        return await self.db.read(read)

    async def everywhere(self, actor: Actor) -> list[tuple[PreviewOverview, LatestRun | None]]:
        """The previews of all services that the caller may see, the newest first, each with its newest deployment."""
        organization_id = actor.organization_id

        def read(tx: Tx) -> list[tuple[PreviewOverview, LatestRun | None]]:
            runs = latest_runs(tx, SubjectType.PREVIEW, store.ids(organization_id))
            found = store.within(tx, organization_id, reach(actor))
            return [(self._seen(tx, each), runs.get(each.preview_id)) for each in found]

        return await self.db.read(read)

    async def one(self, actor: Actor, permission: Permission, preview_id: str) -> PreviewOverview:
        """One preview. Raises Missing."""

        def read(tx: Tx) -> PreviewOverview:
            return self._seen(tx, self._permitted(tx, actor, permission, preview_id))

        return await self.db.read(read)

    async def redeploy(
        self,
        actor: Actor,
        permission: Permission,
        preview_id: str,
        *,
        title: str | None,
        description: str | None,
        once: Once | None,
    ) -> Queued:
        """Queues a deploy of what the pull request is now, with the settings of now. Raises Missing, InvalidInput."""

        def write(tx: Tx) -> Queued:
            preview = self._permitted(tx, actor, permission, preview_id)

            def request() -> Request:
                made = self.lifecycle.request(tx, preview)
                return asked_by(actor, replace(made, title=title, description=description))

            return self.ledger.enqueue_once(tx, once, request)

        return await self.db.run(write)

    async def approve(self, actor: Actor, permission: Permission, preview_id: str, commit: str) -> Queued:
        """Lets the commit of a fork's pull request run that the caller has looked at; where it has another by now, that
        one has to be looked at first. Raises Missing, Conflict.
        """

        def write(tx: Tx) -> Queued:
            preview = self._permitted(tx, actor, permission, preview_id)
            if not preview.awaits_approval:
                raise Conflict("There is nothing to approve: what the pull request has now may run.")
            if not is_whole(preview.head):
                raise Conflict(
                    f"Only the first {len(preview.head)} digits of the commit are known, and another one may begin so. "
                    "The git provider is asked for the rest with the next push, and every ten minutes: approve it then."
                )
            if commit != preview.head:
                raise Conflict(
                    f"The pull request has the commit {preview.head} now, not {commit}. Look at {preview.url}, and "
                    "approve that one."
                )
            made = self.lifecycle.approve(tx, preview, actor.name, lambda each: asked_by(actor, each))
            return Queued(deployment_id=made)

        return await self.db.run(write)

    async def delete(self, actor: Actor, permission: Permission, preview_id: str) -> None:
        """Removes a preview with all that it made. The next push to the pull request opens another. Raises Missing."""

        def write(tx: Tx) -> None:
            preview = self._permitted(tx, actor, permission, preview_id)
            self.lifecycle.close(tx, preview, ClosedWhy.DELETED)

        await self.db.run(write)

    def _seen(self, tx: Tx, preview: Preview) -> PreviewOverview:
        return PreviewOverview(preview=preview, running=self.lifecycle.services.running(tx, preview))

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, preview_id: str) -> Preview:
        preview = store.find(tx, preview_id)
        owner = services_store.owner(tx, preview.service_id, preview.service_type)
        _permit(actor, permission, owner, preview.service_id, Noun.PREVIEW)
        if preview.closed_at is not None:
            raise Missing(Noun.PREVIEW)
        return preview


def _permit(actor: Actor, permission: Permission, owner: Owner | None, service_id: str, noun: Noun) -> None:
    if owner is None:
        raise Missing(noun)
    permit(actor, permission, owner.organization_id, owner.project_id, service_id=service_id, noun=noun)
