"""The page of all deployments: filters that stand in its address, a way further back, and several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.api.problems import Problem
from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment_filters import (
    LABELS,
    PATH,
    chips,
    filters_of,
    form_values,
    known_services,
    with_named,
)
from headway.features.deployments.pages.deployment_selection import buttons_of
from headway.features.deployments.pages.link_list import ALL_LINKS, ALL_LINKS_PATH
from headway.pages.deployment_figures import FILTERS, figures_values
from headway.pages.deployment_rows import row_values
from headway.pages.deployment_strip import strip_values
from headway.pages.list_view import list_address, sentence_of
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import CentralRow, SearchPage

ROWS = 50
SEARCH: Asked[SearchPage] = Asked("deployment.search")
_FOLDER = "features/deployments/pages"
_TEMPLATE = f"{_FOLDER}/deployment_list.html"
_WAYS = ({"label": "Links", "href": ALL_LINKS_PATH, "icon": "copy"},)


async def show(visit: Visit) -> View:
    """The deployments that the filters let through, newest first."""
    services = await known_services(visit)
    filters, problem = with_named(filters_of(visit.query), visit.query, services)
    view = await _view(visit, _TEMPLATE, filters, problem)
    further = {
        **form_values(filters, services, visit.query if problem else {}),
        **await strip_values(visit, {} if problem else filters, PATH),
        **({"figures_pull": None} if problem else await _figures_values(visit, filters)),
        "chips": chips(filters, services),
        "ways": _WAYS if visit.may(ALL_LINKS.name) else (),
    }
    return replace(view, values={**view.values, **further})


async def rows(visit: Visit) -> View:
    """The same without the filters."""
    return await _view(visit, "features/deployments/pages/deployment_rows.html", filters_of(visit.query))


async def strip(visit: Visit) -> View:
    """The bars of the one service that the list is of."""
    values = await strip_values(visit, filters_of(visit.query), PATH)
    return View(template="features/deployments/pages/deployment_strip.html", values=values, title="Deployments")


async def figures(visit: Visit) -> View:
    """How those went of late that the list is of."""
    values = await _figures_values(visit, filters_of(visit.query))
    return View(template=f"{_FOLDER}/deployment_figures.html", values=values, title="Deployments")


async def _figures_values(visit: Visit, filters: Mapping[str, str]) -> Mapping[str, object]:
    """None on a later part of the list, and where it is filtered by what figures are not."""
    has_some = filters.keys() <= set(FILTERS) and ("type" in filters) == ("id" in filters)
    if not has_some or "cursor" in visit.query:
        return {"figures_pull": None}
    return await figures_values(visit, filters, f"{PATH}/-/figures")


async def _view(visit: Visit, template: str, filters: Mapping[str, str], problem: str | None = None) -> View:
    """The list; where there is a ``problem`` with what it is to be filtered by, that in its place."""
    cursor, found, is_wrong = visit.query.get("cursor", "").strip(), None, problem is not None
    given = {**filters, **({"cursor": cursor} if cursor else {})}
    try:
        if problem is None:
            found = await visit.ask(SEARCH, **given, limit=ROWS, counts=not cursor)
    except Problem as refused:
        problem = sentence_of(refused, LABELS)
    shown: Sequence[CentralRow] = found["rows"] if found else ()
    following = found["nextCursor"] if found else None
    values: Mapping[str, object] = {
        "chips": chips(filters),
        "rows": shown,
        **await row_values(visit, shown),
        "several": buttons_of(visit),
        "makes": visit.may("application.create"),
        "counts": found["counts"] if found else None,
        "looked_back_to": found["lookedBackTo"] if found else None,
        "problem": problem,
        "newest": list_address(PATH, filters) if cursor else None,
        "older": list_address(PATH, {**filters, "cursor": following}) if following else None,
        "pull": None if is_wrong else list_address(f"{PATH}/-/rows", given),
        "here": list_address(PATH, given),
        "live": not cursor and any(row["status"] in {Status.PENDING, Status.RUNNING} for row in shown),
    }
    return View(template=template, values=values, title="Deployments", status=200 if problem is None else 400)


PAGE = Page(
    path=PATH,
    permission=SEARCH.name,
    show=show,
    parts={"rows": rows, "strip": strip, "figures": figures},
    topics=lambda _visit: ("deployments",),
)
