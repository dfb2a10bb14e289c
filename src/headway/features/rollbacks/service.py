"""Use cases of going back: what it would change, doing it, and no longer being able to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Lane, Request, SubjectType, Trigger, asked_by
from headway.core.deployments.rollback_targets import Left
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent, Reason, Status
from headway.core.deployments.summary import Listed
from headway.core.engine import explanations
from headway.features.rollbacks import store
from headway.features.rollbacks.readiness import look_at
from headway.features.rollbacks.store import ReleasePlace
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.kinds import ServiceRollbacks
from headway.features.services.model import Release, ReleaseState
from headway.features.services.requests import exclusive_key
from headway.features.services.rollback_differences import RollbackPreview, of_domains
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
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
    forms: Mapping[SubjectType, ServiceRollbacks]

    async def preview(
        self, actor: Actor, permission: Permission, release_id: str, *, keep_configuration: bool = False
    ) -> Previewed:
        """What a rollback to the release would change. Raises Missing, InvalidInput."""
        place = await self._permitted(actor, permission, release_id)
        preview = await self.db.read(lambda tx: self._compared(tx, place, keep=keep_configuration))
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
        superseded = list[str]()

        def request(tx: Tx) -> Request:
            wanted = self._request(tx, place, keep=keep_configuration)
            superseded.extend(self._supersede(tx, place))
            asked = asked_by(actor, replace(wanted, title=title, description=description))
            return replace(asked, trigger=Trigger.ROLLBACK)

        def write(tx: Tx) -> Queued:
            superseded.clear()
            self._look(tx, actor, permission, release_id)
            return self.ledger.enqueue_once(tx, once, lambda: request(tx))

        async with self.forms[place.subject_type].keeping(place.subject_id):
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
            if _is_wanted(tx, place):
                raise StillNeeded
            return place, _deployment(tx, place.left.deployment_id)

        place, deployment = await self.db.run(look)
        release = await self.db.read(lambda tx: _release(tx, release_id))
        if release is not None and not await self.forms[place.subject_type].remove(release):
            raise StillNeeded
        return place.left, deployment

    async def _obstacle(self, place: ReleasePlace, *, keep: bool) -> str | None:
        """As the machine is now, and what is allowed of it. What serves can be begun again with the configuration of
        now: of a compose service the file has that, so only a deploy gives it another.
        """
        anew = keep and place.left.serves and self.forms[place.subject_type].begins_anew
        if not anew and place.left.obstacle is not None and place.left.obstacle != place.missing:
            return place.left.obstacle
        form = self.forms[place.subject_type]
        refused = await self.db.read(
            lambda tx: form.refused(tx, place.subject_id, place.release_id, keep_configuration=keep)
        )
        return refused or await look_at(self.db, self.forms, place)

    def _request(self, tx: Tx, place: ReleasePlace, *, keep: bool) -> Request:
        """What is queued to go back. Raises InvalidInput where that cannot be made."""
        form = self.forms[place.subject_type]
        service = form.required(tx, place.subject_id, place.release_id, keep_configuration=keep)
        anew = form.begins_anew and service.serving_release_id == place.release_id
        return Request(
            kind=form.kind.name,
            kind_version=form.kind.version,
            subject_type=place.subject_type,
            subject_id=place.subject_id,
            host_id=service.host_id,
            organization_id=service.organization_id,
            project_id=service.project_id,
            exclusive_key=exclusive_key(service),
            lane=Lane.ROLLBACK,
            default_title="Restart with the settings of now" if anew else f"Rollback to version {place.left.version}",
            input={
                "type": "rollback",
                "release_id": place.release_id,
                "keep_configuration": keep,
                "total_seconds": service.settings.deadlines.total_seconds,
            },
        )

    def _compared(self, tx: Tx, place: ReleasePlace, *, keep: bool) -> RollbackPreview:
        """What would change, the domains that lead to the service among it. Raises InvalidInput."""
        form = self.forms[place.subject_type]
        preview = form.compared(tx, place.subject_id, place.release_id, keep_configuration=keep)
        release, owner = _release(tx, place.release_id), services_store.owner(tx, place.subject_id, place.subject_type)
        if keep or release is None or release.domains is None or owner is None:
            return preview
        restoring = form.routing.restoring(place.subject_id, owner.organization_id)
        changes = restoring.changes(tx, release.domains)
        taken = [each.after for each in changes if each.before is None and restoring.is_taken(tx, each.after)]
        return replace(preview, differences=[*preview.differences, *of_domains(changes, taken)])

    def _supersede(self, tx: Tx, place: ReleasePlace) -> list[str]:
        """Ends what waits of the service, and writes the wish to end what runs of it; gives the latter."""
        running = []
        for each in deployments.unfinished_of_subject(tx, place.subject_type, place.subject_id):
            if each.status is Status.RUNNING and self.ledger.intend(tx, each, Intent.SUPERSEDE):
                running.append(each.deployment_id)
            elif each.status is Status.PENDING:
                self.ledger.end_waiting(tx, each, Reason.SUPERSEDED, explanations.wished(Intent.SUPERSEDE))
        return running

    async def _permitted(self, actor: Actor, permission: Permission, release_id: str) -> ReleasePlace:
        return await self.db.read(lambda tx: self._look(tx, actor, permission, release_id))

    def _look(self, tx: Tx, actor: Actor, permission: Permission, release_id: str) -> ReleasePlace:
        place = store.find(tx, release_id)
        owner = None if place is None else services_store.owner(tx, place.subject_id, place.subject_type)
        if place is None or owner is None:
            raise Missing(Noun.ROLLBACK)
        where = (owner.organization_id, owner.project_id)
        permit(actor, permission, *where, service_id=place.subject_id, noun=Noun.ROLLBACK)
        return place


def _is_wanted(tx: Tx, place: ReleasePlace) -> bool:
    """Whether it serves, drains, or is gone back to by what waits or runs."""
    release = _release(tx, place.release_id)
    if release is not None and release.state is not ReleaseState.RETIRED:
        return True
    return place.release_id in deployments.wanted_releases(tx, place.subject_type, place.subject_id)


def _release(tx: Tx, release_id: str) -> Release | None:
    row = releases_store.find(tx, release_id)
    return None if row is None else releases_store.release_of(row)


def _deployment(tx: Tx, deployment_id: str) -> Listed | None:
    try:
        found: Deployment = deployments.find(tx, deployment_id)
    except deployments.DeploymentNotFound:
        return None
    return Listed.of(found)
