"""Every field of every procedure, missing, empty, oversized, of another type, foreign and unknown; from the registry,
so that what is added is covered.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import httpx
import pytest

from headway.api.issues import Expected
from headway.api.operation import Kind, Operation
from headway.operations import bare_registry
from tests.integration.http.world import World

NOBODY: Any = None  # procedures are listed here, not called
PROCEDURES = tuple(bare_registry())
MUTATIONS = [procedure for procedure in PROCEDURES if procedure.kind is Kind.MUTATION]
OTHER_TYPES: Mapping[str, tuple[Any, ...]] = {
    "string": (True, 7, 1.5, [], {}),
    "number": (True, "seven", [], {}),
    "boolean": (7, "yes", [], {}),
    "array": (True, 7, {}),  # command lines send lists as texts
    "object": (True, 7, "x", []),
}
NUMBERED = frozenset({"githubAppId", "githubInstallationId"})  # GitHub's own numbers come as numbers, or as texts
ANSWERED = {200, 400, 404, 409}
Json = Any


async def test_what_is_required_must_be_there(world: World) -> None:
    for procedure in PROCEDURES:
        required = _required(procedure)
        if required:
            answer = await send(world.owner, procedure, {})
            assert answer.status_code == 400, procedure.name
            assert set(required) <= set(answer.json()["data"]["zodError"]["fieldErrors"]), procedure.name


@pytest.mark.slow
async def test_a_value_of_another_type_is_named(world: World) -> None:
    for procedure in MUTATIONS:  # a query has texts only
        for field, expected in procedure.expected.items():
            for value in OTHER_TYPES[expected.type]:
                if isinstance(value, int) and field in NUMBERED:
                    continue
                answer = await send(world.owner, procedure, {field: value})
                assert answer.status_code == 400, (procedure.name, field, value, answer.text)
                assert field in answer.json()["data"]["zodError"]["fieldErrors"], (procedure.name, field, value)


@pytest.mark.slow
async def test_an_id_that_is_no_use_or_anothers_is_refused(world: World, foreign: Mapping[str, str]) -> None:
    for procedure in PROCEDURES:
        required = _required(procedure)
        for field in (each for each in required if each.lower().endswith("id")):
            for value in ("", " ", "nope", "x" * 100_000, "../..", foreign.get(field, "\u202e")):
                answer = await send(world.owner, procedure, {**dict.fromkeys(required, "x"), field: value})
                assert answer.status_code in {400, 404}, (procedure.name, field, value[:20], answer.text[:200])


@pytest.mark.slow
@pytest.mark.parametrize("wire", ["", "trpc/"])
async def test_a_body_that_is_hard_to_read_breaks_nothing(world: World, wire: str) -> None:
    """The large ones for one procedure of each router; `script/prove bad_values` sends them to all."""
    firsts = {procedure.name.partition(".")[0]: procedure.name for procedure in MUTATIONS}
    await send_bodies(world, wire, large_to=frozenset(firsts.values()))


async def send_bodies(world: World, wire: str, large_to: Collection[str]) -> None:
    """What is hard to read, to every mutation."""
    for procedure in (each for each in MUTATIONS if not (wire and each.uploads)):
        large = large_bodies(procedure.expected) if procedure.name in large_to else ()
        for body, statuses in (*large, *bodies(procedure.expected)):
            if wire and body == b"null":
                continue  # there it stands for no input
            headers = {"content-type": "application/json"}
            answer = await world.owner.post(f"/{wire}{procedure.name}", content=body, headers=headers)
            assert answer.status_code in statuses, (procedure.name, body[:60], answer.text[:200])
            if answer.content:
                json.loads(answer.content, parse_constant=_no_json)


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", '"\\ud800"', '{"json":[]}', '{"json":{"id":1e999}}', "[" * 5_000, "\x00"]
)
async def test_an_input_that_is_hard_to_read_breaks_no_query(world: World, text: str) -> None:
    for procedure in PROCEDURES:
        if procedure.kind is Kind.QUERY:
            answer = await world.owner.get(f"/trpc/{procedure.name}", params={"input": text})
            assert answer.status_code == (415 if procedure.streams else 400), (procedure.name, answer.text[:200])
            json.loads(answer.content, parse_constant=_no_json)


def large_bodies(expected: Mapping[str, Expected]) -> Iterator[tuple[bytes, set[int]]]:
    field = next(iter(expected), "name").encode()
    yield b'{"%s":"%s"}' % (field, b"x" * (1 << 20)), {413}
    yield b"{%s}" % b",".join(b'"key%d":%d' % (number, number) for number in range(10_000)), ANSWERED
    yield b'{"%s":%s1%s}' % (field, b"[" * 100_000, b"]" * 100_000), {400}


def bodies(expected: Mapping[str, Expected]) -> Iterator[tuple[bytes, set[int]]]:
    field = next(iter(expected), "name").encode()
    yield b'{"unknown":%s1%s}' % (b"[" * 100, b"]" * 100), ANSWERED
    yield b'{"%s":"a\\u0000b"}' % field, {400}
    yield b'{"\\u0000":"a"}', ANSWERED
    yield b'{"%s":"\\ud800"}' % field, {400}
    yield b'{"%s":"\xed\xa0\x80"}' % field, {400}
    yield b'{"%s":"a","%s":"b"}' % (field, field), ANSWERED
    yield b'{"%s":1e999}' % field, {400}
    yield b'{"unknown":1e999}', {400}
    yield b'{"%s":%s}' % (field, b"9" * 1_000), ANSWERED
    yield b'{"%s":NaN}' % field, {400}
    yield b"\xef\xbb\xbf{}", {400}
    yield b"[]", {400}
    yield b"null", {400}
    yield b'{"%s":' % field, {400}


async def send(client: httpx.AsyncClient, procedure: Operation, given: Mapping[str, Json]) -> httpx.Response:
    """The call, by the method of the procedure. A text that is too long for a URL is cut."""
    if procedure.kind is Kind.QUERY:
        texts = {name: str(value)[:20_000] for name, value in given.items()}
        return await client.get(f"/{procedure.name}", params=texts)
    return await client.post(f"/{procedure.name}", json=dict(given))


@pytest.fixture
async def foreign(world: World) -> Mapping[str, str]:
    """The ids of what another organisation has."""
    made = (await world.stranger.post("/project.create", json={"name": "theirs"})).json()
    where = {"projectId": made["project"]["projectId"], "environmentId": made["environment"]["environmentId"]}
    given = {"name": "theirs", "environmentId": where["environmentId"], "customGitUrl": "https://git.example/x.git"}
    application = (await world.stranger.post("/application.create", json=given)).json()["applicationId"]
    deployed = await world.stranger.post("/application.deploy", json={"applicationId": application})
    key = (await world.stranger.post("/sshKey.create", json={"name": "theirs"})).json()["sshKeyId"]
    return {
        **where,
        "applicationId": application,
        "deploymentId": deployed.headers["x-deployment-id"],
        "sshKeyId": key,
        "id": application,
    }


def _required(procedure: Operation) -> list[str]:
    fields: Mapping[str, Any] = procedure.input.model_fields
    return [field.alias or name for name, field in fields.items() if field.is_required()]


def _no_json(constant: str) -> None:
    raise AssertionError(constant)
