"""The OpenAPI document: it names every procedure, points nowhere outside itself, and answers are as it says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from headway.core.access.policy import RULES
from headway.faces.http.procedures import all_procedures
from headway.faces.http.registry import File, Procedure, Stream
from headway.faces.http.streams import Follows
from tests.integration.http.access_rows import QUERY
from tests.integration.http.schemas import misfits
from tests.integration.http.test_access_table import NOT_YET, TABLE, given_to, things_of
from tests.integration.http.world import World

Json = Any
ERRORS = {"400", "401", "403", "404", "429", "500", "503"}
OF_FILES = {"206", "304", "416"}
OF_BODIES = {"408", "409", "413", "415"}


async def test_the_document_is_at_its_two_places_for_whoever_has_a_key(world: World) -> None:
    file = await world.member.get("/openapi.json")
    assert (file.status_code, file.headers["content-type"]) == (200, "application/json")
    assert file.json() == await world.get("settings.getOpenApiDocument")
    assert file.json()["openapi"] == "3.1.0"
    assert (await world.nobody.get("/openapi.json")).status_code == 401


async def test_every_procedure_is_in_it_with_input_answer_and_errors(world: World) -> None:
    document = await world.get("settings.getOpenApiDocument")
    assert document["paths"].keys() == {f"/{name}" for name in RULES}
    tags = {tag["name"] for tag in document["tags"]}
    for procedure in _procedures(world):
        row = TABLE[procedure.name]
        operation = document["paths"][f"/{procedure.name}"]["get" if row.method == QUERY else "post"]
        assert operation["operationId"] == procedure.name.replace(".", "-")
        assert operation["tags"] == [procedure.name.partition(".")[0]]
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        of_bodies = OF_BODIES | ({"422"} if procedure.starts_work else set())
        more = of_bodies if row.method != QUERY else OF_FILES if procedure.output is File else {"304"}
        assert operation["responses"].keys() - {"200"} - ERRORS == (set() if procedure.output is Stream else more)
        assert row.given.keys() <= _fields(operation), procedure.name
        assert procedure.expected.keys() == _fields(operation), procedure.name
        content = operation["responses"]["200"].get("content")
        assert (content is None) == (procedure.output is None), procedure.name


async def test_programs_can_take_each_of_its_paths_apart_at_its_one_dot(world: World) -> None:
    document = await world.get("settings.getOpenApiDocument")
    assert [path for path in document["paths"] if path.count(".") != 1 or path.count("/") != 1] == []


async def test_reads_say_what_they_take(world: World) -> None:
    document = await world.get("settings.getOpenApiDocument")
    given = {each["name"]: each for each in document["paths"]["/deployment.readLogs"]["get"]["parameters"]}
    assert given["deploymentId"]["required"] is True
    assert given["tail"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
    assert document["components"]["securitySchemes"]["apiKey"]["name"] == "x-api-key"
    body = document["paths"]["/application.update"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    scale, watch_paths = (body["properties"][name]["anyOf"][0] for name in ("scale", "watchPaths"))
    assert (next(iter(scale["patternProperties"].values()))["maximum"], scale["additionalProperties"]) == (100, False)
    assert [each["type"] for each in watch_paths["anyOf"]] == ["array", "string"]


async def test_it_points_nowhere_outside_of_itself(world: World) -> None:
    text = (await world.owner.get("/openapi.json")).text
    document = (await world.owner.get("/openapi.json")).json()
    pointed = set(re.findall(r'"\$ref":"#/components/(\w+)/(\w+)"', text))
    assert len(pointed) > 30
    assert [each for each in pointed if each[1] not in document["components"][each[0]]] == []
    assert text.count('"$ref"') == len(re.findall(r'"\$ref":"#/components/', text))
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


@pytest.mark.slow  # all procedures, each with all its answers
@pytest.mark.parametrize("part", range(3))
async def test_answers_are_as_the_document_says(world: World, part: int) -> None:
    document = await world.get("settings.getOpenApiDocument")
    await world.ended(await world.application("ended"))
    told = set()
    asked = sorted(TABLE.keys() - NOT_YET - {"deployment.follow", "deployment.log"})[part::3]
    things = await things_of(world)
    for name in sorted(asked, key=lambda each: TABLE[each].method != QUERY):
        query = TABLE[name].method == QUERY
        if not query:  # which may have changed or removed what the one before was given
            things = await things_of(world, procedure=name)
        sent = given_to(name, things)
        answer = await (world.owner.get(f"/{name}", params=sent) if query else world.owner.post(f"/{name}", json=sent))
        answers = document["paths"][f"/{name}"]["get" if query else "post"]["responses"]
        if answer.status_code == 200:
            if "content" in answers["200"]:
                schema = answers["200"]["content"]["application/json"]["schema"]
                assert misfits(schema, answer.json(), document) == [], name
            else:
                assert answer.content == b"", name
            headers = answers["200"].get("headers", {})
            always = {header for header, told_of in headers.items() if told_of.get("required", True)}
            assert always <= answer.headers.keys(), name
            told.add(name)
        else:
            assert str(answer.status_code) in answers, name
            assert misfits({"$ref": "#/components/schemas/Error"}, answer.json(), document) == [], name
    assert len(told) >= 14, "what refuses is the removal of what is not empty, and the kill of what does not run"


async def test_errors_are_as_the_document_says(world: World) -> None:
    document = await world.get("settings.getOpenApiDocument")
    for answer, name in (
        (await world.owner.get("/deployment.all"), "Error"),
        (await world.owner.get("/deployment.nope"), "Error"),
        (await world.nobody.get("/deployment.all"), "Unauthorized"),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "additionalProperties": True}
        assert misfits(schema, answer.json(), document) == [], name


@pytest.mark.parametrize(
    "value",
    [[], {}, {"a": 1, "b": None}, {"a": "x", "b": None, "c": 1}, {"a": "x", "b": True}, {"a": "x", "b": [None]}],
)
def test_a_misfit_is_seen(value: Json) -> None:
    numbers = {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": numbers}, "required": ["a", "b"]}
    assert misfits(schema, {"a": "x", "b": [1]}, {}) == []
    assert misfits(schema, value, {}) != []


def _procedures(world: World) -> tuple[Procedure, ...]:
    platform = world.services
    return all_procedures(Follows(platform.deployments, platform.broadcast, platform.events, platform.audience))


def _fields(operation: Json) -> set[str]:
    if "requestBody" not in operation:
        return {each["name"] for each in operation["parameters"]}
    fields = next(iter(operation["requestBody"]["content"].values()))["schema"]["properties"]
    return {name for name, field in fields.items() if field.get("format") != "binary"}
