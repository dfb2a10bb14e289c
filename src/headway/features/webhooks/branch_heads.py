"""Asks the git hosts what the branches of services name now, without fetching anything."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.drivers.sources.git import GitSource
from headway.features.services.application.inspection import open_look
from headway.features.services.kinds import ServiceKinds
from headway.infra.db.engine import Database
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """``untracked_runs`` are the looks under way, which belong to no deployment."""

    db: Database
    kinds: ServiceKinds
    host: Host
    untracked_runs: set[str]

    async def of(self, subject_type: SubjectType, subject_id: str) -> str | None:
        """The commit that a service's branch names now; None where there is no such branch, or no repository. Raises
        SourceError, InvalidInput, Unavailable.
        """
        kind = self.kinds.by_type.get(subject_type)
        if kind is None:
            return None
        deliveries = kind.deliveries
        source_for = await self.db.read(lambda tx: deliveries.source(tx, self.kinds.find(tx, subject_type, subject_id)))
        async with open_look(self.host, self.untracked_runs) as look:
            source = source_for(look.look_id)
            return await source.head(look) if isinstance(source, GitSource) else None
