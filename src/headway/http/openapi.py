"""The OpenAPI document, made from the registry: every procedure with its input, its answer and its errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import DictSchema
from typing_extensions import TypedDict

from headway import __version__
from headway.api.operation import File, Kind, Operation, Text
from headway.api.registry import Registry
from headway.core.deployments.idempotency import LONGEST_KEY
from headway.http.channels import EventKind

Json = Mapping[str, Any]

_REFERENCE = "#/components/schemas/{model}"
_KEYS: Iterable[Json] = ({"apiKey": []}, {"bearer": []})
_DESCRIPTION = (
    "Queries are GET with plain query parameters, mutations POST with a JSON object. The same procedures are at "
    "/api/trpc/<procedure> for tRPC's clients. No text holds the NUL character. Of a parameter that is repeated the "
    "first counts. Whether the panel can do its work anybody may ask: GET /api/health answers 200 or 503 and needs no "
    "key; it is no procedure and has no path here, for programs take every path of this document apart at its dot."
)
_ERRORS: Mapping[int, str] = MappingProxyType(
    {
        400: "The input is not what the procedure takes, or it cannot be done as asked",
        401: "No key, or one that is not known",
        403: "The caller may see it but not do this to it",
        404: "It does not exist, or the caller may not see it",
        408: "The body did not arrive in time",
        409: "Its state does not allow this now",
        413: "The body is larger than a call needs",
        415: "The body is not of the type application/json",
        422: "The Idempotency-Key was used for another call",
        429: "The key has made all the calls of its window; Retry-After says when to ask again",
        500: "Headway made a mistake",
        503: "The database or a server cannot be reached now; Retry-After says when to ask again",
    }
)
_OF_QUERIES = (400, 401, 403, 404, 409, 429, 500, 503)
_OF_MUTATIONS = tuple(status for status in _ERRORS if status != 422)
_QUEUED: Mapping[str, Json] = {  # headers that name what an answer without a body has made
    "location": {"description": "Where the new deployment's row is", "schema": {"type": "string"}},
    "x-deployment-id": {"description": "The new deployment's id", "schema": {"type": "string"}},
}
_EVENT: Mapping[str, Any] = {
    "description": "One event; its data is JSON",
    "type": "object",
    "properties": {
        "event": {"enum": list(EventKind)},
        "id": {"type": "string", "description": "Of a log event: the byte of the log after it"},
        "data": {"type": "string"},
    },
    "required": ["event", "data"],
}
_KNOWN: Mapping[str, Any] = {"description": "The client has this answer already: it sent its etag as If-None-Match"}
_TEXT: Mapping[str, Any] = {"description": "Plain text", "content": {"text/plain": {"schema": {"type": "string"}}}}
_OF_FILES: Mapping[str, Json] = MappingProxyType(
    {
        "206": {**_TEXT, "description": "The part that the header Range asks for"},
        "304": _KNOWN,
        "416": {"description": "The file ends before that part; Content-Range tells its size"},
    }
)
_NEXT: Json = MappingProxyType(
    {
        "x-next-cursor": {
            "description": "With a limit: the cursor of the next part; absent at the end",
            "required": False,
            "schema": {"type": "string"},
        }
    }
)
_ONCE: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again within 24 hours with the same key, the call starts nothing and gives the first answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


class ZodError(TypedDict):
    """What is wrong with an input, by field."""

    formErrors: list[str]
    fieldErrors: dict[str, list[str]]


class ErrorData(TypedDict):
    """What kind of error it is; path is absent where the path itself is not known."""

    code: str
    httpStatus: int
    path: NotRequired[str]
    zodError: ZodError | None


class InputIssue(TypedDict):
    """One thing that is wrong with an input, and where. What else it says depends on its code."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    code: str
    path: list[str | int]
    message: str


class Error(TypedDict):
    """Why a call was refused; the message is a sentence that a person can act on."""

    message: str
    code: str
    data: ErrorData
    issues: NotRequired[list[InputIssue]]


class Unauthorized(TypedDict):
    """The answer to a call without a known key, whatever was called."""

    message: Literal["Unauthorized"]


class _Told(GenerateJsonSchema):
    """Schemas as they are meant: a field's name says what its title would, and keys that a pattern names are all the
    keys that there may be.
    """

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def dict_schema(self, schema: DictSchema) -> dict[str, Any]:
        told = super().dict_schema(schema)
        return {**told, "additionalProperties": False} if "patternProperties" in told else told


def document(registry: Registry) -> Json:
    """The whole document, in OpenAPI 3.1."""
    listed = sorted(registry, key=lambda operation: operation.name)
    references, schemas = _schemas(listed)
    paths = {f"/{each.name}": {_method(each): _operation(each, references)} for each in listed}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headway", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/api"}],
        "security": list(_KEYS),
        "tags": [{"name": each.name, "description": each.title} for each in registry.routers()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): _error(status, references) for status in _ERRORS},
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[Mapping[str, Json], Json]:
    """What to say for the answer of each procedure and for the errors, and the named schemas that this points at."""
    answers = {each.name: each.output for each in operations if each.output is not None and not each.streams}
    outputs = {**answers, "error": Error, "unauthorized": Unauthorized}
    # One type of them all: what several of them hold is read once.
    told = TypeAdapter(TypedDict("_Answers", outputs)).json_schema(  # type: ignore[operator]  # made as it runs
        mode="serialization", ref_template=_REFERENCE, schema_generator=_Told
    )
    return told["properties"], told["$defs"]


def _method(operation: Operation) -> str:
    return "get" if operation.kind is Kind.QUERY else "post"


def _operation(operation: Operation, references: Mapping[str, Json]) -> Json:
    query = operation.kind is Kind.QUERY
    errors = _OF_QUERIES if query else _OF_MUTATIONS if not operation.starts_work else tuple(_ERRORS)
    others = {"304": _KNOWN} if query and not operation.streams else _OF_FILES if operation.output is File else {}
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in errors}
    return {
        "operationId": operation.name.replace(".", "-"),
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "tags": [operation.name.partition(".")[0]],
        **({"security": []} if operation.is_open else {}),
        **(_parameters(operation) if query else _body(operation)),
        "responses": {"200": _answer(operation, references), **others, **refused},
    }


def _parameters(operation: Operation) -> Json:
    schema = _input(operation)
    required = schema.get("required", ())
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "allowEmptyValue": name not in required,  # which counts as not given
                "schema": _given(field) if name in required else field,
            }
            for name, field in schema["properties"].items()
        ]
    }


def _given(schema: Json) -> Json:
    """The schema of a parameter that has to be there: an empty one counts as not given."""
    match schema:
        case {"anyOf": choices}:
            return {**schema, "anyOf": [_given(each) for each in choices]}
        case {"type": "array", "items": items}:
            return {"minItems": 1, **schema, "items": _given(items)}
        case {"type": "string"} if schema.keys().isdisjoint({"enum", "pattern"}):
            return {"minLength": 1, **schema}
    return schema


def _body(operation: Operation) -> Json:
    schema = _input(operation)
    if operation.uploads:
        return _upload(schema)
    return {
        **({"parameters": [_ONCE]} if operation.starts_work else {}),
        "requestBody": {"required": "required" in schema, "content": {"application/json": {"schema": schema}}},
    }


def _upload(schema: Json) -> Json:
    """A form with the file, or the file itself with the fields in the query."""
    file = {"type": "string", "format": "binary", "description": "A zip or tar file, compressed or not"}
    fields = [
        {"name": name, "in": "query", "required": False, "schema": field}
        for name, field in schema["properties"].items()
    ]
    form = {**schema, "properties": {**schema["properties"], "zip": file}, "required": [*schema["required"], "zip"]}
    content = {"multipart/form-data": {"schema": form}, "application/octet-stream": {"schema": file}}
    return {"parameters": [*fields, _ONCE], "requestBody": {"required": True, "content": content}}


def _input(operation: Operation) -> dict[str, Any]:
    """The schema of an input, complete in itself: inputs of several routers have the same names."""
    made = operation.input.model_json_schema(ref_template=_REFERENCE, schema_generator=_Told)
    schema = _whole({key: value for key, value in made.items() if key != "$defs"}, made.get("$defs", {}))
    return {"properties": {}, **{key: value for key, value in schema.items() if key not in {"title", "description"}}}


def _whole(schema: Any, nested: Mapping[str, Json]) -> Any:  # noqa: ANN401 - any JSON
    """A schema with those in it that it points to: what is nested would point outside of the document."""
    if isinstance(schema, list):
        return [_whole(each, nested) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in nested:
        own = {key: value for key, value in nested[name].items() if key != "title"}
        return _whole({**own, **{key: value for key, value in schema.items() if key != "$ref"}}, nested)
    return {key: _whole(value, nested) for key, value in schema.items()}


def _answer(operation: Operation, references: Mapping[str, Json]) -> Json:
    if operation.output is File or operation.output is Text:
        return _TEXT
    if operation.streams:
        return {"description": "Events as they come", "content": {"text/event-stream": {"schema": _EVENT}}}
    if operation.output is None:
        headers = {"headers": _QUEUED} if operation.starts_work else {}
        return {"description": "Done; the body is empty", **headers}
    answer = _json(operation.summary, references[operation.name])
    if operation.starts_work:
        return {**answer, "headers": _QUEUED}
    return {**answer, "headers": dict(_NEXT)} if {"limit", "cursor"} <= operation.expected.keys() else answer


def _error(status: int, references: Mapping[str, Json]) -> Json:
    wait = {"retry-after": {"description": "Seconds to wait", "schema": {"type": "string"}}}
    answer = _json(_ERRORS[status], references["unauthorized" if status == 401 else "error"])
    return {**answer, "headers": wait} if status in {429, 503} else answer


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
