"""What comes in: from a query or a body to a typed input, or to the issues that a client knows how to read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from headway.api.issues import Expected, Issue, holds_nul, issue_of, wrong_type
from headway.api.problems import invalid, unparsable
from headway.core.deployments.queue import LONGEST_TITLE
from headway.kernel import time_range
from headway.kernel.search import Words

CONTAINER_ID = r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$"
MOST = (1 << 53) - 1  # what every client can count to
MOST_ITEMS = 20_000  # values in an input, those within others included: each that is wrong costs a KiB and more
MOST_ISSUES = 100  # that are told of an input

I = TypeVar("I", bound="Input")  # noqa: E741 - an input

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


class Input(BaseModel):
    """Base of all inputs: camelCase on the wire, strict about types, deaf to keys that it does not know, which are
    named in ``unknown``.
    """

    # What validates an input is made with the first that comes: all of them are a tenth of what a panel's start takes.
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True, defer_build=True)

    _unknown: tuple[str, ...] = PrivateAttr(())

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names that came and that it does not know, in their order."""
        private = self.__pydantic_private__  # by the attribute's own name it is looked for where all else is first
        return () if private is None else private["_unknown"]

    def note_unknown(self, names: tuple[str, ...]) -> None:
        """Keeps the names that came beside what it knows."""
        self._unknown = names


def untexted(value: object) -> object:
    """The list or object that a text of JSON holds, which the official command line sends for them; what is neither may
    be names with commas between them.
    """
    if not isinstance(value, str):
        return value
    try:
        held = from_json(value, allow_inf_nan=False)
    except ValueError:
        held = None
    if held_unfit := _unfit(held):
        raise ValueError(held_unfit["message"])
    return held if isinstance(held, list | dict) else [each.strip() for each in value.split(",") if each.strip()]


MOST_IDS = 1_000
Since = Annotated[str, Field(pattern=time_range.PATTERN)]  # how long ago, an instant, or all
Told = Annotated[str, Field(max_length=LONGEST_TITLE)]  # what a deployment is said to be for
Ids = Annotated[
    list[str], BeforeValidator(untexted, json_schema_input_type=list[str] | str), Field(max_length=MOST_IDS)
]
Records = Annotated[list[dict[str, str]], BeforeValidator(untexted), Field(max_length=MOST_IDS)]
Keyed = Annotated[dict[str, Any], BeforeValidator(untexted)]


class Empty(Input):
    """The input of a procedure that needs none."""


class Searched(Input):
    """What a list is searched for: ``q`` in any of its fields."""

    q: Annotated[str, Field(max_length=1_000)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=MOST)] = 0

    def words(self, **within: str | None) -> Words:
        """The words, with those for single fields by the fields' names."""
        given = {name: word for name, word in within.items() if word is not None}
        return Words(anywhere=self.q or "", within=given, limit=self.limit, offset=self.offset)


@cache
def expected_of(input: type[Input]) -> Mapping[str, Expected]:
    """What each field of an input takes, by its name on the wire."""
    return {field.alias or name: _expected(field.annotation) for name, field in input.model_fields.items()}


@cache
def needed_of(input: type[Input]) -> frozenset[str]:
    """The fields that have to be given, by their names on the wire."""
    return frozenset(field.alias or name for name, field in input.model_fields.items() if field.is_required())


def from_query(input: type[I], query: bytes) -> I:
    """The input that a query string holds: numbers and booleans are read from their texts, an empty parameter counts
    as not given, of a repeated one the first. Raises Problem with the issues.
    """
    return (_read_before if len(query) <= _LONGEST_KEPT else _read_query)(input, query)


def _read_query(input: type[I], query: bytes) -> I:
    expected, values = expected_of(input), dict[str, Any]()
    for name, text in parse_qsl(query.decode("latin-1")):
        if name not in values:
            values[name] = _read(expected[name].type, text) if name in expected else ""
    return _validated(input, values)


# Clients that poll ask the same each time, and an input never changes.
_LONGEST_KEPT = 512  # bytes
_read_before = lru_cache(512)(_read_query)


def from_body(input: type[I], body: bytes) -> I:
    """The input that a JSON body holds; an empty body is an empty object. Raises Problem: no JSON, or the issues."""
    if not body.strip():
        return _validated(input, {})
    return from_value(input, parsed(body))


def parsed(text: bytes | str) -> object:
    """The value that a text of JSON holds. Raises Problem when it is none."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        raise unparsable() from None


def from_value(input: type[I], values: object) -> I:
    """The input that a JSON value holds. Raises Problem with the issues."""
    if not isinstance(values, dict):
        raise invalid([wrong_type([], "object", values)])
    expected = expected_of(input)
    return _validated(input, {name: _whole(value) if name in expected else value for name, value in values.items()})


def _validated(input: type[I], values: dict[str, Any]) -> I:
    if unfit := _unfit(values):
        raise invalid([unfit])
    try:
        given = input.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise invalid([issue_of(each, expected_of(input)) for each in found[:MOST_ISSUES]]) from None
    if unknown := tuple(name for name in values if name not in expected_of(input)):
        given.note_unknown(unknown)
    return given


def _read(type: str, text: str) -> object:
    if type == "number":
        return _whole(float(text)) if _NUMBER.fullmatch(text.strip()) else math.nan
    if type == "boolean":
        return _BOOLEANS.get(text, text)
    return text


def _whole(value: object) -> object:
    """JSON knows one kind of number: 5.0 is 5, wherever it stands."""
    match value:
        case float():
            return int(value) if value.is_integer() else value
        case dict():
            return {key: _whole(each) for key, each in value.items()}
        case list():
            return [_whole(each) for each in value]
        case _:
            return value


def _unfit(value: object) -> Issue | None:
    """What no answer could give back, wherever it stands: a text with NUL, a number beyond all bounds (``1e999``); and
    more values than any operation takes.
    """
    try:
        return _found_unfit(value, []) if _holds_unfit(value) else None
    except _TooMany:
        return {"code": "custom", "path": [], "message": f"Invalid input: more than {MOST_ITEMS:,} values"}


class _TooMany(Exception):
    """There are more values than any operation takes."""


def _holds_unfit(value: object) -> bool:
    """Looked for without the way to it: nearly nothing holds any. Raises _TooMany."""
    left, seen = [value], 0
    while left:
        each = left.pop()
        seen += 1
        if seen + len(left) > MOST_ITEMS:
            raise _TooMany
        if isinstance(each, str):
            if "\x00" in each:
                return True
        elif isinstance(each, list):
            left += each
        elif isinstance(each, dict):
            left += each.values()
        elif isinstance(each, float) and math.isinf(each):
            return True
    return False


def _found_unfit(value: object, path: list[str | int]) -> Issue | None:
    match value:
        case str():
            return holds_nul([*path]) if "\x00" in value else None
        case float():
            return wrong_type([*path], "number", value) if math.isinf(value) else None
        case dict() | list():
            for key, each in value.items() if isinstance(value, dict) else enumerate(value):
                path.append(key)
                if found := _found_unfit(each, path):
                    return found
                path.pop()
    return None


def _expected(annotation: object) -> Expected:
    """What an annotation takes: ``X | None`` takes what X does, a Literal its options."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _expected(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return _expected(next(each for each in get_args(annotation) if each is not NoneType))
    if origin is Literal:
        return Expected(type="string", options=get_args(annotation))
    if annotation is bool:
        return Expected(type="boolean")
    if annotation in {int, float}:
        return Expected(type="number")
    if annotation is str:
        return Expected(type="string")
    return Expected(type="array" if origin in {list, tuple} else "object")
