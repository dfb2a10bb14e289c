"""Makes the parts of a platform that are about previews, for ``wiring`` among the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.service import Stopping
from headway.core.engine.poller import Poller
from headway.domains.applications.making import Making
from headway.domains.catalog.domains_model import EdgeFacts
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.previews.acting import Acting
from headway.domains.previews.clearing import Clearing
from headway.domains.previews.reporting import Reporting
from headway.domains.previews.service import PreviewService
from headway.infra.db.engine import SqlDatabase
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class PreviewPlaces:
    """Where previews are kept, reached and asked after; ``panel`` is the panel's own address, where it has one."""

    db: SqlDatabase
    vault: Vault
    facts: EdgeFacts
    providers: GitProviderService
    panel: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewWiring:
    """What previews need of the others, and what they give to them."""

    places: PreviewPlaces
    ledger: Ledger
    making: Making

    @property
    def acting(self) -> Acting:
        """What opens and closes them."""
        return Acting(vault=self.places.vault, ledger=self.ledger, making=self.making, facts=self.places.facts)

    def service(self) -> PreviewService:
        """What callers may ask of them."""
        at = self.places
        return PreviewService(db=at.db, vault=at.vault, ledger=self.ledger, acting=self.acting, facts=at.facts)

    def pollers(self, stopping: Stopping) -> tuple[Poller, ...]:
        """What clears away those that are gone, and catches up with what nobody told."""
        at = self.places
        clearing = Clearing(db=at.db, vault=at.vault, stopping=stopping, acting=self.acting, providers=at.providers)
        reporting = Reporting(
            db=at.db, vault=at.vault, providers=at.providers, facts=at.facts, log_link=partial(_log_link, at.panel)
        )
        return (
            Poller("previews", clearing.clear_round),
            Poller("open pull requests", clearing.sweep_round),
            Poller("preview reports", reporting.report_round),
        )


def _log_link(panel: str | None, deployment_id: str) -> str | None:
    return None if panel is None else f"{panel.rstrip('/')}/api/deployment.log?deploymentId={deployment_id}"
