"""Says what would be built of an application and how it would be started, before anything is deployed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import field, replace

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan
from headway.features.services.application.inspection import Look, open_look
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.service import ApplicationService
from headway.features.services.application.sources import require_source
from headway.features.services.application.tools import ApplicationContext
from headway.infra.db.engine import Database
from headway.infra.hosts.base import Host
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass

_AT_ONCE = 2
_BY_FILES = frozenset({"native", "static"})  # the builders that begin with what the files say


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was looked at, and what would be done with it, or (``problem``) why nothing can be."""

    commit: Commit
    plan: BuildPlan | None
    problem: str | None
    fixed_port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectService:
    """Looks at what would be deployed now. ``untracked_runs`` are the looks under way."""

    db: Database
    applications: ApplicationService
    planner: ApplicationPlanner
    tools: ApplicationContext
    host: Host
    untracked_runs: set[str]
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def detect(
        self, actor: Actor, permission: Permission, application_id: str, change: Callable[[AppSettings], AppSettings]
    ) -> Detected:
        """Fetches the newest state, changes the settings, and says what a deploy would do. Raises SourceError and
        InvalidInput for a source that cannot be had.
        """
        application = await self.applications.one(actor, permission, application_id)
        application = replace(application, settings=change(application.settings))
        require_source(application.settings)
        plan = await self.db.read(lambda tx: self.planner.plan(tx, application, commit=None, allow_file=True))
        async with self.room, open_look(self.host, self.untracked_runs) as look:
            try:
                return await self._look(look, plan, application)
            finally:
                for folder in self.tools.folders.of_look(look.look_id):
                    await self.host.remove_tree(folder)

    async def _look(self, look: Look, plan: ApplicationPlan, application: Application) -> Detected:
        from headway.drivers.builders.choice import choose, look_around  # noqa: PLC0415 - the first build loads them
        from headway.drivers.builders.outlook import plan_build  # noqa: PLC0415 - as above

        folders = self.tools.folders
        # The mirror of the application belongs to its deployments, one of which may be fetching now.
        own = plan if application.settings.source_type == "drop" else replace(plan, application_id=look.look_id)
        source = self.tools.source(own)
        commit = await source.fetch(look)
        await self.host.make_folder(folders.releases(look.look_id), mode=0o711)
        workspace = await source.check_out(look, commit, folders.release(look.look_id, "look"))
        spec = self.tools.build_spec(plan, commit, look.look_id)
        try:
            seen = await look_around(look, workspace, spec, stays=plan.serving_stays)
            choice = choose(plan.settings.tool.builder, plan.settings.tool.build_type, seen)
            if choice.builder in _BY_FILES:
                found = await plan_build(look, workspace, spec)
            else:
                found = BuildPlan(provider=choice.builder, notes=(f"Builder {choice.builder}: {choice.reason}",))
        except BuildError as error:
            return Detected(commit=commit, plan=None, problem=error.message, fixed_port=plan.fixed_port)
        return Detected(commit=commit, plan=found, problem=None, fixed_port=plan.fixed_port)
