"""``dataclass`` of Python, made for a quarter of its price.

A start makes some 850 classes of data. Python writes up to seven methods of each as text and compiles them, which took
half of the processor time of a start; here it writes ``__init__`` alone, and what compares, hashes and shows is one
function for all. Only that no attribute of a ``frozen`` one is assigned is held by the type checker alone, as it holds
what is ``Final``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, TypeVar

__all__ = ["dataclass"]

_Class = TypeVar("_Class")


def _dataclass(
    *, frozen: bool = False, eq: bool = True, slots: bool = False, kw_only: bool = False, weakref_slot: bool = False
) -> Callable[[type[_Class]], type[_Class]]:
    """What ``dataclasses.dataclass`` makes of a class with the same arguments. What the class defines itself stays."""

    def make(cls: type[_Class]) -> type[_Class]:
        own = dict(vars(cls))
        made = dataclasses.dataclass(repr=False, eq=False, slots=slots, kw_only=kw_only, weakref_slot=weakref_slot)(cls)
        methods = _comparison(made, frozen=frozen) if eq else {}
        for name, method in {**methods, "__repr__": _shown}.items():
            if own.get(name) is None:  # Python itself sets __hash__ to None where __eq__ is defined
                setattr(made, name, method)
        return made

    return make


def _comparison(cls: type, *, frozen: bool) -> Mapping[str, object]:
    values = _values_of(cls)

    def equals(self: object, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    return {"__eq__": equals, "__hash__": hashed if frozen else None}


def _values_of(cls: type) -> Callable[[object], object]:
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    return attrgetter(*names) if names else lambda _: ()


@recursive_repr()
def _shown(self: object) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)  # type: ignore[arg-type]  # is one
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
