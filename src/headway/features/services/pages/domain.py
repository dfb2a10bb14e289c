"""The page of one domain of a service, and the ways to change it, switch it off, look it up and remove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.services.pages.domain_form import ADDED, fields_of, typed_of
from headway.features.services.pages.domain_list import domains_of, parts_of_compose
from headway.features.services.pages.service_actions import ONE, address, router_of
from headway.features.services.pages.service_fields import clears_of, kinds_of, shown_of
from headway.features.services.pages.service_topics import DOMAINS, action, back_to, framed, routers, service_of
from headway.pages.forms import Flash, Form, Question
from headway.pages.issued_certificates import kind_of
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.edge.api.rows import DomainRow, IssuedDomainRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/domain/{domainId}"
Asks = Callable[[Visit], Awaitable[Question]]


async def show(visit: Visit) -> View:
    """Where it leads."""
    service, row = await _found(visit)
    path, router = f"{address(service)}/domain/{row['domainId']}", router_of(service)
    off = "Switch off" if row["enabled"] else "Switch on"
    issued, certificates = row["issued"], "/settings/certificates" if visit.may("certificates.all") else None
    own_id = None if issued is None or certificates is None else issued["certificateId"]
    own = (
        *action(visit, "domain.update", "Change", f"{path}/change-{router}", icon="edit", main=True),
        *action(visit, "domain.toggleEnable", off, f"{path}/switch", icon="power"),
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


async def _ask_switch(visit: Visit) -> Question:
    _, row = await _found(visit)
    if row["enabled"]:
        said = ("It leads nowhere until it is switched on again; its name stays taken.",)
        return Question(title=f"Switch {_shown(row)} off?", consequences=said, button="Switch it off")
    return Question(title=f"Switch {_shown(row)} on?", consequences=(ADDED,), button="Switch it on")


async def _ask_remove(visit: Visit) -> Question:
    _, row = await _found(visit)
    return Question(
        title=f"Remove {_shown(row)}?",
        consequences=("It leads nowhere at once, and somebody else may take the name.", "The service itself goes on."),
        button="Remove it",
        danger=True,
    )


async def _ask_look(visit: Visit) -> Question:
    _, row = await _found(visit)
    return Question(
        title=f"Look {_shown(row)} up?",
        consequences=("The DNS is asked for its address, as the panel's own machine sees it. Nothing is changed.",),
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


def _looked(_visit: Visit, answer: object) -> Flash:
    if not isinstance(answer, Mapping):
        return Flash(text="The DNS was asked.")
    if answer["error"]:
        return Flash(text=cut(str(answer["error"]), 400), good=False)
    elsewhere = "another machine: right behind a proxy, else wrong"
    where = "the panel's own machine" if answer["isThisMachine"] else elsewhere
    return Flash(text=f"The DNS says {cut(str(answer['resolvedIp']), 80)}, which is {where}.")


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
        "switch": _form("domain.toggleEnable", _ask_switch, _switched),
        "remove": _form("domain.delete", _ask_remove, lambda _answer: Flash(text="Removed: it leads nowhere.")),
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
