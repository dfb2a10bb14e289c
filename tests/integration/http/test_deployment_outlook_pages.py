"""What a deployment's page tells of what is usual, of what goes before, and of the same failure before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment import PAGE as ONE
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.features.deployments.pages.deployment_past import quoted_line
from headway.pages.words import moment, utc
from tests.integration.http.page_visits import person
from tests.integration.http.test_deployment_history import done, failed
from tests.integration.http.world import World


async def test_each_step_and_row_stands_beside_what_is_usual(world: World) -> None:
    shop = await world.application("shop")
    ids = await done(world, shop, [60] * 18 + [600] * 2)
    ann = await person(world)

    page, listed = await ann.see(ONE, ids={"deploymentId": ids[0]}), await ann.see(LIST)

    assert "usually 30 s to 5 min 00 s" in page.text, "the step"
    assert "In all usually 1 min 00 s to 10 min 00 s: of the last 20 that were done" in page.text
    assert listed.text.count("usually 1 min 00 s to 10 min 00 s") == 20


async def test_of_too_few_it_is_said_that_they_are(world: World) -> None:
    ids = await done(world, await world.application("shop"), [60, 60])
    page = await (await person(world)).see(ONE, ids={"deploymentId": ids[0]})
    assert "What is usual is told once 5 of its kind were done; there are 2 so far." in page.text
    assert "usually" not in page.text


async def test_what_runs_is_expected_to_end_and_what_waits_to_begin(world: World) -> None:
    shop = await world.application("shop")
    await done(world, shop, [60] * 5)
    runs = await world.deploy(shop, title="The first")
    await world.claim()
    waits = await world.deploy(shop)
    ann = await person(world)

    running, waiting = (
        await ann.see(ONE, "state", {"deploymentId": runs}),
        await ann.see(ONE, "state", {"deploymentId": waits}),
    )

    began = (await world.get("deployment.one", deploymentId=runs))["startedAt"]
    end = utc(moment(began) + timedelta(seconds=60))
    assert f"Expected to end by {end} ." in running.text
    assert f"Expected to begin at {end} ." in waiting.text
    assert f"The first runs, expected to end by {end}" in waiting.text
    assert waiting.links["The first"] == f"/deployments/{runs}"
    late = await ann.later(61).see(ONE, "state", {"deploymentId": runs})
    assert "It takes longer than 19 of 20 of its kind before it" in late.text


async def test_a_failure_leads_to_its_line_and_to_the_same_before(world: World) -> None:
    shop = await world.application("shop")
    first = await failed(world, shop, "Step build: cannot find module 12")
    mend = await world.ended(shop)
    again = await failed(world, shop, "Step build ended with exit status 1: cannot find module 13. Install it.")
    same = await failed(world, shop, "Step build: cannot find module 14")
    world.write_log(again, "".join(f"line {n}\n" for n in range(1, 40)) + "\x1b[31mcannot find module 13\x1b[0m\nbye\n")
    ann = await person(world)

    seen = await ann.see(ONE, "state", {"deploymentId": again})
    assert seen.links["Line 40 of the log"] == f"/deployments/{again}?line=30#L40"
    assert "cannot find module 13" in seen.text
    assert "None of the 2 deployments before it failed like this." in seen.text
    assert "It has gone away since" not in seen.text

    told = await ann.see(ONE, "state", {"deploymentId": same})
    assert "The same failure 1 time before, on" in told.text
    assert f'href="/deployments/{first}"' in told.html
    assert "In between it had gone away, after" in told.text
    assert f'href="/deployments/{mend}"' in told.html
    assert "Line" not in told.links
    mended = await world.ended(shop)
    assert f'href="/deployments/{mended}"' in (await ann.see(ONE, "state", {"deploymentId": same})).html


async def test_a_failure_leads_to_where_it_is_mended(world: World) -> None:
    shop = await world.application("shop")
    broken = await failed(world, shop, "Step build: cannot find module 12")
    ways = {
        "the settings of its service": f"/services/{shop}/settings",
        "its variables": f"/services/{shop}/variables",
        "what a deploy would build": f"/services/{shop}/detected",
    }
    ann = await person(world)
    assert ways.items() <= (await ann.see(ONE, "state", {"deploymentId": broken})).links.items()
    done_well = await world.ended(shop)
    assert not ways.keys() & (await ann.see(ONE, "state", {"deploymentId": done_well})).links.keys()


async def test_what_was_done_or_cancelled_tells_of_no_failure(world: World) -> None:
    shop = await world.application("shop")
    ids = [await world.ended(shop), await world.deploy(shop)]
    await world.post("deployment.cancel", deploymentId=ids[1])
    ann = await person(world)
    for each in ids:
        values = (await ann.see(ONE, "state", {"deploymentId": each})).view.values
        assert (values["same"], values["failing_line"]) == (None, None)


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("build ended with exit status 1: the end is near", 3),
        ("build: src/app.ts:14: no such name. Do it.", 2),  # of which the folders were left out
        ("build: all is lost", None),
        ("", None),
    ],
)
def test_the_line_that_a_message_quotes_is_found(message: str, number: int | None) -> None:
    texts = ("the end", "/work/x/src/app.ts:14: no such name", "the end is near", "  ")
    lines: Any = [{"n": at, "runs": [["", text]]} for at, text in enumerate(texts, 1)]
    found = quoted_line(lines, message)
    assert (None if found is None else found["n"]) == number


async def test_a_message_and_a_line_are_text_only(world: World) -> None:
    evil = '"><script>alert(1)</script>'
    shop = await world.application("shop")
    broken = await failed(world, shop, f"Step build: {evil}")
    world.write_log(broken, f"{evil}\n")
    seen = await (await person(world)).see(ONE, "state", {"deploymentId": broken})
    assert "Line 1 of the log" in seen.links
    assert "<script>" not in seen.html
    assert (await world.get("deployment.one", deploymentId=broken))["status"] == Status.ERROR
