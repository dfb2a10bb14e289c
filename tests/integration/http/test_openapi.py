"""The OpenAPI document: it names every procedure, points nowhere outside itself, and answers are as it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema_rs import is_valid
from pydantic_core import to_json

from headway.api.operation import File, Stream, Text
from headway.cli.sse import EventReader
from headway.http.openapi import document
from headway.operations import bare_registry
from tests.integration.http.access_rows import QUERY
from tests.integration.http.access_table import TABLE
from tests.integration.http.schemas import misfits
from tests.integration.http.serving import reader, served
from tests.integration.http.test_access_table import FILES, NOT_YET, given_to, things_of
from tests.integration.http.test_log import logged
from tests.integration.http.world import World
from tests.support.panel.permissions import PERMISSIONS

Json = Any
ERRORS = {"400", "401", "403", "404", "409", "429", "500", "503"}
OF_FILES = {"206", "304", "416"}
OF_BODIES = {"408", "413", "415"}


@pytest.fixture(scope="module")
def text() -> str:
    """The document as it is served; to make it takes a second."""
    return to_json(document(bare_registry())).decode()


@pytest.fixture(scope="module")
def described(text: str) -> Json:
    return json.loads(text)


async def test_the_document_is_at_its_two_places_for_whoever_has_a_key(world: World, described: Json) -> None:
    theirs = await world.member.get("/openapi.json")
    assert (theirs.status_code, theirs.headers["content-type"]) == (200, "application/json")
    assert theirs.json()["paths"].keys() == described["paths"].keys()
    file = await world.owner.get("/openapi.json")
    assert file.json() == await world.get("settings.getOpenApiDocument")
    assert file.json() == described
    assert file.json()["openapi"] == "3.1.0"
    assert (await world.nobody.get("/openapi.json")).status_code == 401


def test_every_procedure_is_in_it_with_input_answer_and_errors(described: Json) -> None:
    assert described["paths"].keys() == {f"/{name}" for name in PERMISSIONS}
    tags = {tag["name"] for tag in described["tags"]}
    for procedure in bare_registry():
        row = TABLE[procedure.name]
        operation = described["paths"][f"/{procedure.name}"]["get" if row.method == QUERY else "post"]
        assert operation["operationId"] == procedure.name.replace(".", "-")
        assert operation["tags"] == [procedure.name.partition(".")[0]]
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        of_bodies = OF_BODIES | ({"422"} if procedure.starts_work else set())
        more = of_bodies if row.method != QUERY else OF_FILES if procedure.output is File else {"304"}
        more = set() if procedure.output is Stream or procedure.output is Text else more
        assert operation["responses"].keys() - {"200"} - ERRORS == more
        assert row.given.keys() <= _fields(operation), procedure.name
        assert procedure.expected.keys() == _fields(operation), procedure.name
        content = operation["responses"]["200"].get("content")
        assert (content is None) == (procedure.output is None), procedure.name


def test_programs_can_take_each_of_its_paths_apart_at_its_one_dot(described: Json) -> None:
    assert [path for path in described["paths"] if path.count(".") != 1 or path.count("/") != 1] == []


def test_reads_say_what_they_take(described: Json) -> None:
    given = {each["name"]: each for each in described["paths"]["/deployment.readLogs"]["get"]["parameters"]}
    assert given["deploymentId"]["required"] is True
    assert given["tail"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
    assert described["components"]["securitySchemes"]["apiKey"]["name"] == "x-api-key"
    body = described["paths"]["/application.update"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    scale, watch_paths = (body["properties"][name]["anyOf"][0] for name in ("scale", "watchPaths"))
    assert (next(iter(scale["patternProperties"].values()))["maximum"], scale["additionalProperties"]) == (100, False)
    assert [each["type"] for each in watch_paths["anyOf"]] == ["array", "string"]


def test_what_a_read_has_to_be_given_is_not_empty(described: Json) -> None:
    for operation in (path["get"] for path in described["paths"].values() if "get" in path):
        for each in operation["parameters"]:
            for empty in ("", [], [""]) if each["required"] else ():
                assert not is_valid(each["schema"], empty), (operation["operationId"], each["name"], empty)


def test_addresses_of_mail_are_some(described: Json) -> None:
    content = described["paths"]["/notification.testResendConnection"]["post"]["requestBody"]["content"]
    schema = content["application/json"]["schema"]["properties"]["toAddresses"]
    given: list[Json] = ["", ",", " , ", "\x1c", "\x85,", [], [""], "a@b", ", a@b", ["a@b"]]
    fit = [value for value in given if is_valid(schema, value)]
    assert fit == ["a@b", ", a@b", ["a@b"]]


async def test_a_read_that_its_state_does_not_allow_is_in_it(world: World, described: Json) -> None:
    deployment_id = await logged(world, "one\n")
    given = {"deploymentId": deployment_id, "generation": "0" * 16, "text": "one"}
    for name in ("deployment.lines", "deployment.find"):
        answer = await world.owner.get(f"/{name}", params=given)
        assert (answer.status_code, "409" in described["paths"][f"/{name}"]["get"]["responses"]) == (409, True), name


async def test_events_are_as_the_document_says(world: World, described: Json) -> None:
    deployment_id = await logged(world, "one\n")
    kinds = set()
    async with served(world) as server, reader(server) as client:
        for name, given in (("follow", {}), ("followLines", {"generation": "0" * 16})):
            answer = await client.get(f"/deployment.{name}", params={"deploymentId": deployment_id, **given})
            content = described["paths"][f"/deployment.{name}"]["get"]["responses"]["200"]["content"]
            told = {event.kind for event in EventReader().feed(answer.content)}
            assert told <= set(content["text/event-stream"]["schema"]["properties"]["event"]["enum"])
            kinds |= told
    assert kinds >= {"log", "lines", "anew", "status", "end"}


def test_it_points_nowhere_outside_of_itself(text: str, described: Json) -> None:
    pointed = set(re.findall(r'"\$ref":"#/components/(\w+)/(\w+)"', text))
    assert len(pointed) > 30
    assert [each for each in pointed if each[1] not in described["components"][each[0]]] == []
    assert text.count('"$ref"') == len(re.findall(r'"\$ref":"#/components/', text))
    assert [name for name in described["components"]["schemas"] if "__" in name] == []


@pytest.mark.slow  # all procedures, each with all its answers
@pytest.mark.parametrize("part", range(3))
async def test_answers_are_as_the_document_says(world: World, described: Json, part: int) -> None:
    await world.ended(await world.application("ended"))
    told = set()
    asked = sorted(
        TABLE.keys() - NOT_YET - FILES - {"deployment.follow", "deployment.followLines", "deployment.followSharedLines"}
    )[part::3]
    things = await things_of(world)
    for name in sorted(asked, key=lambda each: TABLE[each].method != QUERY):
        query = TABLE[name].method == QUERY
        if not query:  # which may have changed or removed what the one before was given
            things = await things_of(world, procedure=name)
        sent = given_to(name, things)
        answer = await (world.owner.get(f"/{name}", params=sent) if query else world.owner.post(f"/{name}", json=sent))
        answers = described["paths"][f"/{name}"]["get" if query else "post"]["responses"]
        if answer.status_code == 200:
            if "content" in answers["200"]:
                schema = answers["200"]["content"]["application/json"]["schema"]
                assert misfits(schema, answer.json(), described) == [], name
            else:
                assert answer.content == b"", name
            headers = answers["200"].get("headers", {})
            always = {header for header, told_of in headers.items() if told_of.get("required", True)}
            assert always <= answer.headers.keys(), name
            told.add(name)
        else:
            assert str(answer.status_code) in answers, name
            assert misfits({"$ref": "#/components/schemas/Error"}, answer.json(), described) == [], name
    assert len(told) >= 14, "what refuses is the removal of what is not empty, and the kill of what does not run"


async def test_errors_are_as_the_document_says(world: World, described: Json) -> None:
    for answer, name in (
        (await world.owner.get("/deployment.all"), "Error"),
        (await world.owner.get("/deployment.nope"), "Error"),
        (await world.nobody.get("/deployment.all"), "Unauthorized"),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "additionalProperties": True}
        assert misfits(schema, answer.json(), described) == [], name


@pytest.mark.parametrize(
    "value",
    [[], {}, {"a": 1, "b": None}, {"a": "x", "b": None, "c": 1}, {"a": "x", "b": True}, {"a": "x", "b": [None]}],
)
def test_a_misfit_is_seen(value: Json) -> None:
    numbers = {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": numbers}, "required": ["a", "b"]}
    assert misfits(schema, {"a": "x", "b": [1]}, {}) == []
    assert misfits(schema, value, {}) != []


def _fields(operation: Json) -> set[str]:
    if "requestBody" not in operation:
        return {each["name"] for each in operation["parameters"]}
    fields = next(iter(operation["requestBody"]["content"].values()))["schema"]["properties"]
    return {name for name, field in fields.items() if field.get("format") != "binary"}
