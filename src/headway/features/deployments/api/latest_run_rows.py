"""The newest deployment of what runs again and again, as lists of that show it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.latest_runs import LatestRun


class LatestRunRow(TypedDict):
    """The newest deployment of something: as it stands, or how it ended."""

    deploymentId: str
    kind: str
    status: Literal["pending", "running", "done", "error"]
    reason: str | None
    errorMessage: str | None
    createdAt: str
    startedAt: str | None
    finishedAt: str | None
    outOfReachSince: str | None


def latest_run_row(run: LatestRun | None) -> LatestRunRow | None:
    """The row; null where nothing has run yet."""
    if run is None:
        return None
    return {
        "deploymentId": run.deployment_id,
        "kind": run.kind,
        "status": run.status.value,
        "reason": None if run.reason is None else run.reason.value,
        "errorMessage": run.error_message,
        "createdAt": moment(run.created_at),
        "startedAt": moment(run.started_at),
        "finishedAt": moment(run.finished_at),
        "outOfReachSince": moment(run.out_of_reach_since),
    }
