"""What the heart must know of servers: whose one is."""

from __future__ import annotations

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Owner
from headway.features.servers import store
from headway.infra.db.transaction import Tx


class ServerSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Server"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the server is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """A server has no status of its own that deployments would change."""
