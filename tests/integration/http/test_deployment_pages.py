"""The pages of deployments: what they show of each state, whom, and what their forms do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment import PAGE as ONE
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.features.services.releases_store import seen as seen_without
from headway.infra.db.tables.deployments import deployments, steps
from headway.infra.db.transaction import Tx
from headway.infra.logs.lines import BegunAnew
from headway.kernel.errors import HeadwayError, NotFound
from headway.pages import log_window
from headway.pages.page import Visit
from headway.pages.words import utc
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\u202egnp'


async def test_the_list_shows_what_there_is_and_counts_it(world: World) -> None:
    shop = await world.application("shop")
    failed, done = await world.ended(shop, Status.ERROR), await world.ended(shop)
    waits = await world.deploy(shop, title="Paint the button")

    seen = await (await person(world)).see(LIST)

    assert [row["deploymentId"] for row in seen.view.values["rows"]] == [waits, done, failed]  # type: ignore[attr-defined]
    assert "1 pending, 1 done, 1 did not end well" in seen.text
    assert seen.links["Paint the button"] == f"/deployments/{waits}"
    assert seen.links["shop"] == f"/services/{shop}"
    assert 'data-live data-topic="deployments"' in seen.html


async def test_an_id_without_its_type_filters_nothing(world: World) -> None:
    shop, blog = await world.application("shop"), await world.application("blog")
    ids = {await world.ended(shop), await world.ended(blog)}

    seen = await (await person(world)).see(LIST, type="", id=shop)

    assert {row["deploymentId"] for row in seen.view.values["rows"]} == ids  # type: ignore[attr-defined]
    assert seen.view.values["chips"] == []


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


async def test_nothing_counts_on_where_the_server_does_not_answer(world: World) -> None:
    shop = await world.application("shop")
    runs = await world.deploy(shop)
    await world.claim()
    began = await world.get("deployment.one", deploymentId=runs)
    await world.services.db.run(lambda tx: _lose(tx, runs))
    ann = await person(world)

    ids = {"deploymentId": runs}
    state, done_steps = await ann.see(ONE, "state", ids), await ann.see(ONE, "steps", ids)
    listed = await ann.see(LIST)

    for seen in (state, done_steps, listed):
        assert "data-age" not in seen.html.replace('data-age="ago"', ""), "no time runs on"
    assert f"began {utc(began['startedAt'])}" in state.text
    assert f"unknown build began {utc(began['startedAt'])}" in done_steps.text


async def test_what_has_begun_is_not_said_to_have_done_nothing(world: World) -> None:
    runs = await world.deploy(await world.application("shop"))
    await world.claim()
    assert "No step has begun yet." in (await (await person(world)).see(ONE, "steps", {"deploymentId": runs})).text


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
    assert "data-end" in end.html, "it is shown from its end"
    assert "data-end" not in middle.html
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
    assert f'<li class="log-line" value="2"><a class="log-number" href="/deployments/{done}?line=2#L2"' in seen.html
    assert "1 line has “error”." in seen.text
    nothing = await (await person(world)).see(ONE, "log", {"deploymentId": done}, find="nowhere")
    assert "No line holds “nowhere”." in nothing.text


async def test_lines_are_counted_from_the_first_of_a_long_log(world: World) -> None:
    done = await world.ended(await world.application("shop"))
    world.write_log(done, "".join(f"line {number}\n" for number in range(1, 12_001)))
    ann, ids = await person(world), {"deploymentId": done}

    end, found = await ann.see(ONE, "log", ids), await ann.see(ONE, "log", ids, find="line 11999")

    assert (_first(end.view), _last(end.view)) == (11_801, 12_000)
    assert 'value="11999"' in found.html


async def test_more_is_found_further_on(world: World) -> None:
    done = await world.ended(await world.application("shop"))
    world.write_log(done, "".join(f"line {number}\n" for number in range(1, 251)))
    ann, ids = await person(world), {"deploymentId": done}

    first = await ann.see(ONE, "log", ids, find="LINE")
    last = await ann.see(ONE, "log", ids, find="LINE", after="201")

    assert "250 lines have “LINE”." in first.text
    assert first.links["Find more"] == f"/deployments/{done}?find=LINE&after=101#find"
    assert [each["n"] for each in last.view.values["found"]["lines"]] == list(range(201, 251))  # type: ignore[index]
    assert "Find more" not in last.links


async def test_a_log_that_begins_anew_while_it_is_read_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await world.ended(await world.application("shop"))
    world.write_log(done, "one\nError\n")
    read, begun = log_window._lines, list[str]()

    async def begins_anew(visit: Visit, shown: log_window.ShownLog, *wanted: int | None, **given: Any) -> Any:  # noqa: ANN401 - as it is given
        if given.get("generation") and not begun:
            begun.append(done)
            raise BegunAnew
        return await read(visit, shown, *wanted, **given)

    monkeypatch.setattr(log_window, "_lines", begins_anew)
    seen = await (await person(world)).see(ONE, "log", {"deploymentId": done}, find="error")
    assert (begun, "Error" in seen.text) == ([done], True)


async def test_a_log_that_cannot_be_read_leaves_the_rest_of_the_page(world: World) -> None:
    done = await world.ended(await world.application("shop"))
    (world.platform.data_dir.logs / f"{done}.log").mkdir()

    seen = await (await person(world)).see(ONE, ids={"deploymentId": done})

    assert "It could not be read: Is a directory." in seen.text
    assert "Asked for by" in seen.text


async def test_who_looks_for_something_is_not_interrupted(world: World) -> None:
    runs = await world.deploy(await world.application("shop"))
    await world.claim()
    world.write_log(runs, "begin\n")
    ann, ids = await person(world), {"deploymentId": runs}

    follows, finds = await ann.see(ONE, "log", ids), await ann.see(ONE, "log", ids, find="begin")

    told = [
        ("data-pull" in each.html, re.search(r"data-follow\b(?!-)", each.html) is not None) for each in (follows, finds)
    ]
    assert told == [(True, True), (False, False)]


async def test_an_empty_log_is_told_of_in_a_sentence(world: World) -> None:
    shop = await world.application("shop")
    done, waits = await world.ended(shop), await world.deploy(shop)
    ann = await person(world)
    assert "Nothing was written." in (await ann.see(ONE, "log", {"deploymentId": done})).text
    assert "Nothing was written yet." in (await ann.see(ONE, "log", {"deploymentId": waits})).text


async def test_what_serves_goes_on_of_applications_alone(world: World) -> None:
    environment, ann = await world.environment(), await person(world)
    made = await world.post("compose.create", name="other", environmentId=environment)
    answer = await world.owner.post("/compose.deploy", json={"composeId": made["composeId"]})
    compose, application = answer.headers["x-deployment-id"], await world.deploy(await world.application("shop"))

    ofs = [await ann.asked(ONE, "cancel", deploymentId=each) for each in (application, compose)]

    assert ["What serves now goes on." in " ".join(each.consequences) for each in ofs] == [True, False]


async def test_only_what_can_be_gone_back_to_is_offered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await world.application("shop")
    ids = [await world.ended(shop) for _ in range(2)]
    store = (await world.post("redis.create", name="store", environmentId=await world.environment()))["databaseId"]
    ids += [(await world.owner.post("/redis.deploy", json={"redisId": store})).headers["x-deployment-id"]]
    await world.end(await world.claim())
    of = (shop, shop, store)
    kept, gone, _ = [await world.kept(each, deployment_id=to) for each, to in zip(of, ids, strict=True)]
    await world.services.db.run(lambda tx: seen_without(tx, gone, "Its files are gone."))
    ann = await person(world)
    seen = [(await ann.see(ONE, ids={"deploymentId": each})).links for each in ids]
    monkeypatch.setattr("headway.features.services.overview._MOST_RELEASES", 0)
    unlisted = (await ann.see(ONE, ids={"deploymentId": ids[0]})).links

    assert seen[0]["Roll back to this"] == f"/services/{shop}/rollback/{kept}"
    assert "Roll back to this" not in seen[1].keys() | unlisted.keys() | seen[2].keys()
    assert (await world.get("deployment.one", deploymentId=ids[2]))["rollback"]["usable"], "as those of no database"


async def test_the_same_is_shown_alike_a_second_later(world: World) -> None:
    shop = await world.application("shop")
    waits = await world.deploy(shop)
    ann = await person(world)
    for part in ONE.parts:
        first = await ann.see(ONE, part, {"deploymentId": waits})
        assert (await ann.later().see(ONE, part, {"deploymentId": waits})).html == first.html


async def test_cancelling_and_removing_say_what_they_did(world: World) -> None:
    shop = await world.application("shop")
    waits = await world.deploy(shop)
    ann = await person(world)

    question = await ann.asked(ONE, "cancel", deploymentId=waits)
    flash, then = await ann.send(ONE, "cancel", deploymentId=waits)

    assert "never begins" in question.consequences[0]
    text = "Cancelled: nothing of it runs any more. It had not begun."
    assert (flash.text, then) == (text, f"/deployments/{waits}")
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
    plain = {"deploymentId": await world.deploy(await world.application("plain"))}

    for page, ids, query in ((LIST, {}, {"text": "script"}), (ONE, {"deploymentId": evil}, {"find": "script"})):
        seen = await ann.see(page, ids=ids, **query)
        assert "<script>alert" not in seen.html
        assert "{{ 7*7 }}" in seen.text
        assert seen.tags.count("script") == (await ann.see(page, ids=ids and plain)).tags.count("script")
        assert seen.tags.count("img") == 0
        assert "javascript:" not in "".join(seen.links.values())


def _lose(tx: Tx, deployment_id: str) -> None:
    of_it = deployments.c.deployment_id == deployment_id
    began = tx.execute(select(deployments.c.started_at).where(of_it)).scalar_one()
    tx.execute(update(deployments).where(of_it).values(out_of_reach_since=tx.now))
    step = {"deployment_id": deployment_id, "name": "build", "epoch": 1, "started_at": began, "log_offset": 0}
    tx.execute(insert(steps).values(**step))


def _first(view: object) -> int:
    return _rows(view)[0]["n"]


def _last(view: object) -> int:
    return _rows(view)[-1]["n"]


def _rows(view: object) -> list[dict[str, int]]:
    rows: list[dict[str, int]] = view.values["log"].rows  # type: ignore[attr-defined]
    return rows
