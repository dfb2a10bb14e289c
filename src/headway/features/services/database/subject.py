"""What the heart must know of databases: whose one is, and its status beside its deployments'."""

from __future__ import annotations

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Owner
from headway.features.services.application.store import set_fields
from headway.features.services.application.subject import status_after
from headway.features.services.database import store
from headway.infra.db.transaction import Tx


class DatabaseSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Database"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the database is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """As of any application, which is what runs of it."""
        set_fields(tx, deployment.subject_id, status=status_after(tx, deployment))
