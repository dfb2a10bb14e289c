"""What can be done with a deployment: each thing said before it is done, and what became of it said after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.deployments.status import Status
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Visit
from headway.pages.words import cut, deployment_state, utc

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import DeploymentRow

ONE: Asked[DeploymentRow] = Asked("deployment.one")


def address(row: DeploymentRow) -> str:
    """Where a deployment is shown."""
    return f"/deployments/{row['deploymentId']}"


def title_of(row: DeploymentRow) -> str:
    """What a deployment is called."""
    return cut(row["title"].strip() or row["deploymentId"], 120)


async def _ask_cancel(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Cancel “{title_of(row)}”?",
        consequences=_ended(row)
        or (
            (f"It waits still: it leaves the queue and never begins.{_serves_on(row)}",)
            if row["status"] == "pending"
            else (
                "What runs of it is asked to end by itself (SIGTERM), and killed when its grace is over.",
                f"What is half made of it is removed.{_serves_on(row)}",
            )
        ),
        button="Cancel it",
    )


async def _ask_kill(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Kill “{title_of(row)}”?",
        consequences=_ended(row)
        or (
            "All of its processes are ended now (SIGKILL), and it is looked that none is left.",
            f"What is half made of it is removed.{_serves_on(row)}",
        ),
        button="Kill it",
        danger=True,
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _row(visit)
    waits = ("It waits still: it is cancelled first.",) if row["status"] == "pending" else ()
    runs = ("It runs: it cannot be removed before it has ended.",) if row["status"] == "running" else ()
    return Question(
        title=f"Remove “{title_of(row)}”?",
        consequences=(
            *waits,
            *runs,
            "Its record, its steps and its log are gone for good.",
            "What it released stays as it is.",
        ),
        button="Remove it",
        danger=True,
    )


def _serves_on(row: DeploymentRow) -> str:
    """What is true of applications alone: of them what is new starts beside what serves, and takes over in the end."""
    return " What serves now goes on." if row["kind"].startswith("application.") else ""


def _ended(row: DeploymentRow) -> tuple[str, ...]:
    """That a deployment has ended already, and how; nothing where it has not."""
    if not Status(row["status"]).ended:
        return ()
    return (f"It has ended already: {deployment_state(row).word}, {utc(row['finishedAt'])}. There is nothing to end.",)


async def _row(visit: Visit) -> DeploymentRow:
    return await visit.ask(ONE, deploymentId=visit.path["deploymentId"])


def _given(visit: Visit) -> Mapping[str, object]:
    return {"deploymentId": visit.path["deploymentId"]}


def _same(visit: Visit, _answer: object) -> str:
    return f"/deployments/{visit.path['deploymentId']}"


CANCEL = Form(
    operation=lambda _visit: "deployment.cancel",
    given=_given,
    asks=_ask_cancel,
    did=lambda _visit, _answer: Flash(text="Cancelled: nothing of it runs any more."),
    then=_same,
)
KILL = Form(
    operation=lambda _visit: "deployment.killProcess",
    given=_given,
    asks=_ask_kill,
    did=lambda _visit, _answer: Flash(text="Killed: nothing of it is left."),
    then=_same,
)
REMOVE = Form(
    operation=lambda _visit: "deployment.removeDeployment",
    given=_given,
    asks=_ask_remove,
    did=lambda _visit, _answer: Flash(
        text="Removed: its record and its log are gone. What it released stays as it is."
    ),
    then=lambda _visit, _answer: "/deployments",
)
