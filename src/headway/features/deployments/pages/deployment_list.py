"""The page of all deployments: filters that stand in its address, and a way further back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.api.problems import Problem
from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.status import Reason, Status
from headway.features.deployments.pages.deployment_strip import strip_values
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import CentralRow, SearchPage

PATH = "/deployments"
ROWS = 50
SEARCH: Asked[SearchPage] = Asked("deployment.search")

# What a filter is called beside its value, by its name in the address, which is that of the search's input.
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "text": "Text",
        "status": "State",
        "reason": "Reason",
        "trigger": "Asked for by",
        "kind": "Kind",
        "type": "Of",
        "id": "ID",
        "projectId": "Project",
        "serverId": "Server",
        "from": "From",
        "to": "Before",
    }
)
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "status": tuple(each.value for each in Status),
        "reason": tuple(each.value for each in Reason),
        "trigger": tuple(each.value for each in Trigger),
        "type": tuple(each.value for each in SubjectType),
    }
)
_TEMPLATE = "features/deployments/pages/deployment_list.html"


async def show(visit: Visit) -> View:
    """The deployments that the filters let through, newest first."""
    view = await _view(visit, _TEMPLATE)
    return replace(view, values={**view.values, **await strip_values(visit, filters_of(visit.query), PATH)})


async def rows(visit: Visit) -> View:
    """The same without the filters."""
    return await _view(visit, "features/deployments/pages/deployment_rows.html")


async def strip(visit: Visit) -> View:
    """The bars of the one service that the list is of."""
    values = await strip_values(visit, filters_of(visit.query), PATH)
    return View(template="features/deployments/pages/deployment_strip.html", values=values, title="Deployments")


async def _view(visit: Visit, template: str) -> View:
    filters, cursor = filters_of(visit.query), visit.query.get("cursor", "").strip()
    given = {**filters, **({"cursor": cursor} if cursor else {})}
    problem, found = None, None
    try:
        found = await visit.ask(SEARCH, **given, limit=ROWS, counts=not cursor)
    except Problem as refused:
        problem = _sentence(refused)
    shown: Sequence[CentralRow] = found["rows"] if found else ()
    values = {
        "filters": {name: filters.get(name, "") for name in LABELS},
        "chips": chips(filters),
        "choices": {name: _options(words, filters.get(name)) for name, words in CHOICES.items()},
        "rows": shown,
        "counts": found["counts"] if found else None,
        "looked_back_to": found["lookedBackTo"] if found else None,
        "problem": problem,
        "newest": address(filters) if cursor else None,
        "older": address({**filters, "cursor": found["nextCursor"]}) if found and found["nextCursor"] else None,
        "pull": _with_query(f"{PATH}/-/rows", given),
        "live": not cursor and any(row["status"] in {Status.PENDING, Status.RUNNING} for row in shown),
    }
    return View(template=template, values=values, title="Deployments", status=200 if problem is None else 400)


def filters_of(query: Mapping[str, str]) -> Mapping[str, str]:
    """The filters that an address holds; what is empty filters nothing, as a form sends it, and nor does an id
    of no type.
    """
    given = {name: text for name in LABELS if (text := query.get(name, "").strip())}
    if "type" not in given:
        given.pop("id", None)  # the form sends it along when the type was taken back
    return given


def chips(filters: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """Each filter with the address that leaves it out; an id goes with the type that it is of."""
    left_out = {"type": ("type", "id")}
    return [
        {
            "label": LABELS[name],
            "value": _words(text) if name in CHOICES else text,
            "href": address({key: each for key, each in filters.items() if key not in left_out.get(name, (name,))}),
        }
        for name, text in filters.items()
    ]


def _options(words: Sequence[str], chosen: str | None) -> Sequence[Mapping[str, str]]:
    """What can be chosen, and what is: an address may name several at once."""
    further = [chosen] if chosen is not None and chosen not in words else []
    return [{"value": each, "label": _words(each)} for each in (*further, *words)]


def _words(text: str) -> str:
    return text.replace("_", " ").replace(",", ", ")


def address(filters: Mapping[str, str | None]) -> str:
    """The address of the list with these filters."""
    return _with_query(PATH, filters)


def _with_query(path: str, query: Mapping[str, str | None]) -> str:
    text = urlencode({name: each for name, each in query.items() if each})
    return f"{path}?{text}" if text else path


def _sentence(refused: Problem) -> str:
    """Which filter is none, and why."""
    told = []
    for issue in refused.issues:
        name = str(next(iter(issue.get("path") or ()), ""))
        message = str(issue.get("message", "")).removeprefix("Invalid input: ")
        told.append(f"{LABELS.get(name, name or 'Filter')}: {message}.")
    return " ".join(told) or refused.message


PAGE = Page(
    path=PATH,
    permission=SEARCH.name,
    show=show,
    parts={"rows": rows, "strip": strip},
    topics=lambda _visit: ("deployments",),
)
