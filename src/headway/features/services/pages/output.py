"""The page of what a service writes: the log of each of its processes or containers, which can be had alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.features.services.pages.service_actions import ONE, router_of
from headway.features.services.pages.service_topics import FOLDER, LOG, framed, path_of, service_of
from headway.kernel.ansi import runs_of
from headway.kernel.errors import NotFound
from headway.kernel.lines import lines_of
from headway.pages.list_view import list_address
from headway.pages.log_window import ShownLog, answered, log_values
from headway.pages.page import Asked, Page, Unknown, View, Visit

if TYPE_CHECKING:
    from headway.features.services.api.log_rows import TextHitsRow, WrittenLinesRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/log"
LINES: Asked[WrittenLinesRow] = Asked("service.logLines")
FIND: Asked[TextHitsRow] = Asked("service.findInLog")
_DOWNLOAD = "service.log"
_LAST_LINES = 200  # of what has no lines that could be counted
_MOST_CHARACTERS = 1 << 20  # of those
_MOST_NAMES = 100
_LONGEST_NAME = 200
_SECONDS = 3.0


async def show(visit: Visit) -> View:
    """All of it."""
    service = await service_of(visit)
    return framed(visit, service, LOG, "output.html", await _values(visit, service))


async def lines(visit: Visit) -> View:
    """The lines."""
    return View(template=f"{FOLDER}/output_lines.html", values=await _values(visit, await service_of(visit)))


async def _values(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    """The log that the address asks for, by its lines; where they cannot be had, or it serves nothing, what is told of
    its output as it is.
    """
    found, shown = await _answered(visit, service)
    names: Sequence[str] = () if isinstance(found, Unknown) else found["names"]
    is_up = service["wanted"] == "up" and service["serving"] is not None
    log = await log_values(visit, shown, found, goes_on=is_up) if names or isinstance(found, Unknown) else None
    path = path_of(service, LOG)
    return {
        "service": service,
        "log": log,
        "rows": () if names else await _last_lines(visit, service),
        "processes": [
            {"label": each, "href": list_address(path, {"of": each}), "current": each == shown.given.get("of")}
            for each in names[:_MOST_NAMES]
            if len(names) > 1
        ],
        "tools": shown.downloads(visit, _DOWNLOAD) if names else (),
        "lines_pull": list_address(f"{path}/-/lines", shown.query),
        "live": is_up and (log is None or bool(log["live"])),
    }


async def _answered(visit: Visit, service: ServiceOverviewRow) -> tuple[Mapping[str, Any] | Unknown, ShownLog]:
    """The lines that the address asks for, and whose they are; of what does not run any more, the first."""
    of = visit.query.get("of", "").strip()[:_LONGEST_NAME]
    try:
        found = await answered(visit, _shown(service, of))
    except NotFound:
        of = ""
        found = await answered(visit, _shown(service, of))
    if not isinstance(found, Unknown) and len(found["names"]) > 1:
        of = found["of"]
    return found, _shown(service, of)


def _shown(service: ServiceOverviewRow, of: str) -> ShownLog:
    path, query = path_of(service, LOG), {"of": of} if of else {}
    return ShownLog(path=path, lines=LINES, find=FIND, given={"serviceId": service["serviceId"], **query}, query=query)


async def _last_lines(visit: Visit, service: ServiceOverviewRow) -> Sequence[Mapping[str, object]]:
    """The last that it wrote, or that its deployment said where it serves nothing, as it is."""
    if service["outOfReachSince"] is not None:
        return ()
    router = router_of(service)
    logs: Asked[str] = Asked(f"{router}.readLogs")
    found = await visit.ask_within(_SECONDS, logs, **{f"{router}Id": service["serviceId"]}, tail=_LAST_LINES)
    if isinstance(found, Unknown):
        return ()
    kept = found[-_MOST_CHARACTERS:]
    shown = lines_of(kept)[1:] if len(kept) < len(found) else lines_of(kept)  # it begins in the middle
    return [{"runs": runs} for runs in runs_of(shown)]


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"lines": lines},
    topics=lambda visit: (f"service:{visit.path['serviceId']}",),
)
