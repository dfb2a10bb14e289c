"""The page of one server: whether it answers, what was found there, what is on it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.servers.pages import server_forms
from headway.features.servers.pages.reach import PURPOSES, reach_of, shows_another_key
from headway.features.servers.pages.server_forms import ONE, address, services_on
from headway.pages.deployment_rows import row_values
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.service_lines import lines_of
from headway.pages.usage_pictures import machine_usage_values
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import SearchPage
    from headway.features.servers.api.rows import ServerDetails

PATH = "/servers/{serverId}"
DEPLOYMENTS: Asked[SearchPage] = Asked("deployment.search")
ROWS = 20
_FOLDER = "features/servers/pages"
_MOST_SERVICES = 100
_SECONDS = 2.0


async def show(visit: Visit) -> View:
    """All of it."""
    row = await _row(visit)
    values = {
        **_standing(visit, row),
        **await _deployments(visit, row),
        **await machine_usage_values(visit, row["serverId"], address(row)),
        **await _services(visit, row),
    }
    return View(template=f"{_FOLDER}/server.html", values=values, title=cut(row["name"], 120))


async def standing(visit: Visit) -> View:
    """Whether it answers, and what can be done."""
    return View(template=f"{_FOLDER}/server_standing.html", values=_standing(visit, await _row(visit)))


async def services(visit: Visit) -> View:
    """What is on it, and how that stands."""
    return View(template=f"{_FOLDER}/server_services.html", values=await _services(visit, await _row(visit)))


async def deployments(visit: Visit) -> View:
    """The newest deployments that have to do with it."""
    return View(template=f"{_FOLDER}/server_deployments.html", values=await _deployments(visit, await _row(visit)))


async def usage(visit: Visit) -> View:
    """What the machine uses."""
    row = await _row(visit)
    values = await machine_usage_values(visit, row["serverId"], address(row))
    return View(template="features/usage/pages/usage.html", values=values)


async def _row(visit: Visit) -> ServerDetails:
    return await visit.ask(ONE, serverId=visit.path["serverId"])


def _standing(visit: Visit, row: ServerDetails) -> Mapping[str, object]:
    return {
        "row": row,
        "reach": reach_of(row),
        "purpose": PURPOSES[row["serverType"]],
        "key_changed": shows_another_key(row),
        "actions": _actions(visit, row),
        "standing_pull": f"{address(row)}/-/standing",
        "standing_live": row["reach"]["lastSeenAt"] is None and row["sshKeyId"] is not None,
    }


async def _services(visit: Visit, row: ServerDetails) -> Mapping[str, object]:
    found = await services_on(visit, row["serverId"])
    services = () if isinstance(found, Unknown) else found
    shown = services[:_MOST_SERVICES]
    schedules = {"label": "See its schedules", "href": f"/schedules?serverId={row['serverId']}"}
    return {
        "row": row,
        "lines": await lines_of(visit, shown),
        "more_services": len(services) - len(shown),
        "services_unknown": found if isinstance(found, Unknown) else None,
        "services_tools": (schedules,),
        "services_pull": f"{address(row)}/-/services",
        "services_live": any(each["status"] == "running" for each in shown),
    }


async def _deployments(visit: Visit, row: ServerDetails) -> Mapping[str, object]:
    found = await visit.ask_within(_SECONDS, DEPLOYMENTS, serverId=row["serverId"], limit=ROWS)
    rows = () if isinstance(found, Unknown) else found["rows"]
    more = not isinstance(found, Unknown) and found["nextCursor"] is not None
    return {
        "row": row,
        "rows": rows,
        **await row_values(visit, rows),
        "rows_unknown": found if isinstance(found, Unknown) else None,
        "more": f"/deployments?serverId={row['serverId']}" if more else None,
        "deployments_pull": f"{address(row)}/-/deployments",
        "deployments_live": any(each["status"] in {"pending", "running"} for each in rows),
    }


def _actions(visit: Visit, row: ServerDetails) -> Sequence[Mapping[str, object]]:
    path = address(row)
    offered: list[Mapping[str, object]] = []
    if visit.may("server.validate"):
        offered.append({"label": "Test the connection", "href": f"{path}/connection", "icon": "search"})
    if visit.may("server.setup"):
        is_bare = row["facts"] is None or row["facts"]["docker"] is None
        offered.append({"label": "Set up", "href": f"{path}/set-up", "icon": "deploy", "main": is_bare})
    if visit.may("server.update"):
        offered.append({"label": "Change", "href": f"{path}/change", "icon": "edit"})
        if row["hostKeyFingerprint"] is not None and shows_another_key(row):
            offered.append({"label": "Accept its next key", "href": f"{path}/accept-key", "danger": True})
    if visit.may("server.remove"):
        offered.append({"label": "Remove", "href": f"{path}/remove", "icon": "remove", "danger": True})
        if row["reach"]["outOfReachSince"] is not None:
            offered.append({"label": "Remove by force", "href": f"{path}/remove-by-force", "danger": True})
    return offered


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"standing": standing, "usage": usage, "services": services, "deployments": deployments},
    topics=lambda _visit: ("servers", "services", "deployments"),
    forms={
        "set-up": server_forms.SET_UP,
        "change": server_forms.CHANGE,
        "accept-key": server_forms.ACCEPT_KEY,
        "remove": server_forms.REMOVE,
        "remove-by-force": server_forms.REMOVE_BY_FORCE,
    },
)
