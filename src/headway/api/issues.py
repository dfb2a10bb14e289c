"""What is wrong with an input, in the words that the wire's clients know: a pure translation of the validator's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from headway.kernel.dataclass import dataclass

Issue = Mapping[str, Any]
Path = Sequence[str | int]

NUL_MESSAGE = "Invalid string: must not contain the NUL character"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a field takes: the name of its type on the wire, and for a choice what may be chosen."""

    type: str
    options: tuple[str, ...] = ()


_TYPES: Mapping[str, str] = {
    "string_type": "string",
    "string_unicode": "string",
    "int_type": "number",
    "int_parsing": "number",
    "float_type": "number",
    "float_parsing": "number",
    "bool_type": "boolean",
    "bool_parsing": "boolean",
    "list_type": "array",
    "tuple_type": "array",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
}

_LEAST: Mapping[str, tuple[str, str, bool]] = {
    "greater_than_equal": ("ge", "number", True),
    "greater_than": ("gt", "number", False),
    "string_too_short": ("min_length", "string", True),
    "too_short": ("min_length", "array", True),
}

_MOST: Mapping[str, tuple[str, str, bool]] = {
    "less_than_equal": ("le", "number", True),
    "less_than": ("lt", "number", False),
    "string_too_long": ("max_length", "string", True),
    "too_long": ("max_length", "array", True),
}


def issue_of(error: Mapping[str, Any], expected: Mapping[str, Expected]) -> Issue:
    """One error of the validator as an issue. ``expected`` tells of each field, by its name, what it takes."""
    path, kind, context = list(error["loc"]), error["type"], error.get("ctx", {})
    if kind == "missing":
        return _missing(path, expected)
    if kind in {"literal_error", "enum"}:
        return _not_an_option(path, _of_field(path, expected).options)
    if kind in {"int_from_float", "finite_number"} or (kind == "int_type" and _is_fraction(error["input"])):
        return _not_whole(path, error["input"])
    if kind in _TYPES:
        return wrong_type(path, _TYPES[kind], error["input"])
    if kind in _LEAST:
        name, origin, inclusive = _LEAST[kind]
        return _too_small(path, origin, context[name], inclusive=inclusive)
    if kind in _MOST:
        name, origin, inclusive = _MOST[kind]
        return _too_big(path, origin, context[name], inclusive=inclusive)
    if kind == "string_pattern_mismatch":
        pattern = f"/{context['pattern']}/"
        message = f"Invalid string: must match pattern {pattern}"
        return {
            "origin": "string",
            "code": "invalid_format",
            "format": "regex",
            "pattern": pattern,
            "path": path,
            "message": message,
        }
    return {"code": "custom", "path": path, "message": error["msg"].removeprefix("Value error, ")}


def wrong_type(path: Path, expected: str, value: object) -> Issue:
    """A value of another type than the expected one."""
    received = type_name(value)
    issue: dict[str, Any] = {"expected": expected, "code": "invalid_type"}
    if received == "NaN":
        issue["received"] = received
    issue["path"] = path
    issue["message"] = f"Invalid input: expected {expected}, received {received}"
    return issue


def holds_nul(path: Path) -> Issue:
    """A text with a NUL character, which neither databases nor environments can hold."""
    return {"origin": "string", "code": "invalid_format", "format": "nul", "path": path, "message": NUL_MESSAGE}


def zod_error(issues: Sequence[Issue]) -> Mapping[str, Any]:
    """The issues by field, as forms show them."""
    form: list[str] = []
    fields: dict[str, list[str]] = {}
    for issue in issues:
        messages = fields.setdefault(str(issue["path"][0]), []) if issue["path"] else form
        messages.append(issue["message"])
    return {"formErrors": form, "fieldErrors": fields}


def type_name(value: object) -> str:
    """The name that a JSON value's type has on the wire."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case float() if math.isnan(value):
            return "NaN"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def _missing(path: Path, expected: Mapping[str, Expected]) -> Issue:
    field = _of_field(path, expected)
    if field.options:
        return _not_an_option(path, field.options)
    message = f"Invalid input: expected {field.type}, received undefined"
    return {"expected": field.type, "code": "invalid_type", "path": path, "message": message}


def _not_an_option(path: Path, options: Sequence[str]) -> Issue:
    listed = "|".join(f'"{option}"' for option in options)
    message = f"Invalid option: expected one of {listed}"
    return {"code": "invalid_value", "values": options, "path": path, "message": message}


def _not_whole(path: Path, value: object) -> Issue:
    if isinstance(value, float) and not math.isfinite(value):
        return wrong_type(path, "number", value)
    message = "Invalid input: expected int, received number"
    return {"expected": "int", "format": "safeint", "code": "invalid_type", "path": path, "message": message}


def _too_small(path: Path, origin: str, least: float, *, inclusive: bool) -> Issue:
    bound = f">{'=' if inclusive else ''}{least}"
    return {
        "origin": origin,
        "code": "too_small",
        "minimum": least,
        "inclusive": inclusive,
        "path": path,
        "message": f"Too small: expected {origin} to {_measure(origin)}{bound}{_unit(origin)}",
    }


def _too_big(path: Path, origin: str, most: float, *, inclusive: bool) -> Issue:
    bound = f"<{'=' if inclusive else ''}{most}"
    return {
        "origin": origin,
        "code": "too_big",
        "maximum": most,
        "inclusive": inclusive,
        "path": path,
        "message": f"Too big: expected {origin} to {_measure(origin)}{bound}{_unit(origin)}",
    }


def _measure(origin: str) -> str:
    return "be " if origin == "number" else "have "


def _unit(origin: str) -> str:
    return {"string": " characters", "array": " items"}.get(origin, "")


def _is_fraction(value: object) -> bool:
    return isinstance(value, float)


def _of_field(path: Path, expected: Mapping[str, Expected]) -> Expected:
    return expected.get(str(path[0]), Expected(type="object")) if path else Expected(type="object")
