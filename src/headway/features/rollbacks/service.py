"""Use cases of going back: what it would change, doing it, and no longer being able to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Request, SubjectType, Trigger, asked_by
from headway.core.deployments.rollback_targets import Left
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent, Reason, Status
from headway.core.deployments.summary import Listed
from headway.core.engine import explain
from headway.features.rollbacks import store
from headway.features.rollbacks.differences import RollbackPreview
from headway.features.rollbacks.forms import RollbackForm
from headway.features.rollbacks.readiness import look_at
from headway.features.rollbacks.store import ReleasePlace
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput


class Unusable(InvalidInput):
    """A release that nobody can go back to now."""

    def __init__(self, version: int, obstacle: str) -> None:
        super().__init__(f"Version {version} cannot be gone back to: {obstacle}")


class StillNeeded(Conflict):
    """A release that serves, drains, or is gone back to."""

    def __init__(self) -> None:
        super().__init__("This release is in use: it serves, drains, or is being gone back to. Deploy another first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What going back would change, and what keeps one from it (None: nothing does)."""

    preview: RollbackPreview
    obstacle: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackService:
    """What callers may ask of releases that have served, of services of every kind."""

    db: Database
    ledger: Ledger
    stopping: Stopping
    forms: Mapping[SubjectType, RollbackForm]

    async def preview(
        self, actor: Actor, permission: Permission, release_id: str, *, keep_configuration: bool = False
    ) -> Previewed:
        """What a rollback to the release would change. Raises Missing, InvalidInput."""
        place = await self._permitted(actor, permission, release_id)
        form = self.forms[place.subject_type]
        preview = await self.db.read(
            lambda tx: form.preview(tx, place.subject_id, release_id, keep_configuration=keep_configuration)
        )
        return Previewed(preview=preview, obstacle=await self._obstacle(place, keep=keep_configuration))

    async def rollback(
        self,
        actor: Actor,
        permission: Permission,
        release_id: str,
        *,
        keep_configuration: bool = False,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a deployment that goes back to the release, and ends what waits or runs of its service: that would
        take it away again. Raises Missing, Unusable, KeyReused.
        """
        place = await self._permitted(actor, permission, release_id)
        obstacle = await self._obstacle(place, keep=keep_configuration)
        if obstacle is not None:
            raise Unusable(place.left.version, obstacle)
        form, superseded = self.forms[place.subject_type], list[str]()

        def request(tx: Tx) -> Request:
            wanted = form.request(tx, place.subject_id, release_id, keep_configuration=keep_configuration)
            superseded.extend(self._supersede(tx, place))
            asked = asked_by(actor, replace(wanted, title=title, description=description))
            return replace(asked, trigger=Trigger.ROLLBACK)

        def write(tx: Tx) -> Queued:
            superseded.clear()
            self._look(tx, actor, permission, release_id)
            return self.ledger.enqueue_once(tx, once, lambda: request(tx))

        queued = await self.db.run(write)
        for deployment_id in superseded:
            self.stopping.hasten(deployment_id, Intent.SUPERSEDE)
        return queued

    async def delete(self, actor: Actor, permission: Permission, release_id: str) -> tuple[Left, Listed | None]:
        """Removes the release; its deployment stays, and is given with it (None: it was removed before). Raises
        Missing, StillNeeded.
        """

        def look(tx: Tx) -> tuple[ReleasePlace, Listed | None]:
            place = self._look(tx, actor, permission, release_id)
            if self.forms[place.subject_type].is_wanted(tx, place.subject_id, release_id):
                raise StillNeeded
            return place, _deployment(tx, place.left.deployment_id)

        place, deployment = await self.db.run(look)
        await self.forms[place.subject_type].remove(release_id)
        return place.left, deployment

    async def _obstacle(self, place: ReleasePlace, *, keep: bool) -> str | None:
        """As the machine is now, and what is allowed of it. What serves can be begun again with the configuration of
        now: of a compose service the file has that, so only a deploy gives it another.
        """
        anew = keep and place.left.serves and place.subject_type is SubjectType.APPLICATION
        if not anew and place.left.obstacle is not None and place.left.obstacle != place.missing:
            return place.left.obstacle
        form = self.forms[place.subject_type]
        refused = await self.db.read(
            lambda tx: form.refused(tx, place.subject_id, place.release_id, keep_configuration=keep)
        )
        return refused or await look_at(self.db, self.forms, place)

    def _supersede(self, tx: Tx, place: ReleasePlace) -> list[str]:
        """Ends what waits of the service, and writes the wish to end what runs of it; gives the latter."""
        running = []
        for each in deployments.unfinished_of_subject(tx, place.subject_type, place.subject_id):
            if each.status is Status.RUNNING and self.ledger.intend(tx, each, Intent.SUPERSEDE):
                running.append(each.deployment_id)
            elif each.status is Status.PENDING:
                self.ledger.end_waiting(tx, each, Reason.SUPERSEDED, explain.wished(Intent.SUPERSEDE))
        return running

    async def _permitted(self, actor: Actor, permission: Permission, release_id: str) -> ReleasePlace:
        return await self.db.read(lambda tx: self._look(tx, actor, permission, release_id))

    def _look(self, tx: Tx, actor: Actor, permission: Permission, release_id: str) -> ReleasePlace:
        place = store.find(tx, release_id)
        owner = None if place is None else self.forms[place.subject_type].owner(tx, place.subject_id)
        if place is None or owner is None:
            raise Missing(Noun.ROLLBACK)
        where = (owner.organization_id, owner.project_id)
        permit(actor, permission, *where, service_id=place.subject_id, noun=Noun.ROLLBACK)
        return place


def _deployment(tx: Tx, deployment_id: str) -> Listed | None:
    try:
        found: Deployment = deployments.find(tx, deployment_id)
    except deployments.DeploymentNotFound:
        return None
    return Listed.of(found)
