"""Brings rollbacks: services of each type go back to what served before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.domains.applications import module as of_applications
from headway.domains.applications.rollback import RollbackKind
from headway.domains.composes import module as of_composes
from headway.domains.composes.rollback import RollbackKind as ComposeRollbackKind
from headway.domains.rollbacks.applications import Applications
from headway.domains.rollbacks.composes import Composes
from headway.domains.rollbacks.forms import Form
from headway.domains.rollbacks.readiness import Readiness
from headway.domains.rollbacks.service import RollbackService
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
    forms: Mapping[SubjectType, Form] = {
        SubjectType.APPLICATION: Applications(planning=applications.planning, operating=applications.operating),
        SubjectType.COMPOSE: Composes(planning=composes.planning, operating=composes.operating),
    }
    readiness = Readiness(db=base.db, forms=forms, events=base.events)
    module = Module(
        kinds=(
            RollbackKind(planning=applications.planning, toolboxes=applications.operating.toolboxes),
            ComposeRollbackKind(planning=composes.planning, toolboxes=composes.operating.toolboxes),
        ),
        loops=(Poller("readiness", readiness.look_round),),
    )
    service = RollbackService(db=base.db, ledger=base.ledger, stopping=base.engine.stopper, forms=forms)
    return Rollbacks(service=service, module=module)
