"""Shapes of options in a foreign language: what a value must look like, and the one spelling that it is written in.

A program that folds the case of its keys reads ``usersfile`` and ``UsersFile`` as one. So a key is looked up as it
would be read there, and written down as we spell it: nothing reaches the program that was not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_LONGEST_TEXT = 4_096
_MOST_OF_A_LIST = 200
_KEY = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z/@-]{1,256}")
_PART_OF_TIME = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h)")
_SECONDS: Mapping[str, float] = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Shape(Protocol):
    """What a value must look like."""

    @property
    def words(self) -> str:
        """The same for people, behind "it takes"."""
        ...

    def fit(self, where: str, value: object) -> Any:  # noqa: ANN401 - JSON
        """The value as it is written down. Raises InvalidInput, naming the place."""
        ...


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    words: str = "true or false"

    def fit(self, where: str, value: object) -> bool:
        """See Shape."""
        if not isinstance(value, bool):
            refuse(where, f"it takes {self.words}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number within bounds."""

    least: int = 0
    most: int

    @property
    def words(self) -> str:
        """See Shape."""
        return f"a whole number from {self.least} to {self.most}"

    def fit(self, where: str, value: object) -> int:
        """See Shape."""
        if type(value) is not int or not self.least <= value <= self.most:
            refuse(where, f"it takes {self.words}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text, if ``pattern`` is given one that it fits whole; a number counts as its digits."""

    pattern: str = r"[\s\S]*"
    words: str = "a text"

    def fit(self, where: str, value: object) -> str:
        """See Shape."""
        text = str(value) if type(value) is int else value
        if not isinstance(text, str) or len(text) > _LONGEST_TEXT or not re.fullmatch(self.pattern, text):
            refuse(where, f"it takes {self.words}")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A span of time, as ``10s`` or a number of seconds."""

    most_seconds: int

    @property
    def words(self) -> str:
        """See Shape."""
        return f"a time such as 10s, {self.most_seconds}s at most"

    def fit(self, where: str, value: object) -> str:
        """See Shape."""
        text = f"{value}s" if type(value) is int else value
        parts = _PART_OF_TIME.findall(text) if isinstance(text, str) and len(text) <= _LONGEST_TEXT else []
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        if not parts or "".join(map("".join, parts)) != text or seconds > self.most_seconds:
            refuse(where, f"it takes {self.words}")
        return str(text)


@dataclass(frozen=True, slots=True)
class Several:
    """A list."""

    each: Shape

    @property
    def words(self) -> str:
        """See Shape."""
        return f"a list, each of it {self.each.words}"

    def fit(self, where: str, value: object) -> list[Any]:
        """See Shape."""
        if not isinstance(value, list) or len(value) > _MOST_OF_A_LIST:
            refuse(where, f"it takes a list of at most {_MOST_OF_A_LIST}, each {self.each.words}")
        return [self.each.fit(f"{where}[{number}]", each) for number, each in enumerate(value)]


@dataclass(frozen=True, slots=True)
class Named:
    """A map whose keys are the user's to choose."""

    each: Shape

    @property
    def words(self) -> str:
        """See Shape."""
        return f"a map, each of it {self.each.words}"

    def fit(self, where: str, value: object) -> dict[str, Any]:
        """See Shape."""
        given = folded(where, value)
        return {key: self.each.fit(f"{where}.{key}", each) for key, each in given.values()}


@dataclass(frozen=True, slots=True)
class Options:
    """A map of options that are known, and refused where they are not. With ``bare`` one without a value is one with
    nothing in it, else it is as if it were not there.
    """

    known: Mapping[str, Shape]
    needed: frozenset[str] = frozenset()
    why_not: Callable[[str], str] = lambda _: "this cannot be set here"
    bare: bool = False

    @property
    def words(self) -> str:
        """See Shape."""
        return f"a map of {', '.join(self.known) or 'nothing'}"

    def fit(self, where: str, value: object) -> dict[str, Any]:
        """See Shape."""
        spelt = {name.casefold(): name for name in self.known}
        fitted: dict[str, Any] = {}
        for key, (written, given) in folded(where, value).items():
            place = f"{where}.{written}".lstrip(".")
            if key not in spelt:
                refuse(place, self.why_not(written))
            each = {} if given is None and self.bare else given
            if each is not None:
                fitted[spelt[key]] = self.known[spelt[key]].fit(place, each)
        for name in sorted(self.needed - fitted.keys()):
            refuse(f"{where}.{name}", f"it has to be said here: {self.known[name].words}")
        return fitted


def folded(where: str, value: object) -> dict[str, tuple[str, object]]:
    """A map by its keys as a program that folds them reads them, each with the key as it was written. Raises
    InvalidInput for one that is no plain key, or is there twice.
    """
    if not isinstance(value, dict):
        refuse(where or "the configuration", "a map is expected here")
    found: dict[str, tuple[str, object]] = {}
    for key, each in value.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            refuse(
                where or "the configuration",
                f"the key {key!s:.60} is not taken: keys are of plain letters (a-z), digits and signs",
            )
        if key.casefold() in found:
            refuse(where or "the configuration", f"the key {key} is there twice: upper and lower case count as one")
        found[key.casefold()] = (key, each)
    return found


def refuse(where: str, why: str) -> NoReturn:
    """Raises InvalidInput."""
    raise InvalidInput(f"{where}: {why}.")
