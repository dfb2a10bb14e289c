"""The page of one container: what it does and since when, its log, and the way to start it anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.containers.pages import container_list
from headway.features.containers.pages.container_list import SERVICES
from headway.features.containers.pages.container_states import address, state_of, terminal_of
from headway.pages.forms import Flash, Form, Question
from headway.pages.log_window import ShownLog, answered, log_values
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.containers.api.observations import OwnedContainerRow
    from headway.features.services.api.log_rows import TextHitsRow, WrittenLinesRow

ONE: Asked[OwnedContainerRow] = Asked("docker.one")
LINES: Asked[WrittenLinesRow] = Asked("docker.logLines")
FIND: Asked[TextHitsRow] = Asked("docker.findInLog")
RESTART = "docker.restartContainer"
_DOWNLOAD = "docker.log"
_FOLDER = "features/containers/pages"
_SECONDS = 3.0


async def show(visit: Visit) -> View:
    """All of it."""
    row = await _row(visit)
    values = {**await _state(visit, row), **await _log(visit, row)}
    return View(template=f"{_FOLDER}/container.html", values=values, title=cut(row["name"], 120))


async def state(visit: Visit) -> View:
    """What it does."""
    return View(template=f"{_FOLDER}/container_state.html", values=await _state(visit, await _row(visit)))


async def log(visit: Visit) -> View:
    """What it wrote."""
    return View(template=f"{_FOLDER}/container_log.html", values=await _log(visit, await _row(visit)))


async def _row(visit: Visit) -> OwnedContainerRow:
    return await visit.ask(ONE, **_given(visit))


def _given(visit: Visit) -> Mapping[str, str]:
    """The container that the address names."""
    server = {"serverId": visit.path["serverId"]} if "serverId" in visit.path else {}
    return {"containerId": visit.path["containerId"], **server}


async def _state(visit: Visit, row: OwnedContainerRow) -> Mapping[str, object]:
    services = await visit.ask_within(_SECONDS, SERVICES)
    known = () if isinstance(services, Unknown) else services
    service = next((each for each in known if each["serviceId"] == row["serviceId"]), None)
    restart = {"label": "Restart", "href": f"{address(row)}/restart", "icon": "redeploy"}
    return {
        "row": row,
        "state": state_of(row),
        "service": service,
        "actions": (*terminal_of(visit, row, service), *((restart,) if visit.may(RESTART) else ())),
        "state_pull": f"{address(row)}/-/state",
    }


async def _log(visit: Visit, row: OwnedContainerRow) -> Mapping[str, object]:
    shown = ShownLog(path=address(row), lines=LINES, find=FIND, given=_given(visit))
    goes_on = row["state"] == "running"
    log = await log_values(visit, shown, await answered(visit, shown), goes_on=goes_on)
    return {"log": log, "log_pull": f"{address(row)}/-/log", "tools": shown.downloads(visit, _DOWNLOAD)}


async def _ask(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Restart “{cut(row['name'], 120)}”?",
        consequences=(
            "Its program is told to end, and is ended where it does not; then it is started anew as it was.",
            "Until it is up again, nobody is answered by this container.",
            "What it has written to its volumes stays, and so does what it has written beside them.",
        ),
        button="Restart it",
        danger=True,
    )


def _page(path: str) -> Page:
    return Page(
        path=path,
        permission=ONE.name,
        show=show,
        parts={"state": state, "log": log},
        topics=lambda _visit: ("containers", "services"),
        forms={
            "restart": Form(
                operation=lambda _visit: RESTART,
                given=_given,
                asks=_ask,
                did=lambda _visit, _answer: Flash(text="It was ended and started anew."),
                then=_then,
            )
        },
    )


def _then(visit: Visit, _answer: object) -> str:
    ids = visit.path
    where = f"/servers/{ids['serverId']}" if "serverId" in ids else ""
    return f"{container_list.PATH}{where}/{ids['containerId']}"


HERE = _page("/containers/{containerId}")
ON_SERVER = _page("/containers/servers/{serverId}/{containerId}")
