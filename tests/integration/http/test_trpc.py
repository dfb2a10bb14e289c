"""The tRPC wire: envelopes, batches, undefined, errors as the reference server gives them, and the same policy."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from headway.http.bodies import MOST_BODY_BYTES
from headway.http.trpc import MOST_CALLS
from script.clients_page import REFUSED
from tests.integration.http.access_rows import QUERY
from tests.integration.http.access_table import TABLE
from tests.integration.http.callers import CALLERS
from tests.integration.http.test_access_table import FILES, MISSES, NOT_YET, UPLOADS, expected, given_to, things_of
from tests.integration.http.world import World
from tests.support.panel.permissions import PERMISSIONS

Json = Any
UNDEFINED = {"result": {"data": {"json": None, "meta": {"values": ["undefined"], "v": 1}}}}
JSON = {"content-type": "application/json"}


async def ask(client: httpx.AsyncClient, path: str, given: Json = None, **query: str) -> httpx.Response:
    """GET, with an input unless it is None."""
    params = query if given is None else {**query, "input": json.dumps(given)}
    return await client.get(f"/trpc/{path}", params=params)


async def tell(client: httpx.AsyncClient, path: str, given: Json, **query: str) -> httpx.Response:
    """POST."""
    return await client.post(f"/trpc/{path}", params=query, json=given)


def value(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["data"]["json"]


def failed(status: int, number: int, code: str, message: str, path: str) -> Json:
    data = {"code": code, "httpStatus": status, "path": path, "zodError": None}
    return {"error": {"json": {"message": message, "code": number, "data": data}}}


async def test_both_wires_give_the_same_value(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    for procedure, given in (
        ("project.all", {}),
        ("application.one", {"applicationId": application_id}),
        ("deployment.all", {"applicationId": application_id}),
        ("deployment.readLogs", {"deploymentId": deployment_id, "tail": 5}),
        ("settings.getDokployVersion", {}),
    ):
        answer = await ask(world.owner, procedure, {"json": given})
        assert value(answer) == await world.get(procedure, **given), procedure
        assert answer.headers["content-type"] == "application/json"


async def test_an_input_is_taken_with_and_without_its_wrapper(world: World) -> None:
    application_id = await world.application()
    given = {"applicationId": application_id}
    rows = value(await ask(world.owner, "deployment.all", {"json": given}))
    assert value(await ask(world.owner, "deployment.all", given)) == rows
    assert value(await ask(world.owner, "project.all")) == value(await ask(world.owner, "project.all", {}))
    assert value(await tell(world.owner, "project.update", {**await _project(world), "name": "bare"}))["name"] == "bare"


async def test_what_is_undefined_counts_as_not_given(world: World) -> None:
    whole = {"json": None, "meta": {"values": ["undefined"], "v": 1}}
    assert value(await ask(world.owner, "user.get", whole))["role"] == "owner"
    project = await _project(world)
    values = {"name": ["undefined"], "no.such.path": ["undefined"], "description": ["Date"]}
    sent = {"json": {**project, "name": None, "description": "d"}, "meta": {"values": values, "v": 1}}
    row = value(await tell(world.owner, "project.update", sent))
    assert (row["name"], row["description"]) == ("bench", "d")


async def test_no_result_is_undefined_and_the_new_deployment_is_named(world: World) -> None:
    answer = await tell(
        world.owner, "application.deploy", {"json": {"applicationId": await world.application(), "title": "over tRPC"}}
    )
    assert (answer.status_code, answer.json()) == (200, UNDEFINED)
    row = await world.get("deployment.one", deploymentId=answer.headers["x-deployment-id"])
    assert (row["title"], row["status"]) == ("over tRPC", "pending")


async def test_a_wrong_method_is_told_with_the_right_one(world: World) -> None:
    for method, procedure, kind, allowed in (
        ("GET", "application.deploy", "mutation", "POST"),
        ("POST", "project.all", "query", "GET"),
        ("PUT", "project.all", "query", "GET"),
    ):
        answer = await world.owner.request(method, f"/trpc/{procedure}")
        message = f'Unsupported {method}-request to {kind} procedure at path "{procedure}"'
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json() == failed(405, -32005, "METHOD_NOT_SUPPORTED", message, procedure)


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    for path in ("deployment.nope", "user.get,user.get", "user/get", "__proto__"):
        answer = await ask(world.owner, path)
        assert answer.status_code == 404
        assert answer.json() == failed(404, -32004, "NOT_FOUND", f'No procedure found on path "{path}"', path)
    answer = await ask(world.owner, "application.one", {"json": {"applicationId": "nope"}})
    assert answer.json() == failed(404, -32004, "NOT_FOUND", "Application not found", "application.one")


async def test_without_a_key_nobody_learns_what_exists(world: World) -> None:
    for method, path in (("GET", "user.get"), ("POST", "user.get"), ("GET", "no.such"), ("PUT", "x/y")):
        answer = await world.nobody.request(method, f"/trpc/{path}")
        assert answer.status_code == 401
        assert answer.json() == failed(401, -32001, "UNAUTHORIZED", "UNAUTHORIZED", path)
    batch = await ask(world.nobody, "user.get,no.such", batch="1")
    assert (batch.status_code, len(batch.json())) == (401, 2)


async def test_a_failed_input_says_what_is_wrong(world: World) -> None:
    message = "Invalid input: expected string, received undefined"
    inputs: list[Json] = [None, {}, {"json": {}}, {"json": None}, {"json": {"applicationID": "x"}}]
    for given in inputs:
        answer = await ask(world.owner, "deployment.all", given)
        error = answer.json()["error"]["json"]
        assert (answer.status_code, error["code"]) == (400, -32600)
        assert error["data"]["zodError"] == {"formErrors": [], "fieldErrors": {"applicationId": [message]}}
        assert json.loads(error["message"])[0]["path"] == ["applicationId"]
    wrongs: list[Json] = [[], 5, "x", {"json": "x"}, {"json": {"applicationId": 5}}, {"json": {"applicationId": "a\0"}}]
    for wrong in wrongs:
        assert (await ask(world.owner, "deployment.all", wrong)).status_code == 400, wrong


@pytest.mark.parametrize("text", ["nope", "{", '{"json":', "\ud7ff{}", "[" * 5000])
async def test_what_is_no_json_is_refused(world: World, text: str) -> None:
    for answer in (
        await world.owner.get("/trpc/deployment.all", params={"input": text}),
        await world.owner.post("/trpc/project.create", content=text.encode(), headers=JSON),
    ):
        assert (answer.status_code, answer.json()["error"]["json"]["code"]) == (400, -32700)


async def test_bodies_are_read_as_on_the_other_wire(world: World) -> None:
    other = await world.owner.post("/trpc/project.create", data={"name": "x"})
    assert (other.status_code, other.json()["error"]["json"]["code"]) == (415, -32015)
    large = await world.owner.post("/trpc/project.create", content=b" " * (MOST_BODY_BYTES + 1), headers=JSON)
    assert (large.status_code, large.json()["error"]["json"]["code"]) == (413, -32013)
    assert (await world.owner.post("/trpc/project.create")).status_code == 400


async def test_a_batch_of_queries_is_answered_in_its_order(world: World) -> None:
    application_id = await world.application()
    given = {"1": {"json": {"applicationId": application_id}}, "2": {"applicationId": application_id}}
    answer = await ask(world.owner, "user.get,application.one,deployment.all", given, batch="1")
    assert answer.status_code == 200
    user, application, rows = (each["result"]["data"]["json"] for each in answer.json())
    assert (user["role"], application["applicationId"], rows) == ("owner", application_id, [])


async def test_answers_that_differ_in_status_come_as_several(world: World) -> None:
    answer = await ask(world.owner, "user.get,deployment.all,no.such,project.create", batch="1")
    mixed = await ask(world.owner, "user.get,deployment.all,no.such", batch="1")
    assert (answer.status_code, answer.json()["error"]["json"]["data"]) == (
        400,
        {"code": "BAD_REQUEST", "httpStatus": 400, "zodError": None},
    )
    assert answer.json()["error"]["json"]["message"] == "Cannot mix procedure types in call: query, mutation"
    assert mixed.status_code == 207
    assert ["result" in each for each in mixed.json()] == [True, False, False]
    same = await ask(world.owner, "deployment.all,application.one", batch="1")
    assert (same.status_code, len(same.json())) == (400, 2)
    single = await ask(world.owner, "user.get", batch="1")
    assert (single.status_code, len(single.json())) == (200, 1)


async def test_a_batch_of_mutations_is_done_in_its_order(world: World) -> None:
    project = await _project(world)
    given = {str(index): {"json": {**project, "name": f"name {index}"}} for index in range(5)}
    answer = await tell(world.owner, ",".join(["project.update"] * 5), given, batch="1")
    assert [each["result"]["data"]["json"]["name"] for each in answer.json()] == [f"name {n}" for n in range(5)]
    assert (await world.get("project.one", **project))["name"] == "name 4"


async def test_one_failure_of_a_batch_leaves_the_others_alone(world: World) -> None:
    application_id = await world.application()
    given = {"0": {"json": {"applicationId": "nope"}}, "1": {"json": {"applicationId": application_id}}}
    answer = await tell(world.owner, "application.deploy,application.deploy", given, batch="1")
    assert answer.status_code == 207
    assert answer.json()[0]["error"]["json"]["data"]["httpStatus"] == 404
    assert answer.json()[1] == UNDEFINED
    assert len(await world.get("deployment.all", applicationId=application_id)) == 1


async def test_a_batch_that_is_none_is_refused(world: World) -> None:
    answer = await tell(world.owner, "project.create", [{"json": {"name": "x"}}], batch="1")
    assert answer.status_code == 400
    assert answer.json()[0]["error"]["json"]["message"] == '"input" needs to be an object when doing a batch call'
    full = await ask(world.owner, ",".join(["settings.getDokployVersion"] * MOST_CALLS), batch="1")
    assert (full.status_code, len(full.json())) == (200, MOST_CALLS)
    many = await ask(world.owner, ",".join(["user.get"] * (MOST_CALLS + 1)), batch="1")
    assert (many.status_code, many.json()["error"]["json"]["code"]) == (400, -32600)


async def test_a_stream_is_for_the_other_wire(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    answer = await ask(world.owner, "deployment.follow", {"json": {"deploymentId": deployment_id}})
    error = answer.json()["error"]["json"]
    assert (answer.status_code, error["data"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "GET /api/deployment.follow" in error["message"]


async def test_an_unknown_error_tells_no_internals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(world.services.projects, "all", broken)
    answer = await ask(world.owner, "project.all,user.get", batch="1")
    assert (answer.status_code, answer.json()[0]["error"]["json"]["code"]) == (207, -32603)
    assert "inside" not in answer.text


@pytest.mark.slow
async def test_members_and_strangers_get_what_the_table_of_access_says(world: World) -> None:
    things = await things_of(world)
    once = {"organization.acceptInvitation", "registry.testRegistry"}  # the latter needs an engine
    tries = {
        name for name in TABLE if name.startswith("notification.test") and name.endswith("Connection")
    }  # and these
    signed_in = {name for name in TABLE if name.startswith("account.")}  # which a key is told, whoever has it
    trusted = {"organization.setGroupRule"}  # with who is in a group, which test_groups.py shows
    left = (
        NOT_YET
        | UPLOADS
        | REFUSED
        | once
        | tries
        | signed_in
        | trusted
        | FILES
        | {"deployment.follow", "deployment.followLines", "deployment.followSharedLines"}
    )
    for procedure in sorted(TABLE.keys() - left):
        row = TABLE[procedure]
        given = {"json": given_to(procedure, things)}
        for client, caller in ((world.member, "member without access"), (world.stranger, "owner of others")):
            status = expected(CALLERS[caller], row)
            call = ask if row.method == QUERY else tell
            answer = await call(client, procedure, given)
            assert answer.status_code == status, (procedure, caller, answer.text)
            if status == MISSES:
                message = f"{row.noun or PERMISSIONS[procedure].noun} not found"
                assert answer.json() == failed(404, -32004, "NOT_FOUND", message, procedure)


async def _project(world: World) -> dict[str, str]:
    made = await world.post("project.create", name="bench")
    return {"projectId": made["project"]["projectId"]}
