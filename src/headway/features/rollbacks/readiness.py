"""Keeps it known of each release whether one could go back to it now: shown before somebody needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.deployments.model import SubjectType
from headway.features.rollbacks import store
from headway.features.rollbacks.store import ReleasePlace
from headway.features.services import releases_store
from headway.features.services.kinds import RollbackForm
from headway.infra.db.engine import Database
from headway.kernel.events import Events, ReleasesLooked

_REST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """``look_round`` is one round of its loop."""

    db: Database
    forms: Mapping[SubjectType, RollbackForm]
    events: Events

    async def look_round(self) -> float:
        """Looks at each release that does not serve, and writes down where something has changed; seconds to rest."""
        missing = [await look_at(self.db, self.forms, place) for place in await self.db.read(store.idle)]
        usable = missing.count(None)
        self.events.announce(ReleasesLooked(usable=usable, unusable=len(missing) - usable))
        return _REST


async def look_at(db: Database, forms: Mapping[SubjectType, RollbackForm], place: ReleasePlace) -> str | None:
    """What keeps a release from serving again as its host is now, None where nothing does; its row says the same."""
    missing = await forms[place.subject_type].missing(place.release_id)
    if missing != place.missing:
        await db.run(lambda tx: releases_store.seen(tx, place.release_id, missing))
    return missing
