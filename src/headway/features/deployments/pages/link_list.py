"""The page of the links by which a deployment is read without an account, and the way to make one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from headway.features.deployments.pages.deployment_forms import ONE, title_of
from headway.pages.deployment_rows import address
from headway.pages.forms import Choice, Field, Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.links import AllLinksRow, DeploymentLinksRow, NewDeploymentLinkRow

LINKS_PATH, ALL_LINKS_PATH = "/deployments/{deploymentId}/links", "/deployments/links"
LINKS: Asked[DeploymentLinksRow] = Asked("deployment.links")
ALL_LINKS: Asked[AllLinksRow] = Asked("deployment.allLinks")
CREATE_LINK, REMOVE_LINK = "deployment.createLink", "deployment.removeLink"
_FOLDER = "features/deployments/pages"
_HOUR, _DAY = 3_600, 86_400
LASTING: Mapping[str, str] = {
    str(_HOUR): "an hour",
    str(8 * _HOUR): "eight hours",
    str(_DAY): "a day",
    str(7 * _DAY): "a week",
    str(30 * _DAY): "thirty days",
}
_SAID = (
    "Whoever has the link reads this one deployment without an account: how it stands, its commit, steps and log.",
    "Secrets that Headway knows are masked in the log. Whatever else the program writes there can be read.",
    "The link is shown to you once, and nothing is sent. You can revoke it at any time.",
    "It ends by itself with its time, with this deployment, and when you may not see this any more.",
)
_OFF = "This panel makes no links to deployments (HEADWAY_DEPLOYMENT_LINKS=no)."


async def show(visit: Visit) -> View:
    """The links that have not ended."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    links = await visit.ask(LINKS, deploymentId=visit.path["deploymentId"])
    may_create = links["allowed"] and visit.may(CREATE_LINK)
    every = {"label": "All links", "href": ALL_LINKS_PATH, "icon": "deployments"}
    create = {"label": "Make a link", "href": f"{address(row)}/links/new", "icon": "new", "main": True}
    return View(
        template=f"{_FOLDER}/link_list.html",
        values={
            "above": title_of(row),
            "above_href": address(row),
            "allowed": links["allowed"],
            "links": [{"row": each, "href": f"{address(row)}/links/{each['linkId']}"} for each in links["links"]],
            "actions": (every, create) if may_create else (every,),
        },
        title="Links",
    )


async def _ask(visit: Visit) -> Question:
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    links = await visit.ask(LINKS, deploymentId=visit.path["deploymentId"])
    choices = tuple(Choice(value=value, label=label) for value, label in LASTING.items())
    return Question(
        title=f"Share “{title_of(row)}” by a link?",
        consequences=_SAID if links["allowed"] else (_OFF,),
        button="Make the link" if links["allowed"] else "",
        values={"expiresIn": str(_DAY)},
        fields={"expiresIn": Field(label="It lasts", options=choices)},
    )


def _show_made(visit: Visit, answer: object) -> View:
    made = cast("NewDeploymentLinkRow", answer)
    back = LINKS_PATH.format(**visit.path)
    values = {"row": made, "path": f"/shared/{made['token']}", "href": back}
    return View(template=f"{_FOLDER}/link_made.html", values=values, title="The link is made")


PAGE = Page(
    path=LINKS_PATH,
    permission=LINKS.name,
    show=show,
    forms={
        "new": Form(
            operation=lambda _visit: CREATE_LINK,
            given=lambda visit: {"deploymentId": visit.path["deploymentId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="The link is made."),
            then=lambda visit, _answer: LINKS_PATH.format(**visit.path),
            fields={"expiresIn": Kind.WHOLE},
            suggests=True,
            shows=_show_made,
        )
    },
)
