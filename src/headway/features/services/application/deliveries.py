"""What deliveries of webhooks are held against of an application, and what they have it ask its git host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from headway.drivers.sources.base import Source
from headway.features.git.provider_repository import Provided
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.sources import require_source
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.hooks_model import TAG, SourceKind, TrackedSource
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDeliveries:
    """Fits ``kinds.Deliveries``. ``tools`` are those of the panel's own machine."""

    planner: ApplicationPlanner
    tools: ApplicationContext

    def tracked(self, settings: AppSettings, repository: Provided | None) -> TrackedSource:
        kinds = {"docker": SourceKind.IMAGE, "drop": SourceKind.OTHER}
        return TrackedSource(
            source=kinds.get(settings.source_type, SourceKind.GIT),
            git_url=settings.git.url if repository is None else repository.path,
            branch=settings.git.branch if repository is None else repository.branch,
            tag=settings.git.tag,
            commit=settings.git.commit,
            image=settings.docker.image,
            auto_deploy=settings.hooks.auto_deploy,
            by_tags=settings.hooks.trigger_type == TAG,
            watch_paths=tuple(settings.hooks.watch_paths or ()),
        )

    def require_source(self, settings: AppSettings) -> None:
        require_source(settings)

    def source(self, tx: Tx, application: Application) -> Callable[[str], Source]:
        plan = self.planner.plan(tx, application, commit=None, allow_file=True)
        # Not the mirror of the application: that belongs to its deployments, one of which may be fetching now.
        return lambda look_id: self.tools.source(replace(plan, application_id=look_id))
