"""The page of one container: what it does and since when, its last lines, and the way to start it anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.containers.pages import container_list
from headway.features.containers.pages.container_list import SERVICES
from headway.features.containers.pages.container_states import address, state_of
from headway.kernel.ansi import NO_STYLE, runs_from
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.containers.api.observations import ContainerOutputRow, OwnedContainerRow

ONE: Asked[OwnedContainerRow] = Asked("docker.one")
OUTPUT: Asked[ContainerOutputRow] = Asked("docker.readOutput")
RESTART = "docker.restartContainer"
LINES = 200
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
    """What it wrote last."""
    return View(template=f"{_FOLDER}/container_log.html", values=await _log(visit, await _row(visit)))


async def _row(visit: Visit) -> OwnedContainerRow:
    return await visit.ask(ONE, **_given(visit))


def _given(visit: Visit) -> Mapping[str, object]:
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
        "actions": (restart,) if visit.may(RESTART) else (),
        "state_pull": f"{address(row)}/-/state",
    }


async def _log(visit: Visit, row: OwnedContainerRow) -> Mapping[str, object]:
    found = await visit.ask_within(_SECONDS, OUTPUT, **_given(visit), tail=LINES)
    told: Mapping[str, object] = {"lines": (), "is_cut": False, "log_unknown": found}
    if not isinstance(found, Unknown):
        told = {"lines": _runs(found["text"]), "is_cut": found["cut"], "log_unknown": None}
    return {**told, "most": LINES, "log_pull": f"{address(row)}/-/log", "live": row["state"] == "running"}


def _runs(text: str) -> list[Mapping[str, object]]:
    """The lines as they are shown, each with its colours."""
    style = NO_STYLE
    shown: list[Mapping[str, object]] = []
    for number, line in enumerate(text.split("\n")[: -1 if text.endswith("\n") else None], 1):
        runs, style = runs_from(line, style)
        shown.append({"n": number, "runs": runs})
    return shown if text else []


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
