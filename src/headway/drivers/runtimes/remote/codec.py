"""Records as JSON and back, by their types: what a server says can become nothing but what its question allows."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from headway.kernel.secret import Secret

Json = Any
_KIND = "is"
_PLAIN = (str, int, float, bool, type(None))


class NotUnderstood(ValueError):
    """The JSON is none of the type that was expected."""


def encode(value: object) -> Json:
    """A record, or what holds some, as JSON."""
    if isinstance(value, Secret):
        return value.reveal()
    if is_dataclass(value) and not isinstance(value, type):
        told = {each.name: encode(getattr(value, each.name)) for each in fields(value) if each.init}
        return {_KIND: type(value).__name__, **told}
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(name): encode(each) for name, each in value.items()}
        case str() | int() | float() | None:
            return value
        case Collection():
            return [encode(each) for each in value]
    msg = f"{type(value).__name__} cannot be sent"
    raise AssertionError(msg)


def decode(told: Json, wanted: Any) -> Any:  # noqa: ANN401 - any type, and a value of it
    """The value of that type that ``encode`` made JSON of. Raises NotUnderstood."""
    try:
        return _decoded(told, wanted)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise NotUnderstood(f"{wanted} was expected") from error


def _decoded(told: Json, wanted: Any) -> Any:  # noqa: ANN401 - as above
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return told
    if origin in {Union, types.UnionType}:
        return _one_of(told, inner)
    if origin is tuple:
        return tuple(_decoded(each, inner[0]) for each in told)
    if origin in {set, AbstractSet}:
        return {_decoded(each, inner[0]) for each in told}
    if origin in {list, Sequence, Collection}:
        return [_decoded(each, inner[0]) for each in told]
    if origin in {dict, Mapping}:
        return {str(name): _decoded(each, inner[1]) for name, each in told.items()}
    return _single(told, wanted)


def _single(told: Json, wanted: Any) -> Any:  # noqa: ANN401 - as above
    if wanted is Secret:
        return Secret(_decoded(told, str))
    if is_dataclass(wanted):
        record: Any = wanted
        hints = _hints(record)
        return record(**{name: _decoded(each, hints[name]) for name, each in told.items() if name != _KIND})
    if wanted is datetime:
        return datetime.fromisoformat(told)
    if issubclass(wanted, Enum):
        return wanted(told)
    if wanted is float and isinstance(told, int):
        return float(told)
    if wanted not in _PLAIN or type(told) is not wanted:
        raise NotUnderstood
    return told


def _one_of(told: Json, forms: tuple[Any, ...]) -> Any:  # noqa: ANN401 - as above
    if told is None and type(None) in forms:
        return None
    named = told.get(_KIND) if isinstance(told, dict) else None
    for form in forms:
        if form is type(None) or (is_dataclass(form) and getattr(form, "__name__", "") != named):
            continue
        try:
            return _decoded(told, form)
        except (TypeError, ValueError, KeyError, AttributeError):
            continue
    raise NotUnderstood


@cache
def _hints(record: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    return get_type_hints(record)
