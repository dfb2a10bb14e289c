"""What the heart must know of previews: whose one is, and its status beside its deployments'."""

from __future__ import annotations

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Owner
from headway.features.previews import store
from headway.features.services import store as services_store
from headway.features.services.subject import status_after
from headway.infra.db.transaction import Tx


class PreviewSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Preview deployment"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the preview is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """As of any application or compose service, one of which is what runs of it."""
        services_store.set_fields(tx, deployment.subject_id, status=status_after(tx, deployment))
