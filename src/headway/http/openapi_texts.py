"""What the OpenAPI document says of inputs and answers, in words, for the pages that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headway.kernel.dataclass import dataclass

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a page writes a named shape, something literal, and plain words."""

    shape: Callable[[str], str]
    literal: Callable[[str], str]
    plain: Callable[[str], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an input."""

    name: str
    schema: Json
    required: bool


def inputs_of(operation: Json) -> list[Field]:
    """What an operation takes, in a query or in a body."""
    if "requestBody" not in operation:
        given = operation["parameters"]
        return [Field(name=each["name"], schema=each["schema"], required=each["required"]) for each in given]
    schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
    required = schema.get("required", ())
    return [Field(name=name, schema=field, required=name in required) for name, field in schema["properties"].items()]


def in_words(schema: Json, style: Style) -> str:
    """A schema, as a phrase."""
    if "$ref" in schema:
        return style.shape(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(in_words(each, style) for each in schema["anyOf"])
    if "const" in schema:
        return style.literal(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(style.literal(str(each)) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {in_words(schema['items'], style)}"
    return " ".join([style.plain(schema.get("type", "anything")), *_bounds(schema, style)])


def note(field: Field, style: Style) -> str:
    """What is to be known of a field beside its type."""
    if field.required:
        return "required"
    default = field.schema.get("default")
    return "" if default is None else f"default {style.literal(str(default))}"


def _bounds(schema: Json, style: Style) -> Iterable[str]:
    words = {
        "minimum": "≥ {}",
        "exclusiveMinimum": "> {}",
        "maximum": "≤ {}",
        "maxLength": "of at most {} characters",
    }
    yield from (style.plain(text.format(schema[key])) for key, text in words.items() if key in schema)
    if "pattern" in schema:
        yield style.literal(schema["pattern"])
    if schema.get("minLength") == 1:
        yield "not empty"
