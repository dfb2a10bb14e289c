"""The page of the domains of a service: where it answers, what leads there, and what was seen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.api.secret_values import veiled
from headway.features.services.pages import barriers
from headway.features.services.pages.domain_form import ADDED, fields_of, looked_up
from headway.features.services.pages.service_actions import APPLICATION, COMPOSE, ONE, address, router_of
from headway.features.services.pages.service_fields import clears_of, kinds_of, shown_of
from headway.features.services.pages.service_proof import proof_of
from headway.features.services.pages.service_topics import (
    APPLICATION_DETAILS,
    DOMAINS,
    action,
    back_to,
    framed,
    id_of,
    path_of,
    routers,
    service_of,
)
from headway.pages.forms import Flash, Form, Question
from headway.pages.issued_certificates import kind_of
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.edge.api.rows import IssuedDomainRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/domains"
OF_APPLICATION: Asked[list[IssuedDomainRow]] = Asked("domain.byApplicationId")
OF_COMPOSE: Asked[list[IssuedDomainRow]] = Asked("domain.byComposeId")
SERVICES: Asked[list[str]] = Asked("compose.loadServices")
_SECONDS = 2.0
_MOST_NAMED = 30


async def show(visit: Visit) -> View:
    """Its domains, the generated one first."""
    service = await service_of(visit)
    rows = await domains_of(visit, service)
    path, router = path_of(service, DOMAINS), router_of(service)
    is_led = service["kind"] != "database"
    before: Mapping[str, object] = {}
    if service["kind"] == APPLICATION and visit.may("application.one"):
        before = await _before(visit, service)
    return framed(
        visit,
        service,
        DOMAINS,
        "domain_list.html",
        {
            "rows": [_line(visit, service, each) for each in rows],
            "is_led": is_led,
            "may_ask": visit.may("domain.ask"),
            "before": before,
            "proof": proof_of(service),
            "actions": action(visit, "domain.create", "Add a domain", f"{path}/add-{router}", main=True)
            if is_led
            else (),
        },
    )


def _line(visit: Visit, service: ServiceOverviewRow, row: IssuedDomainRow) -> Mapping[str, object]:
    issued = row["issued"]
    kind = None if issued is None else kind_of(issued, visit.now)
    return {"row": row, "href": f"{address(service)}/domain/{row['domainId']}", "issued_kind": kind}


async def _before(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    """What stands before an application, Unknown where it cannot be had: its domains are shown all the same."""
    found = await visit.ask_within(_SECONDS, APPLICATION_DETAILS, applicationId=service["serviceId"])
    is_unknown = isinstance(found, Unknown)
    row = {} if isinstance(found, Unknown) else veiled(found)
    return {**barriers.barriers_of(visit, row, address(service)), "unknown": found if is_unknown else None}


async def domains_of(visit: Visit, service: ServiceOverviewRow) -> Sequence[IssuedDomainRow]:
    """The domains of a service; a database has none."""
    match service["kind"]:
        case "application":
            return await visit.ask(OF_APPLICATION, applicationId=service["serviceId"])
        case "compose":
            return await visit.ask(OF_COMPOSE, composeId=service["serviceId"])
        case _:
            return ()


async def parts_of_compose(visit: Visit, service: ServiceOverviewRow) -> str:
    """The services of a compose file, as a sentence; "" of what is none, or where they cannot be read."""
    if service["kind"] != COMPOSE:
        return ""
    names = await visit.ask_within(_SECONDS, SERVICES, composeId=service["serviceId"])
    if isinstance(names, Unknown) or not names:
        return ""
    return f"The services of its file: {', '.join(cut(each, 80) for each in names[:_MOST_NAMED])}."


def _adds(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        parts = await parts_of_compose(visit, service)
        return Question(
            title=f"Add a domain to “{cut(service['name'], 120)}”",
            consequences=(ADDED, looked_up(service), *((parts,) if parts else ())),
            button="Add it",
            values={"certificateType": "none"},
            fields=shown_of(fields_of(router)),
        )

    return Form(
        operation=lambda _visit: "domain.create",
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=_did,
        then=lambda visit, _answer: back_to(visit, DOMAINS),
        fields=kinds_of(fields_of(router)),
        clears=clears_of(fields_of(router)),
        suggests=True,
    )


def _did(_visit: Visit, answer: object) -> Flash:
    at = cut(str(answer["address"]), 200) if isinstance(answer, Mapping) else "There"
    return Flash(text=f"Added: {at} leads to it from now on.")


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={**{f"add-{router}": _adds(router) for router in routers(databases=False)}, **dict(barriers.forms())},
)
