"""The log of a deployment's page: what is shown where something is not to be had, and what a script takes over."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta

import pytest
from sqlalchemy import insert

from headway.features.deployments.pages import shared_deployment
from headway.features.deployments.pages.deployment import PAGE
from headway.infra.db.tables.deployments import steps
from headway.infra.db.transaction import Tx
from headway.infra.logs import grep
from tests.integration.http.page_visits import person
from tests.integration.http.world import World


async def test_what_cannot_be_looked_for_is_said_beside_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done = await world.ended(await world.application())
    world.write_log(done, "one line\n")
    monkeypatch.setattr(grep, "LONGEST_SECONDS", -1.0)
    monkeypatch.setattr(grep, "_start", _end)  # or it may have read the line by the time that it is ended

    seen = await (await person(world)).see(PAGE, "log", {"deploymentId": done}, find="line")

    assert "This cannot be looked for: it takes too long" in seen.text
    assert "one line" in seen.text


def _end(process: subprocess.Popen[bytes], pattern_to: int, pattern: bytes) -> None:
    del pattern
    process.kill()
    os.close(pattern_to)


async def test_a_script_is_told_what_to_ask(world: World) -> None:
    done = await world.ended(await world.application())
    world.write_log(done, "one line\n")

    seen = await (await person(world)).see(PAGE, "", {"deploymentId": done})

    for name, operation in (("lines", "lines"), ("find", "find"), ("follow-lines", "followLines")):
        assert f'data-{name}="/api/deployment.{operation}?deploymentId={done}"' in seen.html
    assert "log.js" in seen.html
    assert "data-log-bar hidden" in seen.html, "without it nothing is offered that does nothing"


async def test_a_search_heeds_its_ticks_which_stand_in_the_address(world: World) -> None:
    done = await world.ended(await world.application())
    world.write_log(done, "Error 7\nerror 12\n" + "error 3\n" * 200)
    ann, ids = await person(world), {"deploymentId": done}

    for query, told in (
        ({"find": "error 12"}, "1 line has “error 12”."),
        ({"find": "Error", "case": "true"}, "1 line has “Error”."),
        ({"find": "^error [0-9]{2}$", "regex": "true"}, "1 line has “^error [0-9]{2}$”."),
        ({"find": "^e.* 7$", "regex": "true"}, "1 line has “^e.* 7$”."),
        ({"find": "^e.* 7$", "regex": "true", "case": "true"}, "No line holds “^e.* 7$”."),
        ({"find": "(", "regex": "true"}, "This cannot be looked for: Unmatched ( or \\("),
        ({"find": r"(a)\1", "regex": "true"}, "An expression must not refer back"),
        ({"find": "error (", "regex": "yes"}, "No line holds “error (”."),
    ):
        seen = await ann.see(PAGE, "", ids, **query)
        assert told in seen.text, query
        for name in ("case", "regex"):
            tick = f'<input type="checkbox" name="{name}" value="true"'
            assert (f"{tick} checked" in seen.html, tick in seen.html) == (query.get(name) == "true", True)

    more = await ann.see(PAGE, "log", ids, find="error", case="true")
    assert more.links["Find more"] == f"/deployments/{done}?find=error&case=true&after=102#find"


async def _begin(world: World, deployment_id: str, places: dict[str, int]) -> None:
    """Steps that began at these places of its log, one after the other."""

    def write(tx: Tx) -> None:
        for number, (name, place) in enumerate(places.items()):
            began = tx.now + timedelta(seconds=number)
            row = {"name": name, "epoch": 1, "started_at": began, "log_offset": place}
            tx.execute(insert(steps).values(deployment_id=deployment_id, **row))

    await world.platform.base.db.run(write)


async def test_a_step_leads_to_its_first_line(world: World) -> None:
    done = await world.ended(await world.application())
    world.write_log(done, "".join(f"line {number}\n" for number in range(1, 9)))
    await _begin(world, done, {"fetch": 0, "check": 14, "build": 14, "release": 56})
    token = (await world.post("deployment.createLink", deploymentId=done))["token"]
    ann = await person(world)

    for page, ids, path in (
        (PAGE, {"deploymentId": done}, f"/deployments/{done}"),
        (shared_deployment.PAGE, {"token": token}, f"/shared/{token}"),
    ):
        for part in ("", "steps"):
            seen = await ann.see(page, part, ids)
            leads = {name: seen.links.get(name) for name in ("fetch", "check", "build", "release")}
            assert leads == {
                "fetch": f"{path}?line=1#L1",
                "check": None,  # it has written nothing
                "build": f"{path}?line=3#L3",
                "release": None,
            }
    there = await ann.see(PAGE, "", {"deploymentId": done}, line="3")
    assert 'id="L3"' in there.html
    assert 'id="L2"' not in there.html


async def test_the_step_that_runs_leads_to_where_its_lines_come(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    await world.claim()
    world.write_log(deployment_id, "line 1\nline 2\n")
    await _begin(world, deployment_id, {"fetch": 0, "build": 14})
    seen = await (await person(world)).see(PAGE, "steps", {"deploymentId": deployment_id})
    assert seen.links["build"] == f"/deployments/{deployment_id}?line=3#L3"
