"""Brings previews: services that come and go with pull requests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.domains.applications.module import Applications
from headway.domains.catalog.module import Catalog
from headway.domains.composes.module import Composes
from headway.domains.previews.acting import Acting
from headway.domains.previews.base import Forms
from headway.domains.previews.clearing import Clearing
from headway.domains.previews.of_applications import OfApplications
from headway.domains.previews.of_composes import OfComposes
from headway.domains.previews.reporting import Reporting, log_link
from headway.domains.previews.service import PreviewService
from headway.domains.previews.subject import PreviewSubject
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """What callers may ask of them; ``acting`` opens and closes them."""

    acting: Acting
    service: PreviewService
    module: Module


def install_previews(base: Base, catalog: Catalog, applications: Applications, composes: Composes) -> Previews:
    """Previews of applications and of compose services."""
    db, vault, facts, providers = base.db, base.vault, catalog.facts, catalog.providers
    forms: Forms = {
        SubjectType.APPLICATION: OfApplications(vault=vault, making=applications.making, facts=facts),
        SubjectType.COMPOSE: OfComposes(vault=vault, making=composes.making, facts=facts),
    }
    acting, link = Acting(ledger=base.ledger, forms=forms), partial(log_link, base.settings.public_url)
    clearing = Clearing(db=db, events=base.events, stopping=base.engine.stopper, acting=acting, providers=providers)
    reporting = Reporting(db=db, providers=providers, forms=forms, facts=facts, log_link=link)
    module = Module(
        subjects={SubjectType.PREVIEW: PreviewSubject()},
        loops=(
            Poller("previews", clearing.clear_round),
            Poller("open pull requests", clearing.sweep_round),
            Poller("preview reports", reporting.report_round),
        ),
    )
    return Previews(acting=acting, service=PreviewService(db=db, ledger=base.ledger, acting=acting), module=module)
