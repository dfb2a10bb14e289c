"""The page of the previews of all services: how each stands, where it is reached, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.previews.pages.preview_words import ended_of, state_of, title_of
from headway.pages.list_view import AFTER, chips, filters_of, holds, options, part_of, view_values, words_of
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.previews.api.listed_rows import ListedPreviewRow
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/previews"
ALL: Asked[list[ListedPreviewRow]] = Asked("previewDeployment.overview")
SERVICES: Asked[list[GlanceRow]] = Asked("service.all")
ROWS = 100
MOST_SERVICES = 200
_FILTERS: Mapping[str, str] = {"text": "Text", "serviceId": "Service"}


async def show(visit: Visit) -> View:
    """Every preview that the filters let through, and the services that may have some."""
    values = await _values(visit)
    services = [each for each in await visit.ask(SERVICES) if each["kind"] != "database"]
    values["settings"] = services[:MOST_SERVICES]
    return View(template="features/previews/pages/preview_list.html", values=values, title="Previews")


async def rows(visit: Visit) -> View:
    """The list alone."""
    return View(template="features/previews/pages/preview_rows.html", values=await _values(visit))


async def _values(visit: Visit) -> dict[str, object]:
    filters, every = filters_of(visit.query, _FILTERS), await visit.ask(ALL)
    found = [each for each in every if _passes(each, filters)]
    of_services = ((each["serviceId"], each["serviceName"]) for each in every)
    services = options(of_services, filters.get("serviceId"))
    told = chips(PATH, _FILTERS, filters, words_of(services))
    return {**list_values(visit, found, PATH, filters), "chips": told, "services": services}


def list_values(
    visit: Visit, found: Sequence[ListedPreviewRow], path: str, filters: Mapping[str, str]
) -> dict[str, object]:
    """What the list needs to show these, from the one on that the address names."""
    part = part_of(found, lambda each: each["previewDeploymentId"], visit.query.get(AFTER, ""), ROWS)
    return {
        **view_values(path, filters, part),
        "lines": [line_of(each) for each in part.rows],
        "chips": (),
        "live": any(each["lastRun"] is not None and each["lastRun"]["finishedAt"] is None for each in part.rows),
    }


def line_of(row: ListedPreviewRow) -> Mapping[str, object]:
    """A preview with its title and its state."""
    return {"row": row, "title": title_of(row), **state_of(row, ended_of(row["lastRun"]))}


def _passes(row: ListedPreviewRow, filters: Mapping[str, str]) -> bool:
    texts = (title_of(row), row["branch"], row["serviceName"], row["pullRequestAuthor"])
    return filters.get("serviceId") in {None, row["serviceId"]} and holds(filters, *texts)


PAGE = Page(path=PATH, permission=ALL.name, show=show, parts={"list": rows}, topics=lambda _visit: ("previews",))
