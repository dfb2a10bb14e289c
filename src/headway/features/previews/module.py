"""Brings previews: services that come and go with pull requests."""

from __future__ import annotations

from dataclasses import dataclass

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.features.edge.domains_model import EdgeFacts
from headway.features.git.providers import GitProviderService
from headway.features.previews.base import Forms
from headway.features.previews.cleanup import PreviewCleanup
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.previews.of_applications import OfApplications
from headway.features.previews.of_composes import OfComposes
from headway.features.previews.service import PreviewService
from headway.features.previews.subject import PreviewSubject
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """What callers may ask of them; ``acting`` opens and closes them."""

    acting: PreviewLifecycle
    service: PreviewService
    module: Module


def install_previews(
    base: Base, facts: EdgeFacts, providers: GitProviderService, applications: Applications, composes: Composes
) -> Previews:
    """Previews of applications and of compose services."""
    db, vault = base.db, base.vault
    forms: Forms = {
        SubjectType.APPLICATION: OfApplications(vault=vault, creation=applications.creation, facts=facts),
        SubjectType.COMPOSE: OfComposes(vault=vault, creation=composes.creation, facts=facts),
    }
    acting = PreviewLifecycle(ledger=base.ledger, forms=forms)
    clearing = PreviewCleanup(
        db=db, events=base.events, stopping=base.engine.stopper, acting=acting, providers=providers
    )
    module = Module(
        subjects={SubjectType.PREVIEW: PreviewSubject()},
        loops=(
            Poller("previews", clearing.clear_round),
            Poller("open pull requests", clearing.sweep_round),
        ),
    )
    return Previews(acting=acting, service=PreviewService(db=db, ledger=base.ledger, acting=acting), module=module)
