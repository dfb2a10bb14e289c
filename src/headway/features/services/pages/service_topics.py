"""The topics of a service, each a page below its own: what they have around them, and who is shown the way to which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.api.secret_values import veiled
from headway.features.services.pages.service_actions import APPLICATION, COMPOSE, ONE, ROUTERS, address, router_of
from headway.pages.page import Asked, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow
    from headway.features.services.application.api.rows import ApplicationDetails
    from headway.features.services.compose.api.rows import ComposeDetails
    from headway.features.services.database.api.rows import DatabaseDetails

FOLDER = "features/services/pages"
OVERVIEW, LOG, VARIABLES, DOMAINS, SETTINGS = "", "log", "variables", "domains", "settings"
RELEASES, COMPANIONS, DANGER, TERMINAL = "releases", "companions", "danger", "terminal"
APPLICATION_DETAILS: Asked[ApplicationDetails] = Asked("application.one")
COMPOSE_DETAILS: Asked[ComposeDetails] = Asked("compose.one")
_TITLES: Mapping[str, str] = {
    OVERVIEW: "Overview",
    LOG: "Log",
    TERMINAL: "Terminal",
    VARIABLES: "Variables",
    DOMAINS: "Domains",
    SETTINGS: "Settings",
    RELEASES: "Releases",
    COMPANIONS: "Schedules, backups, previews",
    DANGER: "Danger",
}


async def service_of(visit: Visit) -> ServiceOverviewRow:
    """The service that the address names. Raises Missing."""
    return await visit.ask(ONE, serviceId=visit.path["serviceId"])


def framed(visit: Visit, service: ServiceOverviewRow, topic: str, template: str, values: Mapping[str, object]) -> View:
    """A page of a service: ``topic`` is the one that is marked."""
    title = cut(service["name"], 120)
    return View(
        template=f"{FOLDER}/{template}",
        values={"service": service, "tabs": tabs_of(visit, service, topic), **values},
        title=f"{_title_of(service, topic)} of {title}" if topic else title,
    )


def tabs_of(visit: Visit, service: ServiceOverviewRow, topic: str) -> Sequence[Mapping[str, object]]:
    """The way to each topic that the caller may open and that such a service has."""
    return [
        {"label": _title_of(service, each), "href": path_of(service, each), "current": each == topic}
        for each in _TITLES
        if _is_there(visit, service, each)
    ]


def _title_of(service: ServiceOverviewRow, topic: str) -> str:
    """What a topic is called: a database has backups alone of what goes along with services."""
    return "Backups" if topic == COMPANIONS and service["kind"] == "database" else _TITLES[topic]


def path_of(service: ServiceOverviewRow, topic: str) -> str:
    """Where a topic of a service is shown."""
    return f"{address(service)}/{topic}" if topic else address(service)


def _is_there(visit: Visit, service: ServiceOverviewRow, topic: str) -> bool:
    router = router_of(service)
    match topic:
        case "log":
            return visit.may(f"{router}.readLogs")
        case "terminal":
            return service["kind"] != "database" and visit.may(exec_of(router))
        case "domains":
            return service["kind"] != "database" and visit.may("domain.byApplicationId")
        case "variables" | "settings" | "companions":
            return visit.may(f"{router}.one")
        case "danger":
            return visit.may(f"{router}.move")
        case _:
            return True


def exec_of(router: str) -> str:
    """The operation that carries a command out inside what runs of such a service."""
    return f"{router}.exec"


async def details_of(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, Any]:
    """All that is set of a service, as those see it who may see no secrets: no page shows one."""
    return veiled(await kept_of(visit, service))


async def kept_of(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, Any]:
    """The same as it is kept, as far as the caller may see it. None of it goes into a page as it is."""
    router, id_ = router_of(service), service["serviceId"]
    match router:
        case "application":
            return await visit.ask(APPLICATION_DETAILS, applicationId=id_)
        case "compose":
            return await visit.ask(COMPOSE_DETAILS, composeId=id_)
        case _:
            database: Asked[DatabaseDetails] = Asked(f"{router}.one")
            return await visit.ask(database, **{f"{router}Id": id_})


def id_of(router: str, visit: Visit) -> Mapping[str, object]:
    """The id of the service that the address names, as the operations of its kind take it."""
    return {f"{router}Id": visit.path["serviceId"]}


def back_to(visit: Visit, topic: str) -> str:
    """The path of a topic of the service that the address names."""
    return f"/services/{visit.path['serviceId']}/{topic}".rstrip("/")


def routers(*, databases: bool = True) -> Iterator[str]:
    """What the operations of services are called by, those of databases only where they are wanted."""
    yield from ROUTERS if databases else (APPLICATION, COMPOSE)


def action(visit: Visit, operation: str, label: str, href: str, **looks: object) -> Sequence[Mapping[str, object]]:
    """A link to a question, for whoever may do what it asks."""
    return [{"label": label, "href": href, **looks}] if visit.may(operation) else []
