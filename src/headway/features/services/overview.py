"""Use cases that show services of every kind at a glance; all asked of the policy."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, reach
from headway.core.deployments.rollback_targets import Left, LeftBy
from headway.features.services import overview_store
from headway.features.services.overview_store import ServiceOverview
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_MOST_RELEASES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewReader:
    """What callers may see of services whatever their kind. ``left_by`` tells what deployments left."""

    db: Database
    left_by: LeftBy

    async def one(
        self, actor: Actor, permission: Permission, service_id: str
    ) -> tuple[ServiceOverview, Sequence[Left], Collection[str]]:
        """A service, its newest releases that have served, the newest first, and which deployments that left those are
        gone. Raises Missing.
        """

        def look(tx: Tx) -> tuple[ServiceOverview, Sequence[Left], Collection[str]]:
            found = overview_store.find(tx, service_id)
            if found is None:
                raise Missing(Noun.SERVICE)
            place = (found.place.organization_id, found.place.project_id)
            permit(actor, permission, *place, service_id=service_id, noun=Noun.SERVICE)
            ids = overview_store.deployments_that_left(tx, service_id, _MOST_RELEASES)
            left = self.left_by(tx, ids)
            return found, [left[each] for each in ids if each in left], overview_store.removed_among(tx, ids)

        return await self.db.read(look)

    async def all(self, actor: Actor) -> list[ServiceOverview]:
        """Every service that the caller may see, by project, environment and name."""
        return await self.db.read(lambda tx: overview_store.within(tx, actor.organization_id, reach(actor)))
