"""The page of all servers: whether each answers, what it has, and what waits for it; and the way to add one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.features.servers.pages.reach import PURPOSES, reach_of
from headway.features.servers.pages.server_forms import ADD
from headway.pages.list_view import AFTER, part_of, view_values
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.usage_pictures import machine_usage_values

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import SearchPage
    from headway.features.servers.api.rows import ListedServerRow

PATH = "/servers"
ALL: Asked[list[ListedServerRow]] = Asked("server.all")
DEPLOYMENTS: Asked[SearchPage] = Asked("deployment.search")
ROWS = 100
_LOOKED_AT = 100
_SECONDS = 2.0


async def show(visit: Visit) -> View:
    """Every server, and what the panel's own machine uses."""
    view, used = await _view(visit, "server_list.html"), await machine_usage_values(visit, None, PATH)
    return replace(view, values={**view.values, **used})


async def rows(visit: Visit) -> View:
    """The list alone."""
    return await _view(visit, "server_rows.html")


async def usage(visit: Visit) -> View:
    """What the panel's own machine uses."""
    return View(template="features/usage/pages/usage.html", values=await machine_usage_values(visit, None, PATH))


async def _view(visit: Visit, template: str) -> View:
    servers = await visit.ask(ALL)
    found = await visit.ask_within(_SECONDS, DEPLOYMENTS, status="pending,running", limit=_LOOKED_AT)
    part = part_of(servers, lambda each: each["serverId"], visit.query.get(AFTER, ""), ROWS)
    add = {"label": "Add a server", "href": f"{PATH}/add", "icon": "new", "main": True}
    return View(
        template=f"features/servers/pages/{template}",
        values={
            **view_values(PATH, {}, part),
            "lines": lines_of(part.rows, None if isinstance(found, Unknown) else found),
            "actions": (add,) if visit.may("server.create") else (),
            "makes_keys": visit.may("sshKey.create"),
            "live": not isinstance(found, Unknown) and bool(found["rows"]),
        },
        title="Servers",
    )


def lines_of(servers: Sequence[ListedServerRow], found: SearchPage | None) -> Sequence[Mapping[str, object]]:
    """Each server with its state and how much waits for it or runs there; None where that is not known."""
    work = Counter(
        server_id
        for row in (() if found is None else found["rows"])
        for server_id in {row["serverId"], row["buildServerId"]} - {None}
    )
    return [
        {
            "row": each,
            "reach": reach_of(each),
            "purpose": PURPOSES[each["serverType"]],
            "work": None if found is None else work[each["serverId"]],
            "more": found is not None and found["nextCursor"] is not None,  # that was not looked at
        }
        for each in servers
    ]


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    parts={"list": rows, "usage": usage},
    forms={"add": ADD},
    topics=lambda _visit: ("servers", "deployments"),
)
