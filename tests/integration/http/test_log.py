"""A log as a file, in parts, and searched, over a real connection."""

from __future__ import annotations

import asyncio
import socket

from tests.integration.http.serving import eventually, reader, served
from tests.integration.http.test_follow import running
from tests.integration.http.world import KEYS, World

TEXT = "one\ntwo ✅\nthree\n"
WHOLE = TEXT.encode()


async def logged(world: World, text: str = TEXT) -> str:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, text)
    return deployment_id


async def test_the_whole_log_is_a_file(world: World) -> None:
    deployment_id = await logged(world)
    answer = await world.owner.get("/deployment.log", params={"deploymentId": deployment_id})
    assert (answer.status_code, answer.content) == (200, WHOLE)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == str(len(WHOLE))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == f'attachment; filename="deployment-{deployment_id}.log"'
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_part_of_it(world: World) -> None:
    given = {"deploymentId": await logged(world)}
    part = await world.owner.get("/deployment.log", params=given, headers={"range": "bytes=4-6"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"two", f"bytes 4-6/{len(WHOLE)}")
    rest = await world.owner.get("/deployment.log", params=given, headers={"range": "bytes=4-"})
    assert (rest.status_code, rest.content, rest.headers["content-length"]) == (206, WHOLE[4:], str(len(WHOLE) - 4))
    tail = await world.owner.get("/deployment.log", params=given, headers={"range": "bytes=-6"})
    assert (tail.status_code, tail.content) == (206, b"three\n")
    none = await world.owner.get("/deployment.log", params=given, headers={"range": "bytes=99-"})
    assert (none.status_code, none.content, none.headers["content-range"]) == (416, b"", f"bytes */{len(WHOLE)}")


async def test_a_download_goes_on_only_where_the_log_is_the_same(world: World) -> None:
    given = {"deploymentId": await logged(world)}
    tag = (await world.owner.get("/deployment.log", params=given)).headers["etag"]
    for if_range, status in ((tag, 206), ('"other"', 200)):
        headers = {"range": "bytes=4-", "if-range": if_range}
        assert (await world.owner.get("/deployment.log", params=given, headers=headers)).status_code == status
    known = await world.owner.get("/deployment.log", params=given, headers={"if-none-match": tag})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_growing_log_is_taken_up_where_one_was(world: World) -> None:
    lease, log = await running(world)
    given = {"deploymentId": lease.deployment_id}
    log.write("one\n")
    first = await world.owner.get("/deployment.log", params=given)
    assert (first.content, "etag" in first.headers) == (b"one\n", False)
    log.write("two\n")
    more = await world.owner.get("/deployment.log", params=given, headers={"range": f"bytes={len(first.content)}-"})
    assert (more.status_code, more.content) == (206, b"two\n")
    nothing = await world.owner.get("/deployment.log", params=given, headers={"range": "bytes=8-"})
    assert (nothing.status_code, nothing.headers["content-range"]) == (416, "bytes */8")


async def test_one_that_waits_has_an_empty_log(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    answer = await world.owner.get("/deployment.log", params={"deploymentId": deployment_id})
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_large_log_arrives_whole_and_a_reader_who_leaves_leaves_nothing(world: World) -> None:
    text = "".join(f"line {number}\n" for number in range(1_000_000))
    deployment_id = await logged(world, text)
    async with served(world) as server, reader(server) as client:
        answer = await client.get("/deployment.log", params={"deploymentId": deployment_id})
        assert answer.content == text.encode()
        before = len(asyncio.all_tasks())
        with socket.create_connection(("127.0.0.1", server.port)) as hasty:
            path = f"/api/deployment.log?deploymentId={deployment_id}"
            hasty.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEYS['owner']}\r\n\r\n".encode())
            await eventually(lambda: len(asyncio.all_tasks()) > before)
        await eventually(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_log_over_trpc_is_refused(world: World) -> None:
    given = '{"json":{"deploymentId":"x"}}'
    assert (await world.owner.get("/trpc/deployment.log", params={"input": given})).status_code == 415


async def test_a_search_tells_lines_and_where_to_go_on(world: World) -> None:
    deployment_id = await logged(world)
    found = await world.get("deployment.searchLog", deploymentId=deployment_id, text="t", limit=1)
    assert found["matches"] == [{"offset": 4, "matchOffset": 4, "line": "two ✅"}]
    assert (found["atEnd"], found["size"]) == (False, len(WHOLE))
    rest = await world.get(
        "deployment.searchLog", deploymentId=deployment_id, text="t", **{"from": found["nextOffset"]}
    )
    assert ([match["line"] for match in rest["matches"]], rest["atEnd"]) == (["three"], True)
    folded = await world.get("deployment.searchLog", deploymentId=deployment_id, text="TWO", ignoreCase=True)
    assert [match["offset"] for match in folded["matches"]] == [4]


async def test_a_search_that_makes_no_sense_is_refused(world: World) -> None:
    deployment_id = await logged(world)
    wrongs: tuple[dict[str, str | int], ...] = (
        {"text": ""},
        {"text": "a\nb"},
        {"text": "x" * 1001},
        {"text": "x", "limit": 0},
        {"text": "x", "from": -1},
    )
    for wrong in wrongs:
        answer = await world.owner.get("/deployment.searchLog", params={"deploymentId": deployment_id, **wrong})
        assert answer.status_code == 400, wrong
