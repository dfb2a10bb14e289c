"""What can be done with a deployment: each thing said before it is done, and what became of it said after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from headway.core.deployments.status import Status
from headway.pages.deployment_rows import CANCEL_OPERATION, KILL_OPERATION
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Visit
from headway.pages.words import cut, deployment_state, duration, took, utc

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import DeploymentRow

ONE: Asked[DeploymentRow] = Asked("deployment.one")
REMOVE_OPERATION = "deployment.removeDeployment"
DEPLOYS = (".deploy", ".rollback")  # kinds that release a service


def title_of(row: DeploymentRow) -> str:
    """What a deployment is called."""
    return cut(row["title"].strip() or row["deploymentId"], 120)


def ended_words(word: str, row: DeploymentRow) -> str:
    """What ending a deployment came to, from its row as it is now: it may have ended by itself just before."""
    if row["reason"] not in {"cancelled", "killed"}:
        return f"It had ended by itself: {deployment_state(row).word}, {utc(row['finishedAt'])}."
    said = f"{word}: nothing of it {'is left' if word == 'Killed' else 'runs any more'}."
    if row["startedAt"] is None:
        return f"{said} It had not begun."
    step = f"in step {cut(row['steps'][-1]['name'], 64)}, " if row["steps"] else ""
    return f"{said} It was {step}{duration(took(row))} after it began; what was half made of it is removed."


async def _ask_cancel(visit: Visit) -> Question:
    row = await _row(visit)
    ended = has_ended(row)
    return Question(
        title=f"Cancel “{title_of(row)}”?",
        consequences=(ended,)
        if ended
        else (
            (f"It waits still: it leaves the queue and never begins.{_serves_on(row)}",)
            if row["status"] == "pending"
            else (
                *_at_work(row),
                "What runs of it is asked to end by itself (SIGTERM), and killed when its grace is over.",
                f"What is half made of it is removed.{_serves_on(row)}",
            )
        ),
        button="" if ended else "Cancel it",
    )


async def _ask_kill(visit: Visit) -> Question:
    row = await _row(visit)
    ended = has_ended(row)
    return Question(
        title=f"Kill “{title_of(row)}”?",
        consequences=(ended,)
        if ended
        else (
            *_at_work(row),
            "All of its processes are ended now (SIGKILL), and it is looked that none is left.",
            f"What is half made of it is removed.{_serves_on(row)}",
        ),
        button="" if ended else "Kill it",
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
        button="" if runs else "Remove it",
        danger=True,
    )


def _serves_on(row: DeploymentRow) -> str:
    """What is true of applications alone: of them what is new starts beside what serves, and takes over in the end."""
    return " What serves now goes on." if row["kind"].startswith("application.") else ""


def _at_work(row: DeploymentRow) -> tuple[str, ...]:
    """What of it runs now."""
    if row["status"] != "running" or not row["startedAt"]:
        return ()
    began = f"It runs since {utc(row['startedAt'])}"
    at = row["steps"][-1] if row["steps"] else None
    return (f"{began}, in step {cut(at['name'], 64)} since {utc(at['startedAt'])}." if at else f"{began}.",)


def has_ended(row: DeploymentRow) -> str:
    """That a deployment has ended already, and how; "" where it has not."""
    if not Status(row["status"]).ended:
        return ""
    return f"It has ended already: {deployment_state(row).word}, {utc(row['finishedAt'])}. There is nothing to end."


async def _row(visit: Visit) -> DeploymentRow:
    return await visit.ask(ONE, deploymentId=visit.path["deploymentId"])


def _given(visit: Visit) -> Mapping[str, object]:
    return {"deploymentId": visit.path["deploymentId"]}


def _same(visit: Visit, _answer: object) -> str:
    return f"/deployments/{visit.path['deploymentId']}"


def _did_end(word: str) -> Callable[[Visit, object], Awaitable[Flash]]:
    async def did(visit: Visit, _answer: object) -> Flash:
        return Flash(text=ended_words(word, await _row(visit)))

    return did


CANCEL = Form(
    operation=lambda _visit: CANCEL_OPERATION,
    given=_given,
    asks=_ask_cancel,
    did=_did_end("Cancelled"),
    then=_same,
)
KILL = Form(
    operation=lambda _visit: KILL_OPERATION,
    given=_given,
    asks=_ask_kill,
    did=_did_end("Killed"),
    then=_same,
)
REMOVE = Form(
    operation=lambda _visit: REMOVE_OPERATION,
    given=_given,
    asks=_ask_remove,
    did=lambda _visit, _answer: Flash(
        text="Removed: its record and its log are gone. What it released stays as it is."
    ),
    then=lambda _visit, _answer: "/deployments",
)
