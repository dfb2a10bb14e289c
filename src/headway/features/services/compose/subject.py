"""What the heart must know of compose services: whose one is, and its status beside its deployments'."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Owner
from headway.core.deployments.status import Status
from headway.features.services.compose import store
from headway.features.services.compose.model import ComposeStatus
from headway.infra.db.transaction import Tx

_AFTER: Mapping[Status, ComposeStatus] = {Status.DONE: ComposeStatus.DONE, Status.ERROR: ComposeStatus.ERROR}


class ComposeSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Compose"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the compose service is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """``running`` while anything waits or runs for it, then how the last one ended."""
        store.set_fields(tx, deployment.subject_id, status=status_after(tx, deployment))


def status_after(tx: Tx, deployment: Deployment) -> ComposeStatus:
    """What a move of one of its deployments makes of a compose service, or of a preview of one."""
    unfinished = deployments.unfinished_of_subject(tx, deployment.subject_type, deployment.subject_id)
    return ComposeStatus.RUNNING if unfinished else _AFTER.get(deployment.status, ComposeStatus.RUNNING)
