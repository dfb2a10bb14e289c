"""Ends what waits and what runs of one subject, whatever type it is of."""

from __future__ import annotations

from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent, Status
from headway.infra.db.engine import Database
from headway.kernel.errors import InvalidInput


async def end_unfinished(
    db: Database,
    stopping: Stopping,
    subject_type: SubjectType,
    subject_id: str,
    intent: Intent,
    *,
    only: Status | None = None,
) -> None:
    """Ends the subject's deployments, with ``only`` those of that status; the waiting ones first, so that none of them
    begins when one that runs makes room. Raises Unavailable where a host does not answer.
    """
    found = await db.read(lambda tx: store.unfinished_of_subject(tx, subject_type, subject_id))
    waiting = [each.deployment_id for each in found if each.status is Status.PENDING and only is not Status.RUNNING]
    running = [each.deployment_id for each in found if each.status is not Status.PENDING]
    begun = waiting if intent is Intent.KILL else await stopping.cancel_waiting(waiting, intent)
    if only is not Status.PENDING:
        for deployment_id in [*(begun if only is None else ()), *running]:
            await _end(stopping, deployment_id, intent)


async def end_unfinished_on(db: Database, stopping: Stopping, host_id: str, intent: Intent) -> None:
    """The same for all that is of one host, whatever it belongs to."""
    found = await db.read(lambda tx: store.unfinished_of_host(tx, host_id))
    for deployment in sorted(found, key=lambda each: each.status is not Status.PENDING):
        wish = intent if deployment.status is Status.RUNNING else Intent.CANCEL
        await _end(stopping, deployment.deployment_id, wish)


async def _end(stopping: Stopping, deployment_id: str, intent: Intent) -> None:
    try:
        if intent is Intent.KILL:
            await stopping.kill(deployment_id)
        else:
            await stopping.cancel(deployment_id, intent)
    except InvalidInput:
        return  # it has ended by itself meanwhile
