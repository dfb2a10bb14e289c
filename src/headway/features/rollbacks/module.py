"""Brings rollbacks: services of each type go back to what served before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.features.rollbacks.applications import ApplicationRollbacks
from headway.features.rollbacks.composes import ComposeRollbacks
from headway.features.rollbacks.forms import RollbackForm
from headway.features.rollbacks.readiness import Readiness
from headway.features.rollbacks.service import RollbackService
from headway.features.services.application import module as of_applications
from headway.features.services.application.rollback import ApplicationRollback
from headway.features.services.compose import module as of_composes
from headway.features.services.compose.rollback import ComposeRollback
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollbacks:
    """What callers may ask."""

    service: RollbackService
    module: Module


def install_rollbacks(
    base: Base, applications: of_applications.Applications, composes: of_composes.Composes
) -> Rollbacks:
    """How services go back, and what keeps it known whether one could."""
    of_application = ApplicationRollback(planner=applications.planner, contexts=applications.lifecycle.driver.contexts)
    of_compose = ComposeRollback(planner=composes.planner, contexts=composes.lifecycle.driver.contexts)
    forms: Mapping[SubjectType, RollbackForm] = {
        SubjectType.APPLICATION: ApplicationRollbacks(kind=of_application, lifecycle=applications.lifecycle),
        SubjectType.COMPOSE: ComposeRollbacks(kind=of_compose, lifecycle=composes.lifecycle),
    }
    readiness = Readiness(db=base.db, forms=forms, events=base.events)
    module = Module(
        kinds=(of_application, of_compose),
        loops=(Poller("readiness", readiness.look_round),),
    )
    service = RollbackService(db=base.db, ledger=base.ledger, stopping=base.engine.stopper, forms=forms)
    return Rollbacks(service=service, module=module)
