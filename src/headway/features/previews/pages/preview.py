"""The page of one preview: its pull request, how it stands and where it is reached, its deployments, and its forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.previews.pages.preview_words import state_of, title_of
from headway.pages.deployment_rows import row_values
from headway.pages.forms import Field, Flash, Form, Kind, Question, Started
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.previews.api.rows import PreviewDeploymentRow

LIST = "/previews"
PATH = "/previews/{previewDeploymentId}"
ONE: Asked[PreviewDeploymentRow] = Asked("previewDeployment.one")
ROWS = 20


async def show(visit: Visit) -> View:
    """All of it."""
    row = await _row(visit)
    values = {**_standing(visit, row), **await _deployments(visit, row)}
    return View(template="features/previews/pages/preview.html", values=values, title=title_of(row))


async def standing(visit: Visit) -> View:
    """How it stands, and what can be done."""
    row = await _row(visit)
    return View(template="features/previews/pages/preview_standing.html", values=_standing(visit, row))


async def deployments(visit: Visit) -> View:
    """Its newest deployments."""
    row = await _row(visit)
    return View(template="features/previews/pages/preview_deployments.html", values=await _deployments(visit, row))


async def _row(visit: Visit) -> PreviewDeploymentRow:
    return await visit.ask(ONE, previewDeploymentId=visit.path["previewDeploymentId"])


def _standing(visit: Visit, row: PreviewDeploymentRow) -> Mapping[str, object]:
    newest = row["deployments"][0] if row["deployments"] else None
    service_id, kind = row["applicationId"] or row["composeId"], "compose" if row["composeId"] else "application"
    return {
        "row": row,
        "title_of_it": title_of(row),
        **state_of(row, None if newest is None else newest["finishedAt"]),
        "service": f"/services/{service_id}",
        "settings": f"{LIST}/of/{kind}/{service_id}",
        "actions": _actions(visit, row),
        "standing_pull": f"{LIST}/{row['previewDeploymentId']}/-/standing",
        "live": _is_under_way(row),
    }


async def _deployments(visit: Visit, row: PreviewDeploymentRow) -> Mapping[str, object]:
    rows = row["deployments"][:ROWS]
    more = f"/deployments?type=previewDeployment&id={row['previewDeploymentId']}"
    return {
        "row": row,
        "title_of_it": title_of(row),
        "rows": rows,
        **await row_values(visit, rows),
        "more": more if len(row["deployments"]) > ROWS else None,
        "deployments_pull": f"{LIST}/{row['previewDeploymentId']}/-/deployments",
        "live": _is_under_way(row),
    }


def _is_under_way(row: PreviewDeploymentRow) -> bool:
    return any(each["finishedAt"] is None for each in row["deployments"])


def _actions(visit: Visit, row: PreviewDeploymentRow) -> Sequence[Mapping[str, object]]:
    path = f"{LIST}/{row['previewDeploymentId']}"
    offered: list[Mapping[str, object]] = []
    if row["awaitsApproval"]:
        if visit.may("previewDeployment.approve"):
            offered.append({"label": "Approve its commit", "href": f"{path}/approve", "icon": "check", "main": True})
    elif visit.may("previewDeployment.redeploy"):
        offered.append({"label": "Redeploy", "href": f"{path}/redeploy", "icon": "redeploy"})
    if visit.may("previewDeployment.delete"):
        offered.append({"label": "Remove", "href": f"{path}/remove", "icon": "remove", "danger": True})
    return offered


async def _ask_redeploy(visit: Visit) -> Question:
    row = await _row(visit)
    wakes = ("It sleeps: it is woken by that.",) if row["asleepSince"] else ()
    return Question(
        title=f"Redeploy the preview of “{title_of(row)}”?",
        consequences=(*wakes, "What its pull request is now is fetched and built, with the settings of now."),
        button="Redeploy it",
    )


async def _ask_approve(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Let a commit of {cut(row['pullRequestAuthor'], 80) or 'somebody'} run?",
        consequences=(
            "The pull request comes from a fork: whoever wrote it has no right to the repository.",
            "What it holds is built and run here, with the variables of previews. Look at all of it first.",
            f"Only this commit may run: {row['head']}. A later one has to be approved again.",
        ),
        button="Approve it",
        danger=True,
        values={"commit": row["head"]},
        fields={"commit": Field(label="The commit that you have looked at")},
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Remove the preview of “{title_of(row)}”?",
        consequences=(
            "What runs of it is ended, and its address answers nobody. Its volumes and its logs go too.",
            "The pull request and the service itself stay as they are. The next push to it opens another preview.",
        ),
        button="Remove it",
        danger=True,
    )


def _given(visit: Visit) -> Mapping[str, object]:
    return {"previewDeploymentId": visit.path["previewDeploymentId"]}


def _did(_visit: Visit, answer: object) -> Flash:
    again = isinstance(answer, Started) and answer.again
    return Flash(text="It was queued already." if again else "Queued: it begins as soon as it may.")


def _to_deployment(visit: Visit, answer: object) -> str:
    if isinstance(answer, Started):
        return f"/deployments/{answer.deployment_id}"
    return f"{LIST}/{visit.path['previewDeploymentId']}"


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"standing": standing, "deployments": deployments},
    topics=lambda _visit: ("previews",),
    forms={
        "redeploy": Form(
            operation=lambda _visit: "previewDeployment.redeploy",
            given=_given,
            asks=_ask_redeploy,
            did=_did,
            then=_to_deployment,
        ),
        "approve": Form(
            operation=lambda _visit: "previewDeployment.approve",
            given=_given,
            asks=_ask_approve,
            did=_did,
            then=_to_deployment,
            fields={"commit": Kind.TEXT},
        ),
        "remove": Form(
            operation=lambda _visit: "previewDeployment.delete",
            given=_given,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed: nothing of it answers any more, and the rest goes now."),
            then=lambda _visit, _answer: LIST,
        ),
    },
)
