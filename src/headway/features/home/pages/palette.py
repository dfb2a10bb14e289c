"""The command palette: what somebody can go to and do, found by a few words. Each command is a link to a page or to a
question, and does nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.features.home.pages.home import DEPLOYMENTS, SERVERS, UNDER_WAY
from headway.features.services.pages.service_actions import actions_of, address
from headway.features.services.pages.service_list import ALL
from headway.kernel.dataclass import dataclass
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.service_states import state_of

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import CentralRow
    from headway.features.projects.api.rows import ProjectsFound
    from headway.features.servers.api.rows import ListedServerRow
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/palette"
PROJECTS: Asked[ProjectsFound] = Asked("project.search")
MOST = 20  # are shown; who wants another types more
_LOOKED_AT = 100
_MOST_ACTED_ON = 200  # services, by a key: what can be done with one is made of each
_LONGEST = 200  # of what is typed
_SECONDS = 2.0
_FOLDER = "features/home/pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, by what it is called; ``about`` tells it from others that are called so. By ``marks`` it is found
    too, and by the whole word for a ``state``.
    """

    label: str
    about: str
    href: str
    icon: str
    marks: str = ""
    state: str = ""

    def is_meant(self, words: Sequence[str]) -> bool:
        """Whether each word, in small letters, stands in what it is found by."""
        shown = f"{self.label} {self.about} {self.marks}".casefold()
        return all(word in shown or word == self.state for word in words)

    def distance(self, text: str) -> int:
        """How far it is from a text in small letters: what is called just so comes first."""
        label = self.label.casefold()
        return 0 if label == text else 1 if label.startswith(text) else 2


async def show(visit: Visit) -> View:
    """The field, and what was found."""
    return await _view(visit, "palette.html")


async def found(visit: Visit) -> View:
    """What was found, which the palette of an open page asks for."""
    return await _view(visit, "palette_found.html")


async def _view(visit: Visit, template: str) -> View:
    typed = " ".join(visit.query.get("text", "").split())
    text = "".join(each for each in typed if each.isprintable())[:_LONGEST]
    words = text.casefold().split()
    commands, unknowns = await _commands(visit, words)
    meant = sorted((each for each in commands if each.is_meant(words)), key=lambda each: each.distance(text.casefold()))
    values = {
        "text": text,
        "pull": f"{PATH}/-/found?{urlencode({'text': text})}",
        "commands": meant[:MOST],
        "further": len(meant) - MOST,
        "unknowns": unknowns,
    }
    return View(template=f"{_FOLDER}/{template}", values=values, title="Go to")


async def _commands(visit: Visit, words: Sequence[str]) -> tuple[Sequence[Command], Sequence[Unknown]]:
    """All that there are, what is under way first and what does something to a service last; and what was not to be
    had. Projects are asked for by the last word, for one is mostly called after what is done.
    """
    deployments = await visit.ask_within(_SECONDS, DEPLOYMENTS, status=UNDER_WAY, limit=_LOOKED_AT)
    services = await visit.ask_within(_SECONDS, ALL)
    projects = await visit.ask_within(_SECONDS, PROJECTS, q=words[-1] if words else None, limit=_LOOKED_AT)
    servers: list[ListedServerRow] | Unknown = []
    if visit.may(SERVERS.name):
        servers = await visit.ask_within(_SECONDS, SERVERS)
    commands: list[Command] = []
    if not isinstance(deployments, Unknown):
        commands += (command for row in deployments["rows"] for command in _of_deployment(visit, row))
    if not isinstance(services, Unknown):
        commands += (_shown(row) for row in services)
    if not isinstance(servers, Unknown):
        commands += (_named(row["name"], "server", f"/servers/{row['serverId']}", "servers") for row in servers)
    if not isinstance(projects, Unknown):
        rows = projects["items"]
        commands += (_named(row["name"], "project", f"/projects/{row['projectId']}", "projects") for row in rows)
    if not isinstance(services, Unknown):
        commands += (command for row in _acted_on(services, words) for command in _of_service(visit, row))
    return commands, [each for each in (deployments, services, projects, servers) if isinstance(each, Unknown)]


def _named(name: str, about: str, href: str, icon: str) -> Command:
    return Command(label=name, about=about, href=href, icon=icon)


def _of_deployment(visit: Visit, row: CentralRow) -> Iterator[Command]:
    """What is under way: to look at it, and to end it."""
    service, path = row["application"] or row["compose"] or row["database"], f"/deployments/{row['deploymentId']}"
    about = f"{row['status']}, {service['name']}" if service is not None else row["status"]
    yield _named(row["title"], about, path, "deployments")
    if visit.may("deployment.cancel"):
        yield _named(f"Cancel {row['title']}", about, f"{path}/cancel", "cancel")
    if row["status"] == "running" and visit.may("deployment.killProcess"):
        yield _named(f"Kill {row['title']}", about, f"{path}/kill", "kill")


def _acted_on(services: Sequence[GlanceRow], words: Sequence[str]) -> Sequence[GlanceRow]:
    """Those whose name or place has most of the words, as many as there is time for at each key: one word may be what
    is done with it.
    """

    def missed(row: GlanceRow) -> int:
        shown = f"{row['name']} {_about(row)} {_marks(row)}".casefold()
        return sum(word not in shown for word in words)

    return sorted(services, key=missed)[:_MOST_ACTED_ON]


def _shown(row: GlanceRow) -> Command:
    return replace(
        _named(row["name"], _about(row), address(row), "services"), marks=_marks(row), state=state_of(row)[0]
    )


def _of_service(visit: Visit, row: GlanceRow) -> Iterator[Command]:
    """What can be done with a service as it stands, and where it tells of itself."""
    named = partial(Command, about=_about(row), marks=_marks(row))
    for each in actions_of(visit, row, waiting=False):
        yield named(label=f"{each['label']} {row['name']}", href=f"{each['href']}", icon=f"{each['icon']}")
    for label, page, icon in (("Log of", "log", "search"), ("Settings of", "settings", "edit")):
        yield named(label=f"{label} {row['name']}", href=f"{address(row)}/{page}", icon=icon)


def _marks(row: GlanceRow) -> str:
    """The names of its domains, and of its machine."""
    return " ".join((*row["hosts"], row["serverName"] or ""))


def _about(row: GlanceRow) -> str:
    environment = row["environment"]
    return f"{row['database'] or row['kind']}, {environment['project']['name']} / {environment['name']}"


PAGE = Page(
    path=PATH,
    permission=None,
    show=show,
    parts={"found": found},
    topics=lambda _visit: ("services", "deployments"),
)
