"""Brings rollbacks: services of each type go back to what served before."""

from __future__ import annotations

from headway.core.engine.poller import Poller
from headway.features.rollbacks.readiness import Readiness
from headway.features.rollbacks.service import RollbackService
from headway.features.services.kinds import ServiceKinds
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollbacks:
    """What callers may ask."""

    service: RollbackService
    module: Module


def install_rollbacks(base: Base, kinds: ServiceKinds) -> Rollbacks:
    """How services go back, and what keeps it known whether one could."""
    forms = {name: each.rollbacks for name, each in kinds.by_type.items()}
    readiness = Readiness(db=base.db, forms=forms, events=base.events, troubles=base.engine.troubles)
    module = Module(
        kinds=tuple(each.kind for each in forms.values()),
        loops=(Poller("readiness", readiness.look_round),),
    )
    service = RollbackService(db=base.db, ledger=base.ledger, stopping=base.engine.stopper, forms=forms)
    return Rollbacks(service=service, module=module)
