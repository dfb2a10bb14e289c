"""Makes the parts of a platform that are about previews, for ``wiring`` among the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import Stopping
from headway.core.engine.poller import Poller
from headway.domains.applications.making import Making
from headway.domains.catalog.domains_model import EdgeFacts
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.composes.making import Making as MakingComposes
from headway.domains.previews.acting import Acting
from headway.domains.previews.base import Forms
from headway.domains.previews.clearing import Clearing
from headway.domains.previews.of_applications import OfApplications
from headway.domains.previews.of_composes import OfComposes
from headway.domains.previews.reporting import Reporting
from headway.domains.previews.service import PreviewService
from headway.infra.db.engine import SqlDatabase
from headway.kernel.events import Events
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class PreviewPlaces:
    """Where previews are kept, reached and asked after; ``panel`` is the panel's own address, where it has one."""

    db: SqlDatabase
    vault: Vault
    facts: EdgeFacts
    providers: GitProviderService
    panel: str | None
    events: Events


@dataclass(frozen=True, slots=True)
class PreviewWiring:
    """What previews need of the others, and what they give to them."""

    places: PreviewPlaces
    ledger: Ledger
    making: Making
    making_composes: MakingComposes

    @property
    def acting(self) -> Acting:
        """What opens and closes them."""
        return Acting(ledger=self.ledger, forms=self._forms)

    @property
    def _forms(self) -> Forms:
        vault, facts = self.places.vault, self.places.facts
        return {
            SubjectType.APPLICATION: OfApplications(vault=vault, making=self.making, facts=facts),
            SubjectType.COMPOSE: OfComposes(vault=vault, making=self.making_composes, facts=facts),
        }

    def service(self) -> PreviewService:
        """What callers may ask of them."""
        at = self.places
        return PreviewService(db=at.db, ledger=self.ledger, acting=self.acting)

    def pollers(self, stopping: Stopping) -> tuple[Poller, ...]:
        """What clears away those that are gone, and catches up with what nobody told."""
        at = self.places
        clearing = Clearing(db=at.db, events=at.events, stopping=stopping, acting=self.acting, providers=at.providers)
        reporting = Reporting(
            db=at.db, providers=at.providers, forms=self._forms, facts=at.facts, log_link=partial(log_link, at.panel)
        )
        return (
            Poller("previews", clearing.clear_round),
            Poller("open pull requests", clearing.sweep_round),
            Poller("preview reports", reporting.report_round),
        )


def log_link(panel: str | None, deployment_id: str) -> str | None:
    """Where the log of a deployment is read, None where the panel has no address that others know."""
    return None if panel is None else f"{panel.rstrip('/')}/api/deployment.log?deploymentId={deployment_id}"
