"""The form that tRPC's clients put values in: ``{"json": V, "meta": …}``; meta names what JSON has no word for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

UNDEFINED = b'{"json":null,"meta":{"values":["undefined"],"v":1}}'

_NOTHING: Sequence[str] = ["undefined"]
_DOT = re.compile(r"(?<!\\)\.")


def wrapped(body: bytes) -> bytes:
    """JSON that is bytes already, in the form."""
    return b'{"json":%s}' % body


def unwrapped(given: object) -> object:
    """The value that an input holds. One without the form is taken as it is; undefined as a whole is an empty object,
    and a field that is undefined is left out.
    """
    if isinstance(given, dict) and "json" in given and given.keys() <= {"json", "meta"}:
        value, values = given["json"], _values(given.get("meta"))
    else:
        value, values = given, {}
    if value is None:
        return {}
    for path, kind in values.items():
        if kind == _NOTHING:
            _leave_out(value, [key.replace("\\.", ".") for key in _DOT.split(path)])
    return value


def _values(meta: object) -> Mapping[str, Any]:
    values = meta.get("values") if isinstance(meta, dict) else None
    return values if isinstance(values, dict) else {}


def _leave_out(value: object, path: list[str]) -> None:
    for key in path[:-1]:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value.pop(path[-1], None)
