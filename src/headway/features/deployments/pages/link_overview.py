"""The page of the links to all deployments: each leads to what it opens, and is revoked by itself or with others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.deployments.pages.link_list import ALL_LINKS, ALL_LINKS_PATH, REMOVE_LINK
from headway.pages.forms import Act, Became, Question, Several, Thing
from headway.pages.list_view import AFTER, chips, filters_of, holds, list_address, part_of, view_values
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut, plural, utc

if TYPE_CHECKING:
    from headway.features.deployments.api.links import ListedLinkRow

ROWS = MOST = 50
FIELD = "row-"  # and the ids: a field of its own for each, as a browser sends it without scripts
_FILTERS: Mapping[str, str] = {"text": "Text"}
_IDS = re.compile(r"[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}")  # of the deployment and the link


async def show(visit: Visit) -> View:
    """The links that have not ended, as far as the filter lets them through."""
    filters, every = filters_of(visit.query, _FILTERS), await visit.ask(ALL_LINKS)
    found = [each for each in every["links"] if _passes(each, filters)]
    part = part_of(found, lambda each: each["linkId"], visit.query.get(AFTER, ""), ROWS)
    here, may_revoke = list_address(ALL_LINKS_PATH, {**filters, AFTER: part.after}), visit.may(REMOVE_LINK)
    return View(
        template="features/deployments/pages/link_overview.html",
        values={
            **view_values(ALL_LINKS_PATH, filters, part),
            "chips": chips(ALL_LINKS_PATH, _FILTERS, filters),
            "allowed": every["allowed"],
            "lines": [_line(each, here) for each in part.rows],
            "here": here,
            "revokes": f"{ALL_LINKS_PATH}/revoke" if may_revoke else None,
        },
        title="Links to deployments",
    )


def _passes(row: ListedLinkRow, filters: Mapping[str, str]) -> bool:
    project = None if row["environment"] is None else row["environment"]["project"]["name"]
    return holds(filters, row["title"], row["serviceName"], project, row["madeBy"])


def _line(row: ListedLinkRow, here: str) -> Mapping[str, object]:
    """A link, what it is chosen by, and the way to its end, which leads back to where it was listed."""
    one = _address(row["deploymentId"])
    revoke = list_address(f"{one}/links/{row['linkId']}/revoke", {"back": here})
    return {
        "row": row,
        "title": _title(row),
        "href": one,
        "field": f"{FIELD}{_key(row)}",
        "actions": ({"label": "Revoke", "href": revoke, "icon": "remove", "danger": True},),
    }


def _key(row: ListedLinkRow) -> str:
    return f"{row['deploymentId']}.{row['linkId']}"


def _title(row: ListedLinkRow) -> str:
    return row["title"].strip() or row["deploymentId"]


def _address(deployment_id: str) -> str:
    return f"/deployments/{deployment_id}"


def _chosen(visit: Visit) -> Sequence[str]:
    named = [name.removeprefix(FIELD) for name in visit.query if name.startswith(FIELD)]
    return [each for each in named if _IDS.fullmatch(each)]


async def _ask(visit: Visit) -> Question:
    keys = _chosen(visit)
    if not keys or len(keys) > MOST:
        why = f"At most {MOST} at once: {len(keys)} are chosen." if keys else "Choose them in the list first."
        return Question(title="Revoke several links", consequences=(why,), button="")
    known = {_key(each): each for each in (await visit.ask(ALL_LINKS))["links"]}
    return Question(
        title=f"Revoke {plural(len(keys), 'link')}?",
        consequences=(
            "Whoever has one sees nothing any more, and who follows a log by it now is sent away.",
            "Each is revoked by itself, whatever becomes of the others.",
        ),
        button="Revoke them",
        danger=True,
        things=[_thing(each, known.get(each)) for each in keys],
    )


def _thing(key: str, row: ListedLinkRow | None) -> Thing:
    """What is shown of one in the question: the deployment that it opens, by which it is known."""
    if row is None:
        return Thing(label=key.partition(".")[2], standing="it is not there any more")
    standing = f"made by {cut(row['madeBy'], 60)}, until {utc(row['endsAt'])}"
    return Thing(label=_title(row), standing=standing, path=_address(row["deploymentId"]))


async def _act(_visit: Visit, key: str) -> Act:
    deployment_id, _, link_id = key.partition(".")
    return Act(operation=REMOVE_LINK, given={"deploymentId": deployment_id, "linkId": link_id})


async def _did(_visit: Visit, _key: str, _answer: object) -> Became:
    return Became(text="Revoked: it opens nothing any more.")


PAGE = Page(
    path=ALL_LINKS_PATH,
    permission=ALL_LINKS.name,
    show=show,
    several={"revoke": Several(ids=_chosen, asks=_ask, act=_act, did=_did, back=ALL_LINKS_PATH)},
)
