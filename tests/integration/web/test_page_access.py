"""The table of access of the API holds for pages: everybody opens each page, part and form, and gets what the row of
its operation says.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import httpx
import pytest

from headway.operations import all_pages
from tests.integration.http.access_rows import GUEST, QUERY
from tests.integration.http.access_table import TABLE
from tests.integration.http.callers import CALLERS, Caller, admit_callers, give
from tests.integration.http.test_access_table import FORBIDS, LETS_IN, MISSES
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, browser, form_token_of, signed_in
from tests.integration.web.forged import Placed, everything, forms_of, operations_of
from tests.integration.web.page_rows import PAGE_ROWS, PEOPLE, status_of
from tests.integration.web.test_pages import _addresses, _ids, _with_session
from tests.support.panel.today import today, turn

DAYS = 20  # in which everybody has opened each form; `script/prove dashboard_matrix` has them open all


def test_each_page_has_a_row() -> None:
    assert PAGE_ROWS.keys() == all_pages().keys()


def test_what_opens_a_page_needs_no_less_than_its_row() -> None:
    """Nobody is let in by the one and refused by the other."""
    pages = {path: make() for path, make in all_pages().items()}
    rows = {path: (TABLE[page.permission], PAGE_ROWS[path]) for path, page in pages.items() if page.permission}
    assert {path: (one.least, other.least) for path, (one, other) in rows.items() if one.least > other.least} == {}


def test_each_form_performs_what_has_a_row() -> None:
    operations = {path: operations_of(make()) for path, make in all_pages().items()}
    assert sum(map(len, operations.values())) > 100
    names = {name for forms in operations.values() for name in forms.values()}
    assert {name for name in names if TABLE[name].method == QUERY} == set()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", PEOPLE)
async def test_everybody_gets_what_the_row_says(world: World, name: str) -> None:
    """Of every page and part; of forms those that have their turn today."""
    await gets_what_the_rows_say(world, name, DAYS)


async def gets_what_the_rows_say(world: World, name: str, days: int) -> None:
    """Opens every page and part, and each form that has its turn today."""
    caller = CALLERS[name]
    person = caller.person or ""
    async with signed_in(world) as owner:
        addresses = await _admitted(world, caller, owner)
        async with signed_in(world, person) if person != "owner" else nullcontext(owner) as client:
            found = {each: (await client.get(address)).status_code for each, address in addresses.items()}
            assert found == {each: status_of(caller, each.partition("/-/")[0]) for each in addresses}
            forms = forms_of(addresses)
            turns = turn(list(forms), days)
            print(f"{today()}: {len(addresses)} pages and parts, {len(turns)} of {len(forms)} forms as {name}")
            await _forms_are_as_the_table_says(world, owner, client, caller, {each: forms[each] for each in turns})


@pytest.mark.slow
async def test_nobody_gets_anything(world: World) -> None:
    async with signed_in(world) as owner, browser(world) as client:
        addresses = await _admitted(world, CALLERS["owner"], owner)
        before = everything(world)
        shown = {name: (await client.get(address)).status_code for name, address in addresses.items()}
        assert shown == {name: _of_nobody(name) for name in addresses}
        for name, form in forms_of(addresses).items():
            assert (await client.get(form.address)).status_code == 303, name
            answer = await client.post(form.address, data={"form_token": "0" * 64}, headers=OWN)
            assert (answer.status_code, answer.headers.get("location", "")[:9]) == (303, "/sign-in?"), name
        assert everything(world) == before


def _of_nobody(name: str) -> int:
    """What whoever has not signed in gets of a page or a part."""
    if PAGE_ROWS[name.partition("/-/")[0]].least is GUEST:
        return LETS_IN
    return 401 if "/-/" in name else 303


async def _admitted(world: World, caller: Caller, owner: httpx.AsyncClient) -> dict[str, str]:
    """Every page and part of what the owner has, of which the caller was given what it is to have."""
    members = await admit_callers(world)
    ids = dict(await _with_session(world, await _ids(world), owner))
    one = await world.get("application.one", applicationId=ids["{serviceId}"])
    environment = await world.get("environment.one", environmentId=one["environmentId"])
    ids |= {"{environmentId}": one["environmentId"], "{projectId}": environment["projectId"]}
    if caller in members:
        await give(world, members[caller], caller, environment["projectId"], ids["{serviceId}"])
    return _addresses(ids)


async def _forms_are_as_the_table_says(
    world: World, owner: httpx.AsyncClient, client: httpx.AsyncClient, caller: Caller, forms: Mapping[str, Placed]
) -> None:
    """Opens each form, which is as the owner has it for whoever may; sends those that the row of their operation, or
    that of their page, refuses to this caller.
    """
    token, before = {"form_token": await form_token_of(client)}, everything(world)
    wrong: dict[str, tuple[int, int]] = {}
    for name, form in forms.items():
        wanted = status_of(caller, form.page)
        if wanted == LETS_IN:
            wanted = (await owner.get(form.address)).status_code
            assert wanted not in {401, FORBIDS, 500}, name
            # Some are for another kind of service, and there for nobody.
            wanted = FORBIDS if wanted == LETS_IN and caller.role < TABLE[form.operation].least else wanted
        status = (await client.get(form.address)).status_code
        wrong |= {name: (status, wanted)} if status != wanted else {}
        if wanted in {FORBIDS, MISSES}:
            files = {"zip": ("sent.zip", b"PK")} if form.uploads else None
            status = (await client.post(form.address, data=token, files=files, headers=OWN)).status_code
            wrong |= {f"{name}, sent": (status, wanted)} if status != wanted else {}
    assert wrong == {}
    assert everything(world) == before
