"""The pages of deployments: what they show of each state, whom, and what their forms do."""

from __future__ import annotations

import pytest

from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment import PAGE as ONE
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.kernel.errors import HeadwayError, NotFound
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\u202egnp'


async def test_the_list_shows_what_there_is_and_counts_it(world: World) -> None:
    shop = await world.application("shop")
    failed, done = await world.ended(shop, Status.ERROR), await world.ended(shop)
    waits = await world.deploy(shop, title="Paint the button")

    seen = await (await person(world)).see(LIST)

    assert [row["deploymentId"] for row in seen.view.values["rows"]] == [waits, done, failed]  # type: ignore[attr-defined]
    assert "1 pending, 1 done, 1 error" in seen.text
    assert seen.links["Paint the button"] == f"/deployments/{waits}"
    assert seen.links["shop"] == f"/services/{shop}"
    assert 'data-live data-topic="deployments"' in seen.html


async def test_an_empty_list_says_why_it_is_empty(world: World) -> None:
    ann = await person(world)
    assert "Nothing has been deployed yet." in (await ann.see(LIST)).text

    filtered = await ann.see(LIST, status="error", text="x")

    assert "No deployment is like that." in filtered.text
    assert [(each["label"], each["href"]) for each in filtered.view.values["chips"]] == [  # type: ignore[attr-defined]
        ("Text", "/deployments?status=error"),
        ("State", "/deployments?text=x"),
    ]


async def test_filters_stand_in_the_address_and_stay_when_one_goes_further_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headway.features.deployments.pages import deployment_list

    monkeypatch.setattr(deployment_list, "ROWS", 2)
    shop = await world.application("shop")
    ids = [await world.ended(shop) for _ in range(3)]
    ann = await person(world)

    first = await ann.see(LIST, status="done", type="application", id=shop)

    assert "3 done" in first.text
    older = first.links["Older"]
    assert older.startswith(f"/deployments?status=done&type=application&id={shop}&cursor=")
    second = await ann.see(LIST, status="done", type="application", id=shop, cursor=older.rpartition("=")[2])
    assert [row["deploymentId"] for row in second.view.values["rows"]] == [ids[0]]  # type: ignore[attr-defined]
    assert second.links["Newest"] == f"/deployments?status=done&type=application&id={shop}"
    assert "Older" not in second.links


async def test_what_has_not_been_looked_at_is_never_called_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headway.core.deployments import queries, search

    shop = await world.application("shop")
    for _ in range(4):
        await world.ended(shop)
    monkeypatch.setattr(queries, "_SECONDS_OF_A_SEARCH", -1.0)
    monkeypatch.setattr(search.search, "__kwdefaults__", {"rows_of_a_look": 2})

    seen = await (await person(world)).see(LIST, text="nowhere")

    assert seen.view.values["rows"] == []
    assert "found nothing so far" in seen.text
    assert "No deployment is like that." not in seen.text
    assert "cursor=" in seen.links["Look further back"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"status": "nope"}, "State: "),
        ({"from": "yesterday"}, "From: "),
        ({"id": "x"}, "Of: "),
        ({"text": "a b c d e f g h i"}, "Text: "),
        ({"cursor": "x"}, "cursor: "),
    ],
)
async def test_a_filter_that_is_none_is_named(one_world: World, query: dict[str, str], said: str) -> None:
    seen = await (await person(one_world)).see(LIST, "", None, **query)
    assert seen.view.status == 400
    assert said in seen.text


test_a_filter_that_is_none_is_named = pytest.mark.asyncio(loop_scope="module")(test_a_filter_that_is_none_is_named)


async def test_what_waits_says_behind_what(world: World) -> None:
    shop = await world.application("shop")
    first = await world.deploy(shop)
    await world.claim()
    second = await world.deploy(shop)

    seen = await (await person(world)).see(ONE, ids={"deploymentId": second})

    assert f"Deployment {first} of the same service runs." in seen.text
    assert "Position 1." in seen.text
    assert seen.links["See it"] == f"/deployments/{first}"
    assert seen.links["Cancel"] == f"/deployments/{second}/cancel"
    assert "Kill" not in seen.links
    assert "It has not begun yet." in seen.text


async def test_an_error_says_where_and_why_and_what_can_be_done(world: World) -> None:
    shop = await world.application("shop")
    failed = await world.ended(shop, Status.ERROR)
    world.write_log(failed, "one\n\x1b[31mtwo\x1b[0m <b>\n")

    seen = await (await person(world)).see(ONE, ids={"deploymentId": failed})

    assert "Step build: exit status 7" in seen.text
    assert '<span class="ansi-red">two</span> &lt;b&gt;' in seen.html
    assert seen.links["Deploy again"] == f"/services/{shop}/deploy-application"
    assert seen.links["Remove"] == f"/deployments/{failed}/remove"
    assert seen.links["Download the whole log"] == f"/api/deployment.log?deploymentId={failed}"
    assert "Cancel" not in seen.links


async def test_a_log_is_read_in_windows(world: World) -> None:
    shop = await world.application("shop")
    done = await world.ended(shop)
    world.write_log(done, "".join(f"line {number}\n" for number in range(1, 501)))
    ann, ids = await person(world), {"deploymentId": done}

    end = await ann.see(ONE, "log", ids)
    middle = await ann.see(ONE, "log", ids, line="150")

    assert (_first(end.view), _last(end.view)) == (301, 500)
    assert end.links["Earlier"] == f"/deployments/{done}?line=101#log"
    assert "Later" not in end.links
    assert (_first(middle.view), _last(middle.view)) == (150, 349)
    assert middle.links["Later"] == f"/deployments/{done}?line=350#log"
    assert '<li class="log-line" id="L150" value="150">' in middle.html


async def test_a_text_is_found_in_a_log(world: World) -> None:
    shop = await world.application("shop")
    done = await world.ended(shop)
    world.write_log(done, "begin\nError: <none>\nend\n")

    seen = await (await person(world)).see(ONE, "log", {"deploymentId": done}, find="error")

    assert '<span class="log-text">Error: &lt;none&gt;</span></li>' in seen.html
    nothing = await (await person(world)).see(ONE, "log", {"deploymentId": done}, find="nowhere")
    assert "No line holds “nowhere”." in nothing.text


async def test_the_same_is_shown_alike_a_second_later(world: World) -> None:
    shop = await world.application("shop")
    waits = await world.deploy(shop)
    ann = await person(world)
    for part in ONE.parts:
        first = await ann.see(ONE, part, {"deploymentId": waits})
        assert (await ann.see(ONE, part, {"deploymentId": waits})).html == first.html


async def test_cancelling_and_removing_say_what_they_did(world: World) -> None:
    shop = await world.application("shop")
    waits = await world.deploy(shop)
    ann = await person(world)

    question = await ann.asked(ONE, "cancel", deploymentId=waits)
    flash, then = await ann.send(ONE, "cancel", deploymentId=waits)

    assert "never begins" in question.consequences[0]
    assert (flash.text, then) == ("Cancelled: nothing of it runs any more.", f"/deployments/{waits}")
    row = await world.get("deployment.one", deploymentId=waits)
    assert (row["status"], row["reason"]) == ("error", "cancelled")
    assert "tone-bad" not in (await ann.see(ONE, "state", {"deploymentId": waits})).html, "it is no failure"
    assert "It has ended already: cancelled" in (await ann.asked(ONE, "kill", deploymentId=waits)).consequences[0]
    with pytest.raises(HeadwayError, match="Deployment has already ended"):
        await ann.send(ONE, "cancel", deploymentId=waits)
    flash, then = await ann.send(ONE, "remove", deploymentId=waits)
    assert (flash.good, then) == (True, "/deployments")
    with pytest.raises(NotFound):
        await ann.see(ONE, ids={"deploymentId": waits})


async def test_a_member_is_shown_what_it_was_given_and_no_more(world: World) -> None:
    given, other = await world.application("given"), await world.application("other")
    mine, theirs = await world.ended(given), await world.ended(other)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[given])
    bob = await person(world, "member")

    assert [row["deploymentId"] for row in (await bob.see(LIST)).view.values["rows"]] == [mine]  # type: ignore[attr-defined]
    assert (await bob.see(ONE, ids={"deploymentId": mine})).links["given"] == f"/services/{given}"
    for form in ("", *ONE.forms):
        with pytest.raises(NotFound):
            await (bob.asked(ONE, form, deploymentId=theirs) if form else bob.see(ONE, ids={"deploymentId": theirs}))
    for form in ONE.forms:
        with pytest.raises(NotFound):
            await bob.send(ONE, form, deploymentId=theirs)


async def test_text_from_outside_stays_text(world: World) -> None:
    shop = await world.application(EVIL.replace("\u202e", ""))
    evil = await world.deploy(shop, title=EVIL, description=EVIL)
    world.write_log(evil, f"{EVIL}\n\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07\n")
    ann = await person(world)
    plain = await ann.see(ONE, ids={"deploymentId": await world.deploy(await world.application("plain"))})

    for seen in (await ann.see(LIST, text="script"), await ann.see(ONE, ids={"deploymentId": evil}, find="script")):
        assert "<script>alert" not in seen.html
        assert "{{ 7*7 }}" in seen.text
        assert seen.tags.count("script") == plain.tags.count("script")
        assert seen.tags.count("img") == 0
        assert "javascript:" not in "".join(seen.links.values())


def _first(view: object) -> int:
    return _rows(view)[0]["n"]


def _last(view: object) -> int:
    return _rows(view)[-1]["n"]


def _rows(view: object) -> list[dict[str, int]]:
    rows: list[dict[str, int]] = view.values["log"].rows  # type: ignore[attr-defined]
    return rows
