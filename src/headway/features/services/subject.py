"""What the heart must know of services: whose one is, and its status beside its deployments'."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Owner
from headway.core.deployments.status import Status
from headway.features.services import store
from headway.features.services.model import ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_AFTER: Mapping[Status, ServiceStatus] = {Status.DONE: ServiceStatus.DONE, Status.ERROR: ServiceStatus.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSubject:
    """Fits ``core.deployments.run.Subject``, for the services of one kind."""

    noun: str
    kind: SubjectType

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the service is."""
        return store.owner(tx, subject_id, self.kind)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        store.set_fields(tx, deployment.subject_id, status=status_after(tx, deployment))


def status_after(tx: Tx, deployment: Deployment) -> ServiceStatus:
    """``running`` while anything waits or runs for the same, then how the last one ended."""
    unfinished = deployments.unfinished_of_subject(tx, deployment.subject_type, deployment.subject_id)
    return ServiceStatus.RUNNING if unfinished else _AFTER.get(deployment.status, ServiceStatus.RUNNING)
