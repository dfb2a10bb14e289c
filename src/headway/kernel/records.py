"""Records within records: changed by the name of a field, and read again from the JSON that they were dumped to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

R = TypeVar("R")  # a dataclass, which typing has no word for
Record = type[Any]

_OF = "of"


def of(record: Record) -> Mapping[str, Any]:
    """The metadata of a field that holds a record of this type or none, or a sequence of them: see ``read``."""
    return MappingProxyType({_OF: record})


def replaced(record: R, changes: Mapping[str, Any]) -> R:
    """The record with other values; a name with a dot is that of a field of the record inside it."""
    own: dict[str, Any] = {}
    inside: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        if rest:
            inside[first][rest] = value
        else:
            own[first] = value
    for name, changed in inside.items():
        own[name] = replaced(own.get(name, getattr(record, name)), changed)
    return replace(record, **own)  # type: ignore[type-var]


def read(record: type[R], values: Mapping[str, Any]) -> R:
    """The record that ``dataclasses.asdict`` gave these values of. What is missing has its default, and what the record
    does not know is of a later version and dropped.
    """
    parts = _parts(record)  # type: ignore[arg-type]  # a class is hashable
    return record(**{name: _value(inner, values[name]) for name, inner in parts if name in values})


def _value(inner: Record | None, value: Any) -> Any:  # noqa: ANN401 - of any field
    if inner is None or value is None:
        return value
    return read(inner, value) if isinstance(value, Mapping) else tuple(read(inner, each) for each in value)


@cache
def _parts(record: Record) -> tuple[tuple[str, Record | None], ...]:
    """The fields, each with the type of the record that it holds."""
    return tuple((each.name, _inner(each)) for each in fields(record))


def _inner(each: Field[Any]) -> Record | None:
    made: Any = each.metadata.get(_OF, each.default_factory)
    return made if isinstance(made, type) and is_dataclass(made) else None
