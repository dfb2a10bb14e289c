"""Asks the git hosts what the branches of services name now, without fetching anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from headway.core.deployments.model import SubjectType
from headway.drivers.sources.base import Source
from headway.drivers.sources.git import GitSource
from headway.features.services.application import plan_compiler as of_applications
from headway.features.services.application import store as applications
from headway.features.services.application import tools as for_applications
from headway.features.services.application.inspection import open_look
from headway.features.services.compose import plan as of_composes
from headway.features.services.compose import store as composes
from headway.features.services.compose import tools as for_composes
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """``guests`` are the looks under way, which belong to no deployment."""

    db: Database
    vault: Vault
    host: Host
    guests: set[str]
    application_plans: of_applications.ApplicationPlanner
    application_tools: for_applications.ApplicationContext
    compose_plans: of_composes.ComposePlanner
    compose_tools: for_composes.ComposeContext

    async def of(self, subject_type: SubjectType, subject_id: str) -> str | None:
        """The commit that a service's branch names now; None where there is no such branch, or no repository. Raises
        SourceError, InvalidInput, Unavailable.
        """
        find = self._sources.get(subject_type)
        if find is None:
            return None
        source_for = await find(subject_id)
        async with open_look(self.host, self.guests) as look:
            source = source_for(look.look_id)
            return await source.head(look) if isinstance(source, GitSource) else None

    @property
    def _sources(self) -> Mapping[SubjectType, Callable[[str], Awaitable[Callable[[str], Source]]]]:
        return {SubjectType.APPLICATION: self._of_application, SubjectType.COMPOSE: self._of_compose}

    async def _of_application(self, application_id: str) -> Callable[[str], Source]:
        def look(tx: Tx) -> Callable[[str], Source]:
            application = applications.find(tx, application_id, self.vault)
            plan = self.application_plans.plan(tx, application, commit=None, allow_file=True)
            # Not the mirror of the application: that belongs to its deployments, one of which may be fetching now.
            return lambda look_id: self.application_tools.source(replace(plan, application_id=look_id))

        return await self.db.read(look)

    async def _of_compose(self, compose_id: str) -> Callable[[str], Source]:
        def look(tx: Tx) -> Callable[[str], Source]:
            compose = composes.find(tx, compose_id, self.vault)
            plan = self.compose_plans.plan(tx, compose, {"allow_file": True})
            return lambda look_id: self.compose_tools.source(replace(plan, compose_id=look_id))

        return await self.db.read(look)
