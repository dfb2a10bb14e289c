"""What is saved of a service and not in effect: a read, asked of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments.model import SubjectType
from headway.features.services import overview_store
from headway.features.services.kinds import ServiceRollbacks
from headway.features.services.model import type_of
from headway.features.services.rollback_differences import PendingChange
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedChanges:
    """What differs from the release that serves (None: none does). ``unknown`` says why that cannot be told."""

    release_id: str | None = None
    version: int | None = None
    changes: Sequence[PendingChange] = ()
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedChangesReader:
    """What callers may see of that, of services of every kind."""

    db: Database
    forms: Mapping[SubjectType, ServiceRollbacks]

    async def of(self, actor: Actor, permission: Permission, service_id: str) -> SavedChanges:
        """What is saved otherwise than what serves runs with. Raises Missing."""

        def look(tx: Tx) -> SavedChanges:
            found = overview_store.find(tx, service_id)
            if found is None:
                raise Missing(Noun.SERVICE)
            place = (found.place.organization_id, found.place.project_id)
            permit(actor, permission, *place, service_id=service_id, noun=Noun.SERVICE)
            if found.serving is None:
                return SavedChanges()
            serves = SavedChanges(release_id=found.serving.release_id, version=found.serving.version)
            try:
                changes = self.forms[type_of(found.kind)].pending(tx, service_id, found.serving.release_id)
            except InvalidInput as unknown:
                return SavedChanges(release_id=serves.release_id, version=serves.version, unknown=unknown.message)
            return SavedChanges(release_id=serves.release_id, version=serves.version, changes=changes)

        return await self.db.read(look)
