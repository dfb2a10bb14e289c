"""Requests that other pages would have a browser send, to every form of every page and to every mutation of the API."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import httpx

from headway.api.operation import Kind
from headway.operations import all_pages, bare_registry
from headway.pages.page import Page, Visit
from tests.integration.http.access_table import TABLE
from tests.integration.http.test_access_table import given_to
from tests.integration.http.world import World
from tests.integration.web.browsers import ORIGIN, OWN
from tests.support.panel.addresses import chosen_of

FOREIGN: Mapping[str, Mapping[str, str]] = {
    "no origin": {},
    "an empty origin": {"origin": ""},
    "null": {"origin": "null"},
    "another host": {"origin": "http://evil.example"},
    "another port": {"origin": "http://127.0.0.1:8080"},
    "no port": {"origin": "http://127.0.0.1"},
    "another scheme": {"origin": "https://127.0.0.1:3000"},
    "a sub domain": {"origin": "http://a.127.0.0.1:3000"},
    "a name that begins alike": {"origin": f"{ORIGIN}.evil.example"},
    "another name of this machine": {"origin": "http://localhost:3000"},
    "a path behind it": {"origin": f"{ORIGIN}/"},
    "cross-site": {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    "same-site": {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    "typed": {"origin": ORIGIN, "sec-fetch-site": "none"},
    "cross-site without an origin": {"sec-fetch-site": "cross-site"},
    "another host that says it is ours": {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
}
FORGED_TOKENS: Mapping[str, str | None] = {"none": None, "empty": "", "of nobody": "0" * 64, "of another session": None}
# What is done to several is done to each by itself: the operations are those of the forms of one.
_OF_SEVERAL = {
    "cancel": "deployment.cancel",
    "kill": "deployment.killProcess",
    "redeploy": "application.redeploy",
    "remove": "deployment.removeDeployment",
    "revoke": "deployment.removeLink",
}
_REFUSED = 403
_NO_KEY = 401
_NO_METHOD = frozenset({404, 405})
# What changes with every request: when a session and a key were last used.
_SEEN = {"sessions": {"seen_at"}, "api_keys": {"last_used_at"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A form of a page at ids that there are: what it performs, and whether it is sent with a file."""

    page: str
    address: str
    operation: str
    uploads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """One request, and what has to be answered to it."""

    target: str
    why: str
    method: str
    headers: Mapping[str, str]
    sent: Mapping[str, Any]
    answers: frozenset[int]
    is_json: bool = False
    uploads: bool = False

    async def send(self, client: httpx.AsyncClient) -> int:
        """Sends it with the cookie of a client; the status of the answer."""
        if self.method == "GET":
            answer = await client.get(self.target, params=dict(self.sent), headers=dict(self.headers))
        elif self.is_json:
            answer = await client.post(self.target, json=dict(self.sent), headers=dict(self.headers))
        else:
            files = {"zip": ("forged.zip", b"PK")} if self.uploads else None
            answer = await client.post(self.target, data=dict(self.sent), files=files, headers=dict(self.headers))
        return answer.status_code


def forms_of(addresses: Mapping[str, str]) -> dict[str, Placed]:
    """Each form of these pages, those over several things too, by its page and name."""
    found: dict[str, Placed] = {}
    for path, address in addresses.items():
        if "/-/" in path:
            continue  # a part has none
        page = all_pages()[path]()
        for name, operation in operations_of(page).items():
            uploads = name in page.forms and page.forms[name].uploads
            found[f"{path}/{name}"] = Placed(
                page=path, address=f"{address}/{name}", operation=operation, uploads=uploads
            )
    return found


def operations_of(page: Page) -> dict[str, str]:
    """What the forms of a page perform, by their names."""
    nobody = cast("Visit", None)  # what a form performs is the same for all
    several = {name: _OF_SEVERAL[name] for name in page.several}
    return {name: form.operation(nobody) for name, form in page.forms.items()} | several


def of_forms(addresses: Mapping[str, str], own: str, others: str, ids: Mapping[str, str]) -> Iterator[Forgery]:
    """Everything that is forged of the forms of these pages. ``own`` and ``others`` are the tokens of this and of
    another session's forms; those over several things are about the one with these ``ids``.
    """
    fields = {"form_token": own, "once": "0" * 32, "name": "forged", "typed": "forged"}
    for name, form in forms_of(addresses).items():
        uploads, page = form.uploads, all_pages()[form.page]()
        is_over_several = name.removeprefix(f"{form.page}/") in page.several
        target = f"{form.address}?{chosen_of(form.page, ids)}" if is_over_several else form.address
        for why, headers in FOREIGN.items():
            yield _post(target, f"{name}: {why}", headers, fields, uploads=uploads)
        for why, given in FORGED_TOKENS.items():
            token = others if why == "of another session" else given
            sent = {key: value for key, value in fields.items() if key != "form_token"}
            sent = sent if token is None else {**sent, "form_token": token}
            yield _post(target, f"{name}: token {why}", OWN, sent, uploads=uploads)
        looked = frozenset({200, 400, 404, 409})  # the question, which does nothing
        yield Forgery(
            target=target, why=f"{name}: GET", method="GET", headers=OWN, sent=_also(target, fields), answers=looked
        )


def of_mutations(things: Mapping[str, str]) -> Iterator[Forgery]:
    """Everything that is forged of the API's mutations, on both wires, each called with what it takes."""
    for operation in bare_registry():
        if operation.kind is not Kind.MUTATION or operation.is_open:
            continue
        sent = given_to(operation.name, things) if operation.name in TABLE else {}
        for wire in ("/api", "/api/trpc"):
            target, given = f"{wire}/{operation.name}", {"json": sent} if wire.endswith("trpc") else sent
            for why, headers in FOREIGN.items():
                yield Forgery(
                    target=target,
                    why=f"{target}: {why}",
                    method="POST",
                    headers=headers,
                    sent=given,
                    answers=frozenset({_NO_KEY}),
                    is_json=True,
                )
        texts = {name: str(value) for name, value in sent.items()}
        target = f"/api/{operation.name}"
        yield Forgery(
            target=target,
            why=f"{target}: GET",
            method="GET",
            headers={"sec-fetch-site": "same-origin"},
            sent=texts,
            answers=_NO_METHOD,
        )


async def let_through(client: httpx.AsyncClient, forged: Iterable[Forgery]) -> tuple[dict[str, int], int]:
    """Those that were not answered as they have to be, each with its status, and how many were sent."""
    found: dict[str, int] = {}
    count = 0
    for each in forged:
        count += 1
        status = await each.send(client)
        if status not in each.answers:
            found[each.why] = status
    return found, count


def everything(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that there are, as the database holds them."""
    with closing(sqlite3.connect(world.platform.data_dir.path / "headway.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: _rows(database, table) for table in tables if not table.startswith("sqlite_")}


def _rows(database: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
    listed = ", ".join(f'"{each}"' for each in columns if each not in _SEEN.get(table, ()))
    return database.execute(f'SELECT {listed} FROM "{table}" ORDER BY rowid').fetchall()  # noqa: S608 - our own names


def _post(target: str, why: str, headers: Mapping[str, str], sent: Mapping[str, Any], *, uploads: bool) -> Forgery:
    answers = frozenset({_REFUSED})
    return Forgery(target=target, why=why, method="POST", headers=headers, sent=sent, answers=answers, uploads=uploads)


def _also(target: str, fields: Mapping[str, str]) -> Mapping[str, str]:
    """The fields in an address, which keeps what it has: a client would put them in its place."""
    _, _, query = target.partition("?")
    return {**dict(pair.split("=", 1) for pair in query.split("&") if pair), **fields}
