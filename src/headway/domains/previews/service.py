"""Use cases of previews: look, deploy again, approve a fork's, delete."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, permit
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Request, SubjectType, asked_by
from headway.core.deployments.once import Once, Queued
from headway.domains.applications import store as applications
from headway.domains.applications.model import Application, AppStatus
from headway.domains.catalog import domains_store
from headway.domains.catalog.domains_model import Domain, EdgeFacts
from headway.domains.previews import store
from headway.domains.previews.acting import Acting
from headway.domains.previews.model import ClosedWhy, Preview
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A preview with what runs of it (None: nothing may yet) and where that is reached, the first first."""

    preview: Preview
    organization_id: str
    running: Application | None
    domains: tuple[Domain, ...]

    @property
    def status(self) -> AppStatus:
        """As that of an application."""
        return AppStatus.IDLE if self.running is None else self.running.status


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewService:
    """What callers may ask of previews."""

    db: Database
    vault: Vault
    ledger: Ledger
    acting: Acting
    facts: EdgeFacts

    async def all(self, actor: Actor, application_id: str) -> list[Seen]:
        """An application's previews, the newest first. Raises Missing."""

        def read(tx: Tx) -> list[Seen]:
            application = self._application(tx, actor, "previewDeployment.all", application_id, Noun.APPLICATION)
            return [self._seen(tx, application, each) for each in store.of_application(tx, application_id)]

        return await self.db.read(read)

    async def one(self, actor: Actor, preview_id: str) -> Seen:
        """One preview. Raises Missing."""

        def read(tx: Tx) -> Seen:
            application, preview = self._permitted(tx, actor, "previewDeployment.one", preview_id)
            return self._seen(tx, application, preview)

        return await self.db.read(read)

    async def redeploy(
        self, actor: Actor, preview_id: str, *, title: str | None, description: str | None, once: Once | None
    ) -> Queued:
        """Queues a deploy of what the pull request is now, with the settings of now. Raises Missing, InvalidInput."""

        def write(tx: Tx) -> Queued:
            application, preview = self._permitted(tx, actor, "previewDeployment.redeploy", preview_id)

            def request() -> Request:
                made = self.acting.request(tx, application, preview)
                return asked_by(actor, replace(made, title=title, description=description))

            return self.ledger.enqueue_once(tx, once, request)

        return await self.db.run(write)

    async def approve(self, actor: Actor, preview_id: str, commit: str) -> Queued:
        """Lets the commit of a fork's pull request run that the caller has looked at; where it has another by now, that
        one has to be looked at first. Raises Missing, Conflict.
        """

        def write(tx: Tx) -> Queued:
            application, preview = self._permitted(tx, actor, "previewDeployment.approve", preview_id)
            if not preview.awaits_approval:
                raise Conflict("There is nothing to approve: what the pull request has now may run.")
            if commit != preview.head:
                raise Conflict(
                    f"The pull request has the commit {preview.head} now, not {commit}. Look at {preview.url}, and "
                    "approve that one."
                )
            made = self.acting.approve(tx, application, preview, actor.name, lambda each: asked_by(actor, each))
            return Queued(deployment_id=made)

        return await self.db.run(write)

    async def delete(self, actor: Actor, preview_id: str) -> None:
        """Removes a preview with all that it made. The next push to the pull request opens another. Raises Missing."""

        def write(tx: Tx) -> None:
            _, preview = self._permitted(tx, actor, "previewDeployment.delete", preview_id)
            self.acting.close(tx, preview, ClosedWhy.DELETED)

        await self.db.run(write)

    def _seen(self, tx: Tx, application: Application, preview: Preview) -> Seen:
        try:
            running = applications.find(tx, preview.preview_id, self.vault)
        except applications.ApplicationNotFound:
            return Seen(preview=preview, organization_id=application.organization_id, running=None, domains=())
        front = applications.front(tx, preview.preview_id)
        domains = (
            []
            if front is None
            else domains_store.standing(tx, SubjectType.APPLICATION, preview.preview_id, front, self.facts)
        )
        own_first = tuple(sorted(domains, key=lambda each: each.generated))
        return Seen(preview=preview, organization_id=application.organization_id, running=running, domains=own_first)

    def _permitted(self, tx: Tx, actor: Actor, procedure: str, preview_id: str) -> tuple[Application, Preview]:
        preview = store.find(tx, preview_id)
        application = self._application(tx, actor, procedure, preview.application_id, Noun.PREVIEW)
        if preview.closed_at is not None:
            raise Missing(Noun.PREVIEW)
        return application, preview

    def _application(self, tx: Tx, actor: Actor, procedure: str, application_id: str, noun: Noun) -> Application:
        owner = applications.owner(tx, application_id)
        if owner is None:
            raise Missing(noun)
        place = (owner.organization_id, owner.project_id)
        permit(actor, procedure, *place, service_id=application_id, noun=noun)
        return applications.find(tx, application_id, self.vault)
