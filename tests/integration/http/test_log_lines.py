"""A log by its lines, searched in whole, and downloaded without colours."""

from __future__ import annotations

import asyncio

from headway.infra.logs.line_index import LineNotes
from tests.integration.http.test_follow import running, step
from tests.integration.http.test_log import logged
from tests.integration.http.world import World

ESC = "\x1b"
TEXT = f"one\n{ESC}[31mtwo ✅\nthr{ESC}[0mee\n"


async def test_lines_come_by_number_with_colours(world: World) -> None:
    deployment_id = await logged(world, TEXT)
    found = await world.get("deployment.lines", deploymentId=deployment_id, **{"from": 2})
    assert (found["first"], found["total"], found["size"], found["ended"]) == (2, 3, len(TEXT.encode()), True)
    assert [(row["n"], row["runs"]) for row in found["rows"]] == [
        (2, [["ansi-red", "two ✅"]]),
        (3, [["ansi-red", "thr"], ["", "ee"]]),
    ]
    assert found["rows"][0] | {"runs": []} == {
        "n": 2,
        "offset": 4,
        "at": None,
        "caughtUp": False,
        "step": None,
        "runs": [],
        "cut": 0,
        "open": False,
    }
    last = await world.get("deployment.lines", deploymentId=deployment_id, count=1)
    assert [row["n"] for row in last["rows"]] == [3]
    around = await world.get("deployment.lines", deploymentId=deployment_id, around=2, count=3)
    assert [row["n"] for row in around["rows"]] == [1, 2, 3]


async def test_a_line_tells_its_step_while_it_runs(world: World) -> None:
    lease, log = await running(world)
    log.write("one\n")
    await step(world, lease, "fetch", 4)
    log.write("two\nopen")
    found = await world.get("deployment.lines", deploymentId=lease.deployment_id)
    assert [(row["n"], row["step"], row["open"]) for row in found["rows"]] == [
        (1, None, False),
        (2, "fetch", False),
        (3, "fetch", True),
    ]
    assert not found["ended"]


async def test_of_steps_that_say_nothing_the_last_is_that_of_the_next_line(world: World) -> None:
    lease, log = await running(world)
    for name in ("prepare", "fetch", "build", "activate"):
        await step(world, lease, name)
    log.write("one\n")
    found = await world.get("deployment.lines", deploymentId=lease.deployment_id)
    assert [row["step"] for row in found["rows"]] == ["activate"]


async def test_steps_tell_their_first_lines(world: World) -> None:
    lease, log = await running(world)
    await step(world, lease, "fetch")
    log.write("one\ntwo\n")
    await step(world, lease, "build", 8)
    log.write("three\n")
    await step(world, lease, "release", 14)
    found = await world.get("deployment.lines", deploymentId=lease.deployment_id, count=1)
    assert [(each["name"], each["first"]) for each in found["steps"]] == [("fetch", 1), ("build", 3), ("release", 4)]
    assert found["steps"][0]["startedAt"] is not None


async def test_one_that_waits_has_no_lines(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    found = await world.get("deployment.lines", deploymentId=deployment_id)
    assert found == {"generation": "", "first": 1, "total": 0, "size": 0, "ended": False, "steps": [], "rows": []}
    assert (await world.get("deployment.find", deploymentId=deployment_id, text="x"))["hits"] == []


async def test_another_log_than_the_one_that_was_meant_is_a_conflict(world: World) -> None:
    deployment_id = await logged(world, TEXT)
    given = {"deploymentId": deployment_id}
    generation = (await world.get("deployment.lines", **given))["generation"]
    assert (await world.get("deployment.lines", **given, generation=generation))["total"] == 3
    log = world.platform.data_dir.logs / f"{deployment_id}.log"
    LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True).close()
    for name, more in (("lines", {}), ("find", {"text": "x"})):
        answer = await world.owner.get(f"/deployment.{name}", params=given | more | {"generation": generation})
        assert answer.status_code == 409
        assert "begun anew" in answer.text


async def test_a_search_tells_the_lines_and_the_next_one(world: World) -> None:
    given = {"deploymentId": await logged(world, TEXT)}
    found = await world.get("deployment.find", **given, text="THREE", ignoreCase="true")
    assert (found["hits"], found["total"], found["next"], found["cut"]) == ([3], 1, 3, None), "through colours, too"
    back = await world.get("deployment.find", **given, text="o", direction="backward", **{"from": 2})
    assert (back["hits"], back["next"]) == ([1, 2], 2)
    some = await world.get("deployment.find", **given, text="^o|e$", regex="true")
    assert some["hits"] == [1, 3]


async def test_a_person_searches_once_at_a_time(world: World) -> None:
    given = {"deploymentId": await logged(world, TEXT)}
    found = await asyncio.gather(*(world.get("deployment.find", **given, text="one") for _ in range(5)))
    assert [each["hits"] for each in found] == [[1]] * 5


async def test_what_makes_no_sense_is_refused(world: World) -> None:
    given: dict[str, str | int] = {"deploymentId": await logged(world, TEXT)}
    wrongs: tuple[tuple[str, dict[str, str | int]], ...] = (
        ("lines", {"from": 0}),
        ("lines", {"around": 0}),
        ("lines", {"count": 1001}),
        ("lines", {"from": 1, "around": 2}),
        ("lines", {"generation": "../x"}),
        ("find", {"text": ""}),
        ("find", {"text": "a\nb"}),
        ("find", {"text": "x" * 201}),
        ("find", {"text": "(", "regex": "true"}),
        ("find", {"text": "(a)\\1", "regex": "true"}),
        ("find", {"text": "x", "direction": "up"}),
    )
    statuses = [
        (await world.owner.get(f"/deployment.{name}", params=given | more)).status_code for name, more in wrongs
    ]
    assert statuses == [400] * len(wrongs)


async def test_a_download_without_colours(world: World) -> None:
    text = TEXT * 20_000 + f"{ESC}]0;a title\nlast{ESC}[1m" + "x" * 2_000_000 + "é"
    given = {"deploymentId": await logged(world, text), "plain": "true"}
    answer = await world.owner.get("/deployment.log", params=given, headers={"range": "bytes=4-"})
    assert answer.status_code == 200
    assert answer.content.decode() == "one\ntwo ✅\nthree\n" * 20_000 + "\nlast" + "x" * 2_000_000 + "é"
    assert "etag" not in answer.headers
    assert "content-length" not in answer.headers
    given["deploymentId"] = await world.deploy(await world.application())
    assert (await world.owner.get("/deployment.log", params=given)).content == b""
