"""The page of one link to a deployment, and the way to revoke it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.features.deployments.pages.deployment_forms import ONE, title_of
from headway.features.deployments.pages.link_list import LINKS, LINKS_PATH, REMOVE_LINK
from headway.kernel.errors import NotFound
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut, utc

if TYPE_CHECKING:
    from headway.features.deployments.api.links import DeploymentLinkRow

PATH = f"{LINKS_PATH}/{{linkId}}"


async def show(visit: Visit) -> View:
    """Who made it, and until when it opens the deployment."""
    deployment = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    row = await _row(visit)
    revoke = {"label": "Revoke", "href": f"{PATH.format(**visit.path)}/revoke", "icon": "remove", "danger": True}
    return View(
        template="features/deployments/pages/link.html",
        values={
            "above": f"Links to {title_of(deployment)}",
            "above_href": LINKS_PATH.format(**visit.path),
            "row": row,
            "actions": (revoke,) if visit.may(REMOVE_LINK) else (),
        },
        title="Link",
    )


async def _row(visit: Visit) -> DeploymentLinkRow:
    """The link. Raises NotFound."""
    for each in (await visit.ask(LINKS, deploymentId=visit.path["deploymentId"]))["links"]:
        if each["linkId"] == visit.path["linkId"]:
            return each
    raise NotFound("Link not found")


async def _ask(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title="Revoke this link?",
        consequences=(
            f"{cut(row['madeBy'], 120)} made it. It would last until {utc(row['endsAt'])}.",
            "Whoever has it sees nothing any more, and who follows the log by it now is sent away.",
        ),
        button="Revoke it",
        danger=True,
    )


PAGE = Page(
    path=PATH,
    permission=LINKS.name,
    show=show,
    forms={
        "revoke": Form(
            operation=lambda _visit: REMOVE_LINK,
            given=lambda visit: {"deploymentId": visit.path["deploymentId"], "linkId": visit.path["linkId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="Revoked: the link opens nothing any more."),
            then=lambda visit, _answer: LINKS_PATH.format(deploymentId=visit.path["deploymentId"]),
            returns=True,
        )
    },
)
