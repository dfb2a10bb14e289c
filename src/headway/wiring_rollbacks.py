"""Makes the parts of a platform that go back to what served before, for ``wiring`` among the others."""

from __future__ import annotations

from dataclasses import dataclass

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Kind
from headway.core.deployments.service import Stopping
from headway.core.engine.poller import Poller
from headway.domains.applications.operate import Operating
from headway.domains.applications.planning import Planning
from headway.domains.applications.rollback import RollbackKind
from headway.domains.composes.operate import Operating as ComposeOperating
from headway.domains.composes.plan import Planning as ComposePlanning
from headway.domains.composes.rollback import RollbackKind as ComposeRollbackKind
from headway.domains.rollbacks.applications import Applications
from headway.domains.rollbacks.composes import Composes
from headway.domains.rollbacks.forms import Form
from headway.domains.rollbacks.readiness import Readiness
from headway.domains.rollbacks.service import RollbackService
from headway.infra.db.engine import SqlDatabase
from headway.kernel.events import Events


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackWiring:
    """What going back needs of the others, and what it gives to them."""

    db: SqlDatabase
    ledger: Ledger
    planning: Planning
    applications: Operating
    compose_planning: ComposePlanning
    composes: ComposeOperating
    events: Events

    def kinds(self) -> tuple[Kind, ...]:
        """How services of each kind go back."""
        return (
            RollbackKind(planning=self.planning, toolboxes=self.applications.toolboxes),
            ComposeRollbackKind(planning=self.compose_planning, toolboxes=self.composes.toolboxes),
        )

    def poller(self) -> Poller:
        """What keeps it known whether one could go back."""
        return Poller("readiness", Readiness(db=self.db, forms=self._forms(), events=self.events).look_round)

    def service(self, stopping: Stopping) -> RollbackService:
        """What callers may ask."""
        return RollbackService(db=self.db, ledger=self.ledger, stopping=stopping, forms=self._forms())

    def _forms(self) -> dict[SubjectType, Form]:
        return {
            SubjectType.APPLICATION: Applications(planning=self.planning, operating=self.applications),
            SubjectType.COMPOSE: Composes(planning=self.compose_planning, operating=self.composes),
        }
