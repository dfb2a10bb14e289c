"""The page that tests the connection to a server: what is found there now, or why it cannot be entered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.features.servers.pages.reach import KEY_CHANGED
from headway.features.servers.pages.server_forms import ONE, address
from headway.kernel.errors import InvalidInput
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.servers.api.rows import ValidationRow

PATH = "/servers/{serverId}/connection"
LOOK: Asked[ValidationRow] = Asked("server.validate")
_SECONDS = 40.0


async def show(visit: Visit) -> View:
    """What the server says of itself now."""
    row = await visit.ask(ONE, serverId=visit.path["serverId"])
    try:
        found = await visit.ask_within(_SECONDS, LOOK, serverId=row["serverId"])
    except InvalidInput as closed:  # it lacks what it would be entered with
        found = Unknown(why=closed.message)
    why = found.why if isinstance(found, Unknown) else None
    path = address(row)
    offers_key = why is not None and why.startswith(KEY_CHANGED) and visit.may("server.update")
    return View(
        template="features/servers/pages/connection.html",
        values={
            "row": row,
            "found": None if isinstance(found, Unknown) else found,
            "why": why,
            "again": f"{path}/connection",
            "accept": f"{path}/accept-key" if offers_key else None,
            "change": f"{path}/change" if visit.may("server.update") else None,
            "set_up": f"{path}/set-up" if visit.may("server.setup") else None,
        },
        title=f"Connection to {cut(row['name'], 120)}",
    )


PAGE = Page(path=PATH, permission=LOOK.name, show=show)
