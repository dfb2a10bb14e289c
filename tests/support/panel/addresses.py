"""Where the pages of a panel are that it has something for, and the questions of their forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

import httpx

from headway.operations import all_pages
from tests.support.panel.authenticator import Authenticator
from tests.support.panel.browser import address_of, cookie_name
from tests.support.panel.panel import NOBODY, Panel

_ID = re.compile(r"\{\w+\}")
# What is chosen on the pages over several things, by the fields that a browser sends of it.
SEVERAL: Mapping[str, str] = {
    "/deployments/links": "row-{deploymentId}.{linkId}",
    "/deployments/several": "row-{deploymentId}",
}


def addresses(things: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, str]]:
    """Every page of each thing that it may be of, by the path that it is registered with and the name of the thing: as
    (that path, its address). The things are ids by the names that paths have for them.
    """
    found: dict[str, tuple[str, str]] = {}
    for path in all_pages():
        names = _ID.findall(path)
        for thing, ids in things.items() if names else [("", {})]:
            if all(name in ids for name in names):
                address = _ID.sub(lambda name, ids=ids: quote(ids[name[0]], safe=""), path)  # type: ignore[misc]
                found[f"{path} {thing}".strip()] = (path, address)
    for path in SEVERAL.keys() & found.keys():
        wanted = _ID.findall(SEVERAL[path])
        chosen = [chosen_of(path, ids) for ids in things.values() if all(name in ids for name in wanted)]
        found[path] = (path, f"{path}?{'&'.join(chosen)}")
    return found


def chosen_of(path: str, ids: Mapping[str, str]) -> str:
    """What an address says where one of several things is chosen on this page: the one with these ids."""
    return f"{_ID.sub(lambda name: quote(ids[name[0]], safe=''), SEVERAL[path])}=on"


def questions(pages: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The address of each form of these pages, by the names of both."""
    made, found = all_pages(), dict[str, str]()
    for name, (path, address) in pages.items():
        page, (whole, _, query) = made[path](), address.partition("?")
        for form in (*page.forms, *page.several):
            found[f"{name} {form}"] = f"{whole}/{form}" + (f"?{query}" if query else "")
    return found


def visitor(running: Panel, cookie: str) -> httpx.Client:
    """A client that has a session's cookie."""
    return httpx.Client(
        base_url=address_of(running),
        cookies={cookie_name(running): cookie},
        headers={"sec-fetch-site": "same-origin"},
        timeout=60,
        trust_env=False,
        verify=NOBODY,
    )


def session_id(running: Panel, cookie: str) -> str:
    """The id of the session that a cookie is of."""
    with visitor(running, cookie) as client:
        found: str = client.get("/api/account.sessions").json()["sessions"][0]["sessionId"]
    return found


def passkey_id(running: Panel, cookie: str, name: str) -> str:
    """The id of a passkey that whoever the session is of has made now, on a device that nobody has."""
    at = f"http://localhost:{running.port}"  # an address of numbers has none
    with visitor(running, cookie) as client:
        client.headers["origin"] = address_of(running)
        begun = client.post("/api/account.beginPasskey", json={"origin": at})
        assert begun.status_code == 200, begun.text
        answer = Authenticator(origin=at).make(begun.json()["options"])
        added = client.post("/api/account.addPasskey", json={"origin": at, "name": name, "answer": answer})
        assert added.status_code == 200, added.text
    found: str = added.json()["passkeyId"]
    return found


def statuses(running: Panel, cookie: str, found: Mapping[str, str]) -> dict[str, int]:
    """What each address is answered with."""
    with visitor(running, cookie) as client:
        return {name: client.get(address).status_code for name, address in found.items()}
