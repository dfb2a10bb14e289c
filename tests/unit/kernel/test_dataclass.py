"""What Headway's own ``dataclass`` makes is what Python's makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import pytest

from headway.kernel.dataclass import dataclass

Decorator = Callable[..., Callable[[type], type]]
MAKERS = (dataclass, dataclasses.dataclass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Two numbers, and what says nothing on where it is."""

    x: int
    y: int = 0
    note: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)


def test_equal_values_are_equal_and_one_key() -> None:
    assert Point(x=1) == Point(x=1, y=0, note="seen")
    assert len({Point(x=1), Point(x=1, note="seen"), Point(x=2)}) == 2
    assert Point(x=1) != Point(x=1, secret="other")
    assert replace(Point(x=1), y=2) == Point(x=1, y=2)


def test_what_is_not_to_be_shown_is_not() -> None:
    assert repr(Point(x=1, note="a", secret="b")) == "Point(x=1, y=0, note='a')"


def test_one_is_copied_and_sent() -> None:
    point = Point(x=1, y=2, note="a", secret="b")
    for other in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):  # noqa: S301 - our own
        assert (other, repr(other)) == (point, repr(point))


@pytest.mark.parametrize(
    "options",
    [
        {"frozen": True},
        {"frozen": True, "slots": True, "kw_only": True},
        {"slots": True, "kw_only": True},
        {"slots": True, "eq": False},
        {"frozen": True, "eq": False},
    ],
    ids=repr,
)
@pytest.mark.parametrize("names", [(), ("one",), ("one", "two")], ids=len)
def test_it_compares_hashes_and_shows_as_pythons_does(options: dict[str, bool], names: tuple[str, ...]) -> None:
    ours, theirs = (_facts(_made(maker, options, names), names) for maker in MAKERS)
    assert ours == theirs


def test_another_class_of_equal_fields_is_not_equal() -> None:
    first, second = (_made(dataclass, {"frozen": True}, ("one",)) for _ in range(2))
    assert first(one=1) != second(one=1)
    assert first(one=1) != 1


def test_what_a_class_defines_itself_stays() -> None:
    @dataclass(frozen=True, slots=True)
    class Own:  # noqa: PLW1641 - Python makes its hash
        value: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __repr__(self) -> str:
            return "own"

    @dataclass(slots=True)
    class Hashed:
        value: int

        def __hash__(self) -> int:
            return 7

    assert (Own(1) == Own(2), repr(Own(1)), hash(Own(1)) == hash(Own(2))) == (True, "own", False)
    assert hash(Hashed(1)) == 7


def test_one_that_holds_itself_is_shown() -> None:
    @dataclass(slots=True)
    class Link:
        after: Link | None = None

    link = Link()
    link.after = link
    assert repr(link).endswith(".Link(after=...)")


def test_a_class_of_another_has_the_fields_of_both() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Place(Point):
        name: str

    assert Place(x=1, name="a") == Place(x=1, name="a")
    assert Place(x=1, name="a") != Place(x=2, name="a")
    assert Place(x=1, name="a") != Point(x=1)


def _made(maker: Decorator, options: dict[str, bool], names: tuple[str, ...]) -> type:
    return maker(**options)(type("Made", (), {"__annotations__": dict.fromkeys(names, Any), "__doc__": "Some."}))


def _facts(made: type, names: tuple[str, ...]) -> list[object]:
    """What can be told of the instances of a class."""
    one, same, other = (made(**dict.fromkeys(names, value)) for value in (1, 1, 2))
    try:
        hashes: object = (hash(one) == hash(same), hash(one) == hash(other))
    except TypeError as no:
        hashes = str(no)
    return [one == same, one == other, one == 1, hashes, repr(one), [each.name for each in dataclasses.fields(one)]]
