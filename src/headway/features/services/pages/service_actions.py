"""What can be done with a service: each thing said before it is done, and what became of it said after. A form is of
one kind of services, which its name ends with: what it performs follows from its address alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.services.database.model import DatabaseKind
from headway.pages.forms import Flash, Form, Question, Started
from headway.pages.page import Asked, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.rollback_rows import LeftRow
    from headway.features.services.api.service_rows import GlanceRow, ServiceOverviewRow

ONE: Asked[ServiceOverviewRow] = Asked("service.one")
APPLICATION, COMPOSE = "application", "compose"
DATABASES = tuple(each.value for each in DatabaseKind)
ROUTERS = (APPLICATION, COMPOSE, *DATABASES)

_UNTIL_SEEN = "What serves now goes on until what is new was seen to answer, and stays where it does not."


def address(service: GlanceRow) -> str:
    """Where a service is shown."""
    return f"/services/{service['serviceId']}"


def router_of(service: GlanceRow) -> str:
    """What the operations of a service are called by."""
    return service["database"] or service["kind"]


def actions_of(
    visit: Visit, service: GlanceRow, *, waiting: bool, releases: Sequence[LeftRow] = ()
) -> Sequence[Mapping[str, object]]:
    """Links to the questions of what the caller may do with it as it stands; ``waiting``: something of it waits;
    ``releases`` are those that it may go back to.
    """
    has_served, is_up = service["serving"] is not None, service["wanted"] == "up"
    offered = [*_action(visit, service, "deploy", "Deploy", icon="deploy", main=not has_served or is_up)]
    if has_served:
        if service["kind"] != "database":
            offered += _action(visit, service, "redeploy", "Redeploy", icon="redeploy")
        offered += rollback_of(visit, service, releases)
        if is_up:
            if service["kind"] != COMPOSE:
                offered += _action(visit, service, "reload", "Restart", icon="redeploy")
            offered += _action(visit, service, "stop", "Stop", icon="stop", danger=True)
        elif service["wanted"] == "down":
            offered += _action(visit, service, "start", "Start", icon="power", main=True)
    if waiting and service["kind"] != "database":
        offered += _action(visit, service, "cleanQueues", "Cancel what waits", icon="cancel")
    return offered


def rollback_of(
    visit: Visit, service: GlanceRow, releases: Sequence[LeftRow], *, before: int | None = None, main: bool = False
) -> Sequence[Mapping[str, object]]:
    """The link to what going back would change: to the newest of these releases, of those ``before`` that version where
    one is given. Who went away from a release because it was none does not go back to it.
    """
    if service["kind"] == "database" or not visit.may("rollback.rollback"):
        return []
    for each in releases:
        is_before = before is None or each["version"] < before
        if is_before and each["usable"] and not each["serves"] and each["rolledBackAt"] is None:
            path = f"{address(service)}/rollback/{each['rollbackId']}"
            return [{"label": "Roll back", "href": path, "icon": "roll-back", "main": main}]
    return []


def redeploy_of(visit: Visit, service: GlanceRow, *, serves: bool) -> Sequence[Mapping[str, object]]:
    """The link to do once more what a deployment did: what ``serves`` is deployed as it is, else the newest state."""
    if serves and service["kind"] != "database":
        return _action(visit, service, "redeploy", "Redeploy", icon="redeploy")
    return _action(visit, service, "deploy", "Deploy again", icon="redeploy")


def deploy_of(visit: Visit, service: GlanceRow, *, main: bool) -> Sequence[Mapping[str, object]]:
    """The link to deploy it."""
    return _action(visit, service, "deploy", "Deploy", icon="deploy", main=main)


def forms() -> Mapping[str, Form]:
    """The forms of a service's page, by their names."""
    return dict(_forms())


def _action(visit: Visit, service: GlanceRow, name: str, label: str, **looks: object) -> list[Mapping[str, object]]:
    router = router_of(service)
    if not visit.may(f"{router}.{name}"):
        return []
    return [{"label": label, "href": f"{address(service)}/{_WORDS[name]}-{router}", **looks}]


_WORDS: Mapping[str, str] = {
    "deploy": "deploy",
    "redeploy": "redeploy",
    "start": "start",
    "stop": "stop",
    "reload": "reload",
    "cleanQueues": "cancel-waiting",
}


def _forms() -> Iterator[tuple[str, Form]]:
    for router in ROUTERS:
        yield f"deploy-{router}", _form(router, "deploy", _ask_deploy(router), did_queue, to_deployment)
        yield f"start-{router}", _form(router, "start", _ask_start, _did_start, _to_service)
        yield f"stop-{router}", _form(router, "stop", _ask_stop, _did_stop, _to_service)
    for router in (APPLICATION, *DATABASES):
        yield f"reload-{router}", _form(router, "reload", _ask_reload, _did_reload, _to_service)
    for router in (APPLICATION, COMPOSE):
        yield f"redeploy-{router}", _form(router, "redeploy", _ask_redeploy, did_queue, to_deployment)
        yield f"cancel-waiting-{router}", _form(router, "cleanQueues", _ask_cancel, _did_cancel, _to_service)


_Asks = Callable[["GlanceRow"], Question]


def _form(
    router: str,
    name: str,
    asks: _Asks,
    did: Callable[[Visit, object], Flash],
    then: Callable[[Visit, object], str],
) -> Form:
    async def ask(visit: Visit) -> Question:
        service: ServiceOverviewRow = await visit.ask(ONE, serviceId=visit.path["serviceId"])
        return asks(service)

    return Form(
        operation=lambda _visit: f"{router}.{name}",
        given=lambda visit: {f"{router}Id": visit.path["serviceId"]},
        asks=ask,
        did=did,
        then=then,
    )


def _ask_deploy(router: str) -> _Asks:
    def ask(service: GlanceRow) -> Question:
        told: Mapping[str, tuple[str, ...]] = {
            APPLICATION: ("What its settings name is fetched and built: of a repository the newest commit.",),
            COMPOSE: ("Its compose file is fetched, and its containers are made anew where they have changed.",),
        }
        of_database = ("It is set up once more as its settings say now.", "Its data stays; it is away for a moment.")
        serves = (_UNTIL_SEEN,) if service["serving"] is not None and router == APPLICATION else ()
        return Question(
            title=f"Deploy “{_name(service)}”?",
            consequences=(*told.get(router, of_database), *serves),
            button="Deploy it",
        )

    return ask


def _ask_redeploy(service: GlanceRow) -> Question:
    return Question(
        title=f"Redeploy “{_name(service)}”?",
        consequences=(
            "What serves is built once more from the same commit, with the settings as they are saved now.",
            *((_UNTIL_SEEN,) if service["kind"] == APPLICATION else ()),
        ),
        button="Redeploy it",
    )


def _ask_start(service: GlanceRow) -> Question:
    return Question(
        title=f"Start “{_name(service)}”?",
        consequences=("The release that served last is brought up again as it was; nothing is built.",),
        button="Start it",
    )


def _ask_reload(service: GlanceRow) -> Question:
    return Question(
        title=f"Restart “{_name(service)}”?",
        consequences=(
            "What runs of it is ended and started again as it was, with the variables that it has; nothing is built.",
            "It answers nobody until it is up again. Its data stays.",
        ),
        button="Restart it",
    )


def _ask_stop(service: GlanceRow) -> Question:
    return Question(
        title=f"Stop “{_name(service)}”?",
        consequences=(
            "It answers nobody until it is started.",
            "What waits and what runs of its deployments is cancelled.",
            "Its releases, its files and its data stay.",
        ),
        button="Stop it",
        danger=True,
    )


def _ask_cancel(service: GlanceRow) -> Question:
    return Question(
        title=f"Cancel what waits of “{_name(service)}”?",
        consequences=("What waits leaves the queue and never begins.", "What runs already goes on."),
        button="Cancel what waits",
    )


def did_queue(_visit: Visit, answer: object) -> Flash:
    """What is said of what was queued."""
    again = isinstance(answer, Started) and answer.again
    return Flash(text="It was queued already." if again else "Queued: it begins as soon as it may.")


def _did_start(_visit: Visit, _answer: object) -> Flash:
    return Flash(text="Brought up again: its state tells when it was seen to serve.")


def _did_reload(_visit: Visit, _answer: object) -> Flash:
    return Flash(text="Restarted: its state tells when it was seen to serve.")


def _did_stop(_visit: Visit, _answer: object) -> Flash:
    return Flash(text="Stopped: nothing of it runs, and it answers nobody until it is started.")


def _did_cancel(_visit: Visit, _answer: object) -> Flash:
    return Flash(text="What waited is cancelled; what runs goes on.")


def to_deployment(visit: Visit, answer: object) -> str:
    """The page of what was queued."""
    return f"/deployments/{answer.deployment_id}" if isinstance(answer, Started) else _to_service(visit, answer)


def _to_service(visit: Visit, _answer: object) -> str:
    return f"/services/{visit.path['serviceId']}"


def _name(service: GlanceRow) -> str:
    return cut(service["name"], 120)
