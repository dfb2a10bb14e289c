"""Keeps it known of each release whether one could go back to it now: shown before somebody needs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Attempts
from headway.features.rollbacks import store
from headway.features.rollbacks.store import ReleasePlace
from headway.features.services import releases_store
from headway.features.services.kinds import ServiceRollbacks
from headway.infra.db.engine import Database
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events, ReleasesLooked

_REST = 30.0
_LOOP = "readiness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """``look_round`` is one round of its loop; by ``troubles`` each release is looked at by itself."""

    db: Database
    forms: Mapping[SubjectType, ServiceRollbacks]
    events: Events
    troubles: Attempts

    async def look_round(self) -> float:
        """Looks at each release that does not serve, and writes down where something has changed; seconds to rest."""
        missing: dict[str, str | None] = {}

        async def look(place: ReleasePlace) -> None:
            missing[place.release_id] = await look_at(self.db, self.forms, place)

        places = {place.release_id: place for place in await self.db.read(store.idle)}
        self.troubles.forget_others(_LOOP, places.keys())
        for release_id, place in places.items():
            missing[release_id] = place.missing  # as it was seen last, where it cannot be seen now
            await self.troubles.attempt(_LOOP, release_id, partial(look, place))
        usable = [*missing.values()].count(None)
        self.events.announce(ReleasesLooked(usable=usable, unusable=len(missing) - usable))
        return _REST


async def look_at(db: Database, forms: Mapping[SubjectType, ServiceRollbacks], place: ReleasePlace) -> str | None:
    """What keeps a release from serving again as its host is now, None where nothing does; its row says the same."""
    missing = await forms[place.subject_type].missing(place.release_id)
    if missing != place.missing:
        await db.run(lambda tx: releases_store.seen(tx, place.release_id, missing))
    return missing
