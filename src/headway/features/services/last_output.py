"""What the newest deployment of something said, for whoever asks for the output of what does not serve."""

from __future__ import annotations

from typing import Any

from headway.core.deployments import store
from headway.core.deployments.model import Deployment
from headway.core.deployments.service import LogFiles
from headway.core.deployments.status import Status
from headway.features.services.model import Service
from headway.infra.db.engine import Database


async def last_try(db: Database, logs: LogFiles, service: Service[Any], tail: int) -> str:
    """The last lines of its log, led by a line that says what they are; "" where nothing was tried. Nothing of it is a
    secret, since a deployment's log is masked as it is written.
    """
    found = await db.read(lambda tx: store.of_subject(tx, service.subject_type, service.service_id))
    if not found:
        return ""
    newest = found[0]
    text = await logs.tail(newest.deployment_id, tail)
    return f"[headway] {_said(newest)}\n{text}"


def _said(newest: Deployment) -> str:
    where = f"What follows is the end of its log (headway deployments logs {newest.deployment_id})."
    match newest.status:
        case Status.ERROR:
            return f"Nothing serves: the last deployment ended in an error ({newest.reason}). {where}"
        case Status.DONE:
            return f"Nothing serves now; the last deployment was done. {where}"
        case _:
            return f"Nothing serves yet: a deployment is {newest.status}. {where}"
