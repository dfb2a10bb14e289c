"""The page of the audit log: who sees it, its filters and pages, and what it tells of each row."""

from __future__ import annotations

import pytest

from headway.features.access.pages.audit_log import PAGE, ROWS
from headway.kernel.errors import Forbidden
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

EVIL = '"><script>alert(1)</script>'


async def test_it_tells_who_did_what_by_which_key_and_from_where(world: World) -> None:
    await world.post("project.create", name="Shop")
    ann = await person(world)
    seen = await ann.see(PAGE)
    row = seen.view.values["rows"][0]  # type: ignore[index]
    assert (row["what"]["label"], row["subject"], row["credential"]) == ("project.create", "Shop", "by the key")
    assert (row["row"]["apiKeyName"], row["was_done"]) == ("owner", True)
    assert row["address"] != ""
    assert row["address"] in seen.text
    assert ("name: Shop" in seen.text, "by the key" in seen.text) == (True, True)


async def test_filters_stand_in_the_address_and_each_is_left_out_again(world: World) -> None:
    await world.post("project.create", name="Shop")
    await world.post("sshKey.create", name="k", privateKey=None)
    ann = await person(world)
    found = await ann.see(PAGE, procedure="project.create", resourceName="sho")
    assert [each["row"]["procedure"] for each in found.view.values["rows"]] == ["project.create"]  # type: ignore[attr-defined]
    assert {each["href"] for each in found.view.values["chips"]} == {  # type: ignore[attr-defined]
        "/audit?procedure=project.create",
        "/audit?resourceName=sho",
    }
    none = await ann.see(PAGE, userId="nobody")
    assert "No row is like that." in none.text
    wrong = await ann.see(PAGE, "", None, **{"from": "yesterday"})
    assert (wrong.view.status, "From: Invalid ISO datetime." in wrong.text) == (400, True)
    odd = await ann.see(PAGE, action="nothing")
    assert odd.view.status == 400


async def test_it_comes_in_pages_and_no_row_is_left_out(world: World) -> None:
    for number in range(ROWS + 3):
        await world.post("project.create", name=f"Shop {number}")
    ann = await person(world)
    first = await ann.see(PAGE, action="create")
    older = first.links["Older"]
    assert older.startswith("/audit?action=create&cursor=")
    last = await ann.see(PAGE, action="create", cursor=older.rpartition("=")[2])
    assert ("Older" in last.links, last.links["Newest"]) == (False, "/audit?action=create")
    names = [each["subject"] for seen in (first, last) for each in seen.view.values["rows"]]  # type: ignore[attr-defined]
    assert names == [f"Shop {number}" for number in reversed(range(ROWS + 3))]


async def test_a_member_is_refused_and_others_see_nothing_of_it(world: World) -> None:
    await world.post("project.create", name="Shop")
    with pytest.raises(Forbidden):
        await (await person(world, "member")).see(PAGE)
    assert "Shop" not in (await (await person(world, "stranger")).see(PAGE)).text


async def test_names_in_it_stay_text(world: World) -> None:
    await world.post("sshKey.create", name=EVIL, privateKey=None)
    seen = await (await person(world)).see(PAGE)
    assert "<script>alert" not in seen.html
    assert EVIL in seen.text
