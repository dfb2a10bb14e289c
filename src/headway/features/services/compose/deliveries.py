"""What deliveries of webhooks are held against of a compose service, and what they have it ask its git host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from headway.drivers.sources.base import Source
from headway.features.git.provider_repository import Provided
from headway.features.services.compose.model import RAW, Compose, ComposeSettings
from headway.features.services.compose.plan import ComposePlanner, require_file
from headway.features.services.compose.tools import ComposeContext
from headway.features.services.hooks_model import TAG, SourceKind, TrackedSource
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDeliveries:
    """Fits ``kinds.Deliveries``. ``tools`` are those of the panel's own machine."""

    planner: ComposePlanner
    tools: ComposeContext

    def tracked(self, settings: ComposeSettings, repository: Provided | None) -> TrackedSource:
        """See ``Deliveries.tracked``: any image may be one of its file's."""
        kinds = {RAW: SourceKind.OTHER, "drop": SourceKind.OTHER}
        return TrackedSource(
            source=kinds.get(settings.source_type, SourceKind.GIT),
            git_url=settings.git.url if repository is None else repository.path,
            branch=settings.git.branch if repository is None else repository.branch,
            any_image=True,
            auto_deploy=settings.hooks.auto_deploy,
            by_tags=settings.hooks.trigger_type == TAG,
            watch_paths=tuple(settings.hooks.watch_paths or ()),
        )

    def require_source(self, settings: ComposeSettings) -> None:
        require_file(settings)

    def source(self, tx: Tx, compose: Compose) -> Callable[[str], Source]:
        """See ``Deliveries.source``: with a mirror of its own, as of an application."""
        plan = self.planner.plan(tx, compose, {"allow_file": True})
        return lambda look_id: self.tools.source(replace(plan, compose_id=look_id))
