"""Browsers without a screen: clients that keep cookies, say where a form is sent from, and sign in by links."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from sqlalchemy import select

from headway.core.access import people_store, tokens
from headway.core.access.people_store import Purpose
from headway.infra.db.tables.access import users
from headway.infra.db.transaction import Tx
from tests.integration.http.world import World

ORIGIN = "http://127.0.0.1:3000"
PASSWORD = "a long enough password"
COOKIE = "headway-3000"
OWN = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}


@asynccontextmanager
async def browser(world: World, peer: str = "127.0.0.1", base_url: str = ORIGIN) -> AsyncIterator[httpx.AsyncClient]:
    """One that nobody has signed in with."""
    transport = httpx.ASGITransport(world.app, client=(peer, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=base_url, headers={"accept": "text/html"}) as client:
        yield client


@asynccontextmanager
async def signed_in(world: World, person: str = "Owner") -> AsyncIterator[httpx.AsyncClient]:
    """One that somebody has signed in with, by a link."""
    async with browser(world) as client:
        path = await link_for(world, person)
        answer = await client.post(path, data={"name": person, "password": PASSWORD}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
        yield client


async def link_for(world: World, person: str) -> str:
    """The path of a new link for somebody."""
    token = f"link-of-{person}".ljust(43, "-")

    def make(tx: Tx) -> None:
        user_id = tx.execute(select(users.c.user_id).where(users.c.name == person)).scalar_one()
        people_store.add_link(tx, tokens.digest(token), Purpose.FIRST, user_id)

    await world.services.db.run(make)
    return f"/link/{token}"


async def fields_of(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """The hidden fields of the form at a path: what a browser would send with it."""
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
    _, _, form = answer.text.partition(f'action="{html.escape(path)}"')
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form or answer.text)
    return {name: html.unescape(value) for name, value in found}


async def form_token_of(client: httpx.AsyncClient) -> str:
    """The token that the forms of its session carry."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', (await client.get("/deployments")).text)
    assert found is not None
    return found[1]


async def send(client: httpx.AsyncClient, path: str, /, **typed: str) -> httpx.Response:
    """Opens a form, and sends it as it stands with what is typed."""
    fields = await fields_of(client, path)
    return await client.post(path, data={**fields, **typed}, headers=OWN)
