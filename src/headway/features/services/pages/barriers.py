"""What stands before an application: the page of one redirect and of one login, and the forms that add them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headway.core.access.policy import Missing, Noun
from headway.features.services.pages.service_actions import APPLICATION, ONE, address, router_of
from headway.features.services.pages.service_fields import Setting, kinds_of, shown_of
from headway.features.services.pages.service_topics import (
    DOMAINS,
    action,
    back_to,
    details_of,
    framed,
    id_of,
    path_of,
    service_of,
)
from headway.kernel.dataclass import dataclass
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut

_AT_ONCE = "It is in force at once: no deploy is needed."
_CLOSES = (
    "With one or more of them nobody comes in without: browsers ask for a name and a password, programs get a 401."
)
_OPENS = "Who has it does not come in with it any more. Without any of them everybody comes in again."
_KEPT = "The password that is kept cannot be read, so a new one is needed with each change."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Barrier:
    """A kind of them: ``router`` and ``id_field`` are its operations' words, ``rows`` where an application has them."""

    name: str
    router: str
    id_field: str
    rows: str
    noun: Noun
    title: str
    fields: Mapping[str, Setting]
    changed_fields: Mapping[str, Setting]
    adds: tuple[str, ...]
    changes: tuple[str, ...]
    removes: tuple[str, ...]

    def words(self, row: Mapping[str, Any]) -> str:
        """What one of them is."""
        if self.name == "login":
            return f"login {row['username']}"
        return f"redirect of {row['regex']}"


_LOGIN_FIELDS: Mapping[str, Setting] = {
    "username": Setting(label="Name"),
    "password": Setting(label="Password", kind=Kind.SECRET),
}
_REDIRECT_FIELDS: Mapping[str, Setting] = {
    "regex": Setting(
        label="Addresses", hint=r"An expression over the whole address, such as ^https?://old\.example\.org/(.*)"
    ),
    "replacement": Setting(
        label="Answered with", hint="Where to go, such as https://www.example.org/${1}: what the first brackets held."
    ),
    "permanent": Setting(
        label="For ever", kind=Kind.FLAG, hint="Browsers keep that (301), and do not ask again; else it is a 302."
    ),
}
REDIRECT = _Barrier(
    name="redirect",
    router="redirects",
    id_field="redirectId",
    rows="redirects",
    noun=Noun.REDIRECT,
    title="Redirect",
    fields=_REDIRECT_FIELDS,
    changed_fields=_REDIRECT_FIELDS,
    adds=(_AT_ONCE, "Its domains have to lead to it: what comes elsewhere is not answered."),
    changes=(_AT_ONCE, "What browsers have kept for ever is not taken back."),
    removes=(_AT_ONCE, "What browsers have kept for ever is not taken back."),
)
LOGIN = _Barrier(
    name="login",
    router="security",
    id_field="securityId",
    rows="security",
    noun=Noun.LOGIN,
    title="Login",
    fields=_LOGIN_FIELDS,
    changed_fields={**_LOGIN_FIELDS, "password": Setting(label="New password", kind=Kind.SECRET)},
    adds=(_AT_ONCE, _CLOSES, "Its health checks are asked past it, and go on."),
    changes=(_AT_ONCE, _KEPT),
    removes=(_AT_ONCE, _OPENS),
)


def barriers_of(visit: Visit, row: Mapping[str, Any], path: str) -> Mapping[str, object]:
    """What stands before an application, and the ways to more of it, as its page of domains shows them."""
    at = f"{path}/{DOMAINS}"
    return {
        "redirects": [
            {"row": each, "href": f"{path}/redirect/{each['redirectId']}"} for each in row.get("redirects") or ()
        ],
        "logins": [{"row": each, "href": f"{path}/login/{each['securityId']}"} for each in row.get("security") or ()],
        "redirect_actions": action(visit, "redirects.create", "Add a redirect", f"{at}/add-redirect"),
        "login_actions": action(visit, "security.create", "Add a login", f"{at}/add-login"),
    }


def forms() -> Iterator[tuple[str, Form]]:
    """The forms that add one, by their names on the page of domains."""
    for each in (REDIRECT, LOGIN):
        yield f"add-{each.name}", _adds(each)


def _adds(barrier: _Barrier) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        if router_of(service) != APPLICATION:
            raise Missing(Noun.APPLICATION)
        return Question(
            title=f"Add a {barrier.name} to “{cut(service['name'], 120)}”",
            consequences=barrier.adds,
            button="Add it",
            fields=shown_of(barrier.fields),
        )

    return Form(
        operation=lambda _visit: f"{barrier.router}.create",
        given=lambda visit: id_of(APPLICATION, visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Added: it is in force."),
        then=lambda visit, _answer: back_to(visit, DOMAINS),
        fields=kinds_of(barrier.fields),
    )


async def _found(visit: Visit, barrier: _Barrier) -> Mapping[str, Any]:
    """The one that the address names. Raises Missing."""
    service = await service_of(visit)
    row = await details_of(visit, service) if router_of(service) == APPLICATION else {}
    every: Sequence[Mapping[str, Any]] = row.get(barrier.rows) or ()
    for each in every:
        if each[barrier.id_field] == visit.path[barrier.id_field]:
            return each
    raise Missing(barrier.noun)


def _page(barrier: _Barrier) -> Page:
    async def show(visit: Visit) -> View:
        service, row = await service_of(visit), await _found(visit, barrier)
        here = f"{address(service)}/{barrier.name}/{row[barrier.id_field]}"
        values = {
            "title": barrier.title,
            "row": row,
            "is_login": barrier is LOGIN,
            "back": path_of(service, DOMAINS),
            "actions": [
                *action(visit, f"{barrier.router}.update", "Change", f"{here}/change", icon="edit"),
                *action(visit, f"{barrier.router}.delete", "Remove", f"{here}/remove", icon="remove", danger=True),
            ],
        }
        return framed(visit, service, DOMAINS, "barrier.html", values)

    return Page(
        path=f"/services/{{serviceId}}/{barrier.name}/{{{barrier.id_field}}}",
        permission=ONE.name,
        show=show,
        forms={"change": _changes(barrier), "remove": _removes(barrier)},
    )


def _changes(barrier: _Barrier) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await _found(visit, barrier)
        return Question(
            title=f"Change the {cut(barrier.words(row), 160)}",
            consequences=barrier.changes,
            button="Save",
            values={name: _typed(row[name]) for name in barrier.fields if name != "password"},
            fields=shown_of(barrier.changed_fields),
        )

    return Form(
        operation=lambda _visit: f"{barrier.router}.update",
        given=lambda visit: _given(visit, barrier),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved: it is in force."),
        then=lambda visit, _answer: back_to(visit, f"{barrier.name}/{visit.path[barrier.id_field]}"),
        fields=kinds_of(barrier.changed_fields),
    )


def _removes(barrier: _Barrier) -> Form:
    async def ask(visit: Visit) -> Question:
        return Question(
            title=f"Remove the {cut(barrier.words(await _found(visit, barrier)), 160)}?",
            consequences=barrier.removes,
            button="Remove it",
            danger=True,
        )

    return Form(
        operation=lambda _visit: f"{barrier.router}.delete",
        given=lambda visit: _given(visit, barrier),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Removed: it is not in force any more."),
        then=lambda visit, _answer: back_to(visit, DOMAINS),
    )


def _given(visit: Visit, barrier: _Barrier) -> Mapping[str, object]:
    return {barrier.id_field: visit.path[barrier.id_field]}


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value)


REDIRECT_PAGE, LOGIN_PAGE = _page(REDIRECT), _page(LOGIN)
