"""What the heart must know of what is run once inside an application."""

from __future__ import annotations

from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Owner
from headway.features.services import store
from headway.infra.db.transaction import Tx


class RunSubject:
    """It is whose the application is, and says nothing of its status."""

    noun = "Application"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the application is."""
        return store.owner(tx, subject_id, SubjectType.APPLICATION)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """Whatever becomes of a run, the application stays as it is."""
