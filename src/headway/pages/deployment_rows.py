"""Rows of deployments, in whatever list: how each can be ended from there, and how long it usually takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.core.deployments.status import Status
from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.history import UsualSpanRow
    from headway.features.deployments.api.rows import DeploymentRow

CANCEL_OPERATION = "deployment.cancel"
KILL_OPERATION = "deployment.killProcess"
DURATIONS: Asked[list[UsualSpanRow]] = Asked("deployment.usualDurations")
_SECONDS = 5.0


async def row_values(visit: Visit, rows: Sequence[DeploymentRow]) -> dict[str, object]:
    """What a table of these rows is given, but for the rows themselves."""
    return {"usual": await usual_of_rows(visit, rows), "ends": ends_of_rows(visit, rows)}


def address(row: DeploymentRow) -> str:
    """Where a deployment is shown."""
    return f"/deployments/{row['deploymentId']}"


def ends_of(visit: Visit, row: DeploymentRow) -> Sequence[Mapping[str, object]]:
    """Links to the questions of ending a deployment that has not ended, as far as the caller may."""
    path, offered = address(row), list[Mapping[str, object]]()
    if not Status(row["status"]).ended and visit.may(CANCEL_OPERATION):
        offered.append({"label": "Cancel", "href": f"{path}/cancel", "icon": "cancel"})
    if row["status"] == "running" and visit.may(KILL_OPERATION):
        offered.append({"label": "Kill", "href": f"{path}/kill", "icon": "kill", "danger": True})
    return offered


def ends_of_rows(visit: Visit, rows: Sequence[DeploymentRow]) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """The same of each row of a list of which anything may be ended, by their ids."""
    return {row["deploymentId"]: ends for row in rows if (ends := ends_of(visit, row))}


async def usual_of_rows(visit: Visit, rows: Sequence[DeploymentRow]) -> Mapping[str, UsualSpanRow]:
    """How long each of these usually takes, of those of which that is known."""
    if not rows:
        return {}
    ids = [row["deploymentId"] for row in rows]
    found = await visit.ask_within(_SECONDS, DURATIONS, deploymentIds=ids)
    return {} if isinstance(found, Unknown) else {each["deploymentId"]: each for each in found}
