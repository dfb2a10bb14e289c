"""What the newest deployment of something said, for whoever asks for the output of what does not serve."""

from __future__ import annotations

from dataclasses import dataclass

from headway.core.deployments import store
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.service import LogFiles
from headway.core.deployments.status import Status
from headway.infra.db.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTry:
    """Reads it; nothing of it is a secret, since a deployment's log is masked as it is written."""

    db: Database
    logs: LogFiles

    async def told(self, subject_type: SubjectType, subject_id: str, tail: int) -> str:
        """The last lines of its log, led by a line that says what they are; "" where nothing was tried."""
        found = await self.db.read(lambda tx: store.of_subject(tx, subject_type, subject_id))
        if not found:
            return ""
        newest = found[0]
        text = await self.logs.tail(newest.deployment_id, tail)
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
