"""Patterns of paths, matched part by part: what it takes grows with the pattern times the path, whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from headway.kernel.dataclass import dataclass

ANY_DEPTH = "**"
_CLASSES: Mapping[str, Callable[[str], bool]] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": lambda one: one in " \t",
    "digit": lambda one: one in "0123456789",
    "lower": str.islower,
    "punct": lambda one: one.isascii() and one.isprintable() and not one.isalnum() and one != " ",
    "space": str.isspace,
    "upper": str.isupper,
    "word": lambda one: one.isalnum() or one == "_",
    "xdigit": lambda one: one in "0123456789abcdefABCDEF",
}
_WILD = frozenset("*?[\\")


class Budget:
    """How much may still be compared; ``spend`` raises TooMuch once that is used up."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """So many characters are about to be looked at."""
        self._left -= steps
        if self._left < 0:
            raise TooMuch


class TooMuch(Exception):
    """To compare all of it would take too long."""


@dataclass(frozen=True, slots=True)
class _Set:
    """Characters of which one is meant, or with ``negated`` any other."""

    negated: bool
    singles: str
    ranges: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]

    def has(self, one: str) -> bool:
        """Whether the character is meant."""
        found = (
            one in self.singles
            or any(low <= one <= high for low, high in self.ranges)
            or any(_CLASSES[each](one) for each in self.classes)
        )
        return found is not self.negated


_STAR, _ONE = object(), object()
_Token = object  # a character, a set, any one character, or any number of them
_Part = str | None | tuple[_Token, ...]  # a name, any number of names, or the tokens of one


class Patterns:
    """Patterns that were read; braces are no part of them. Names without anything wild are looked up."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names: set[str] = set()
        self._wild: list[tuple[_Part, ...]] = []
        for pattern in dict.fromkeys(patterns):
            parts = [each for each in pattern.split("/") if each]
            if _WILD.isdisjoint(pattern):
                self._names.add("/".join(parts))
            else:
                read = [_read(part) for part in parts]
                self._wild.append((*read, (_STAR,)) if read[-1] is None else tuple(read))  # what lies in the folder

    def match(self, path: str, budget: Budget) -> bool:
        """Whether one of them is the path's, or, where it ends in a plain name, that of a folder above it. Raises
        TooMuch.
        """
        names = path.split("/")
        budget.spend(len(names))
        if self._names and any("/".join(names[:end]) in self._names for end in range(1, len(names) + 1)):
            return True
        return any(_matches(parts, names, budget) for parts in self._wild)


def depths(pattern: str) -> int:
    """How many parts of a pattern stand for any number of folders."""
    return sum(part == ANY_DEPTH for part in pattern.split("/"))


def _matches(parts: tuple[_Part, ...], names: Sequence[str], budget: Budget) -> bool:
    """The places in the pattern at which one may be after each name: never more than it has parts."""
    covers = isinstance(parts[-1], str)  # a folder's name also stands for what lies in it
    places = set(_onward(parts, {0}))
    for name in names:
        budget.spend(len(places))
        after: set[int] = set()
        for place in places:
            if place == len(parts):
                continue
            part = parts[place]
            if part is None:
                after.add(place)
            elif part == name if isinstance(part, str) else _fits(part, name, budget):
                after.add(place + 1)
        places = set(_onward(parts, after))
        if covers and len(parts) in places:
            return True
        if not places:
            return False
    return len(parts) in places


def _onward(parts: tuple[_Part, ...], places: set[int]) -> Iterator[int]:
    """The places, and those behind any number of folders, which may be none."""
    for place in places:
        at = place
        yield at
        while at < len(parts) and parts[at] is None:
            at += 1
            yield at


def _fits(tokens: tuple[_Token, ...], name: str, budget: Budget) -> bool:
    """Whether a name is what the tokens say. Of several stars only the last one is ever tried anew."""
    if tokens[0] in {_STAR, _ONE} and name in {".", ".."}:
        return False
    at, star, resumed = 0, -1, 0
    position = 0
    while position < len(name):
        budget.spend(1)
        token = tokens[at] if at < len(tokens) else None
        if token is _STAR:
            star, resumed = at, position
            at += 1
        elif token is not None and (token is _ONE or token == name[position] or _among(token, name[position])):
            at += 1
            position += 1
        elif star >= 0:
            at = star + 1
            resumed += 1
            position = resumed
        else:
            return False
    return all(token is _STAR for token in tokens[at:])


def _among(token: _Token, one: str) -> bool:
    return isinstance(token, _Set) and token.has(one)


def _read(part: str) -> _Part:
    if part == ANY_DEPTH:
        return None
    if _WILD.isdisjoint(part):
        return part
    tokens: list[_Token] = []
    at = 0
    while at < len(part):
        one = part[at]
        at += 1
        if one == "*":
            if not tokens or tokens[-1] is not _STAR:
                tokens.append(_STAR)
        elif one == "?":
            tokens.append(_ONE)
        elif one == "\\":
            tokens += part[at : at + 1]
            at += 1
        elif one == "[" and (found := _set(part, at)) is not None:
            tokens.append(found[0])
            at = found[1]
        else:
            tokens.append(one)
    plain = [each for each in tokens if isinstance(each, str)]
    return "".join(plain) if len(plain) == len(tokens) else tuple(tokens)


def _set(part: str, at: int) -> tuple[_Set, int] | None:
    """The set that begins behind a bracket, and where it has ended; None where it never does."""
    negated = part[at : at + 1] in {"!", "^"}
    at += negated
    singles, ranges, classes = "", list[tuple[str, str]](), list[str]()
    first = True
    while at < len(part):
        one = part[at]
        if one == "]" and not first:
            return _Set(negated, singles, tuple(ranges), tuple(classes)), at + 1
        first = False
        if one == "[" and (end := part.find(":]", at)) > 0 and part[at + 1] == ":" and part[at + 2 : end] in _CLASSES:
            classes.append(part[at + 2 : end])
            at = end + 2
            continue
        if one == "\\" and at + 1 < len(part):
            at += 1
            one = part[at]
        at += 1
        if part[at : at + 1] == "-" and part[at + 1 : at + 2] not in {"", "]"}:
            at += 1
            if part[at] == "\\" and at + 1 < len(part):
                at += 1
            ranges.append((one, part[at]))
            at += 1
        else:
            singles += one
    return None
