"""Brings previews: services that come and go with pull requests."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.features.edge.domains_model import EdgeFacts
from headway.features.git.providers import GitProviderService
from headway.features.previews.cleanup import Passes, PreviewCleanup
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.previews.service import PreviewService
from headway.features.previews.services import PreviewedServices
from headway.features.previews.subject import PreviewSubject
from headway.features.services.kinds import ServiceKinds
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """What callers may ask of them; ``lifecycle`` opens and closes them."""

    lifecycle: PreviewLifecycle
    service: PreviewService
    module: Module


def install_previews(
    base: Base, facts: EdgeFacts, providers: GitProviderService, kinds: ServiceKinds, passes: Passes
) -> Previews:
    """Previews of services of these kinds; ``passes`` says whether a service watches nothing of a pull request."""
    db = base.db
    services = PreviewedServices(kinds=kinds, facts=facts)
    lifecycle = PreviewLifecycle(ledger=base.ledger, services=services)
    clearing = PreviewCleanup(
        db=db,
        events=base.events,
        stopping=base.engine.stopper,
        lifecycle=lifecycle,
        providers=providers,
        troubles=base.engine.troubles,
        passes=passes,
    )
    module = Module(
        subjects={SubjectType.PREVIEW: PreviewSubject()},
        loops=(
            Poller("previews", clearing.clear_round),
            Poller("open pull requests", clearing.sweep_round),
        ),
    )
    return Previews(
        lifecycle=lifecycle, service=PreviewService(db=db, ledger=base.ledger, lifecycle=lifecycle), module=module
    )
