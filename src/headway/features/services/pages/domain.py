"""The page of one domain of a service, and the ways to change it, switch it off, look it up and remove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.services.pages.domain_form import ADDED, fields_of, machine_of, typed_of
from headway.features.services.pages.domain_list import domains_of, parts_of_compose
from headway.features.services.pages.service_actions import ONE, address, router_of
from headway.features.services.pages.service_fields import clears_of, kinds_of, shown_of
from headway.features.services.pages.service_topics import DOMAINS, action, back_to, framed, routers, service_of
from headway.pages.forms import Flash, Form, Question
from headway.pages.issued_certificates import kind_of
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.edge.api.rows import DomainRow, IssuedDomainRow
    from headway.features.servers.api.rows import ServerDetails
    from headway.features.services.api.service_rows import ServiceOverviewRow

SERVER: Asked[ServerDetails] = Asked("server.one")
PATH = "/services/{serviceId}/domain/{domainId}"
Asks = Callable[[Visit], Awaitable[Question]]


async def show(visit: Visit) -> View:
    """Where it leads."""
    service, row = await _found(visit)
    path, router = f"{address(service)}/domain/{row['domainId']}", router_of(service)
    off, switch = ("Switch off", "switch-off") if row["enabled"] else ("Switch on", "switch-on")
    issued, certificates = row["issued"], "/settings/certificates" if visit.may("certificates.all") else None
    own_id = None if issued is None or certificates is None else issued["certificateId"]
    own = (
        *action(visit, "domain.update", "Change", f"{path}/change-{router}", icon="edit", main=True),
        *action(visit, "domain.toggleEnable", off, f"{path}/{switch}", icon="power"),
        *action(visit, "domain.delete", "Remove", f"{path}/remove", icon="remove", danger=True),
    )
    return framed(
        visit,
        service,
        DOMAINS,
        "domain.html",
        {
            "row": row,
            "certificates": certificates,
            "issued_kind": None if issued is None else kind_of(issued, visit.now),
            "own_certificate": None if own_id is None else f"{certificates}/{own_id}",
            "actions": [
                *action(visit, "domain.ask", "Ask it now", f"{path}/ask", icon="test"),
                *action(visit, "domain.validateDomain", "Look up in the DNS", f"{path}/look-up", icon="search"),
                *(() if row["generated"] else own),
            ],
        },
    )


async def _found(visit: Visit) -> tuple[ServiceOverviewRow, IssuedDomainRow]:
    """The service, and the domain of it that the address names. Raises Missing."""
    service = await service_of(visit)
    for each in await domains_of(visit, service):
        if each["domainId"] == visit.path["domainId"]:
            return service, each
    raise Missing(Noun.DOMAIN)


def _changes(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        service, row = await _found(visit)
        parts = await parts_of_compose(visit, service)
        return Question(
            title=f"Change {_shown(row)}",
            consequences=(ADDED, *((parts,) if parts else ())),
            button="Save",
            values=typed_of(row),
            fields=shown_of(fields_of(router)),
        )

    return Form(
        operation=lambda _visit: "domain.update",
        given=_id,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved: it leads as it says from now on."),
        then=_then,
        fields=kinds_of(fields_of(router)),
        clears=clears_of(fields_of(router)),
    )


def _switches(*, on: bool) -> Form:
    """It says which of both is wanted: what somebody else has switched meanwhile is not switched back."""

    async def ask(visit: Visit) -> Question:
        _, row = await _found(visit)
        if on:
            return Question(title=f"Switch {_shown(row)} on?", consequences=(ADDED,), button="Switch it on")
        said = ("It leads nowhere until it is switched on again; its name stays taken.",)
        return Question(title=f"Switch {_shown(row)} off?", consequences=said, button="Switch it off")

    return replace(_form("domain.toggleEnable", ask, _switched), given=lambda visit: {**_id(visit), "enabled": on})


async def _ask_remove(visit: Visit) -> Question:
    _, row = await _found(visit)
    return Question(
        title=f"Remove {_shown(row)}?",
        consequences=("It leads nowhere at once, and somebody else may take the name.", "The service itself goes on."),
        button="Remove it",
        danger=True,
    )


async def _ask_visit(visit: Visit) -> Question:
    service, row = await _found(visit)
    return Question(
        title=f"Ask what {_shown(row)} answers?",
        consequences=(
            f"It is visited once, by the edge of {machine_of(service)}, whatever the DNS says of the name.",
            "The service sees one request. Nothing is changed.",
        ),
        button="Ask it",
    )


def _visited(answer: object) -> Flash:
    if not isinstance(answer, Mapping):
        return Flash(text="It was asked.")
    told = "" if answer["status"] is None else f"It answers {answer['status']}, after {answer['ms']} ms. "
    return Flash(text=f"{told}{answer['warning'] or ''}".strip(), good=answer["warning"] is None)


async def _ask_look(visit: Visit) -> Question:
    service, row = await _found(visit)
    return Question(
        title=f"Look {_shown(row)} up?",
        consequences=(
            f"The DNS is asked for its address, which has to be one of {machine_of(service)}.",
            "It is what the panel's own machine sees. Nothing is changed.",
        ),
        button="Look it up",
    )


async def _host(visit: Visit, _typed: Mapping[str, str]) -> Mapping[str, object]:
    _, row = await _found(visit)
    return {"domain": row["host"]}


def _form(operation: str, asks: Asks, done: Callable[[object], Flash]) -> Form:
    return Form(
        operation=lambda _visit: operation,
        given=_id,
        asks=asks,
        did=lambda _visit, answer: done(answer),
        then=_then if operation == "domain.delete" else _again,
    )


def _switched(answer: object) -> Flash:
    is_on = isinstance(answer, Mapping) and bool(answer["enabled"])
    return Flash(text="On: it leads to the service again." if is_on else "Off: it leads nowhere.")


async def _looked(visit: Visit, answer: object) -> Flash:
    if not isinstance(answer, Mapping):
        return Flash(text="The DNS was asked.")
    if answer["error"]:
        return Flash(text=cut(str(answer["error"]), 400), good=False)
    service, _ = await _found(visit)
    found, machine = cut(str(answer["resolvedIp"]), 80), machine_of(service)
    known: bool | None = answer["isThisMachine"]
    if service["serverId"] is not None:
        known = await _is_of_server(visit, service, found) or (False if known else None)
    if known is None:
        return Flash(text=f"The DNS says {found}. It is right where that is an address of {machine}.")
    where = machine if known else f"not {machine}: right behind a proxy, else wrong"
    return Flash(text=f"The DNS says {found}, which is {where}.")


async def _is_of_server(visit: Visit, service: ServiceOverviewRow, found: str) -> bool:
    """Whether it is known to be the server's: the address by which the panel reaches that. It may have others."""
    if not visit.may(SERVER.name):
        return False
    reached = (await visit.ask(SERVER, serverId=str(service["serverId"])))["ipAddress"]
    try:
        return ip_address(reached) == ip_address(found)
    except ValueError:
        return False  # it is reached by a name


def _id(visit: Visit) -> Mapping[str, object]:
    return {"domainId": visit.path["domainId"]}


def _shown(row: DomainRow) -> str:
    return cut(row["host"] + (row["path"] if row["path"] != "/" else ""), 160)


def _then(visit: Visit, _answer: object) -> str:
    return back_to(visit, DOMAINS)


def _again(visit: Visit, _answer: object) -> str:
    return back_to(visit, f"domain/{visit.path['domainId']}")


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        **{f"change-{router}": _changes(router) for router in routers(databases=False)},
        "switch-on": _switches(on=True),
        "switch-off": _switches(on=False),
        "remove": _form("domain.delete", _ask_remove, lambda _answer: Flash(text="Removed: it leads nowhere.")),
        "ask": _form("domain.ask", _ask_visit, _visited),
        "look-up": Form(
            operation=lambda _visit: "domain.validateDomain",
            given=lambda _visit: {},
            asks=_ask_look,
            did=_looked,
            then=_again,
            takes=_host,
        ),
    },
)
