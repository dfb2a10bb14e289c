"""What the heart must know of applications: whose one is, and its status beside its deployments'."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Owner
from headway.core.deployments.status import Status
from headway.features.services.application import store
from headway.features.services.application.model import AppStatus
from headway.infra.db.transaction import Tx

_AFTER: Mapping[Status, AppStatus] = {Status.DONE: AppStatus.DONE, Status.ERROR: AppStatus.ERROR}


class ApplicationSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Application"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the application is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """See ``status_after``."""
        store.set_fields(tx, deployment.subject_id, status=status_after(tx, deployment))


class RunSubject:
    """What is run once inside an application: it is whose the application is, and says nothing of its status."""

    noun = "Application"

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the application is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """Whatever becomes of a run, the application stays as it is."""


def status_after(tx: Tx, deployment: Deployment) -> AppStatus:
    """``running`` while anything waits or runs for the same, then how the last one ended."""
    unfinished = deployments.unfinished_of_subject(tx, deployment.subject_type, deployment.subject_id)
    return AppStatus.RUNNING if unfinished else _AFTER.get(deployment.status, AppStatus.RUNNING)
