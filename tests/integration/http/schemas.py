"""Whether a value is as a schema of the OpenAPI document says: what the document uses of JSON Schema, and stricter, for
a key that no schema names is a misfit too unless others are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}


def misfits(schema: Json, value: Json, document: Json, path: str = "$") -> list[str]:
    """Where the value is not as the schema says."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        found = [misfits(each, value, document, path) for each in schema["anyOf"]]
        return [] if [] in found else [each for inner in found for each in inner]
    if "type" in schema and not _is(value, schema["type"]):
        return [f"{path}: {value!r} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    if isinstance(value, dict):
        return _misfits_of_object(schema, value, document, path)
    if isinstance(value, list):
        return [each for item in value for each in misfits(schema["items"], item, document, f"{path}[]")]
    return []


def _misfits_of_object(schema: Json, value: Json, document: Json, path: str) -> list[str]:
    named, others = schema.get("properties", {}), schema.get("additionalProperties", False)
    found = [f"{path}.{key} is missing" for key in schema.get("required", ()) if key not in value]
    for key, each in value.items():
        if key in named:
            found += misfits(named[key], each, document, f"{path}.{key}")
        elif not others:
            found.append(f"{path}.{key} is not in the schema")
    return found


def _is(value: Json, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
