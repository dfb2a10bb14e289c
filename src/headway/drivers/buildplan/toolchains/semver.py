"""Versions and ranges as npm writes them (semver), which Node, Bun, Deno and their package managers have too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headway.kernel.dataclass import dataclass

Numbers = tuple[int, int, int]
# A release sorts behind all that came before it: ("") has none of its own, and each of theirs is a pair.
Key = tuple[Numbers, bool, tuple[tuple[bool, int, str], ...]]

_LONGEST = 1_024
_END = 10**9  # beyond any number that is read
_VERSION = re.compile(r"\s*+v?=?\s*+(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\s*")
_PARTIAL = re.compile(
    r"(<=|>=|<|>|=|\^|~>?)?\s*+[v=]*+\s*+(\d{1,9}|[xX*])(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?"
    r"(?:-([0-9A-Za-z][0-9A-Za-z.-]*))?(?:\+[0-9A-Za-z.-]+)?(?=\s|$)"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_ANY = frozenset("xX*")


@dataclass(frozen=True, slots=True)
class Version:
    """A version; those of the same numbers that come ``before`` it are told by what follows the hyphen."""

    numbers: Numbers
    before: str = ""

    @property
    def key(self) -> Key:
        """By which versions are sorted."""
        parts = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in _parts(self.before))
        return self.numbers, not self.before, parts

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + (f"-{self.before}" if self.before else "")


@dataclass(frozen=True, slots=True)
class _Bound:
    sign: str
    version: Version

    def holds(self, version: Version) -> bool:
        ours, theirs = version.key, self.version.key
        match self.sign:
            case ">=":
                return ours >= theirs
            case ">":
                return ours > theirs
            case "<=":
                return ours <= theirs
            case _:
                return ours < theirs


@dataclass(frozen=True, slots=True)
class Range:
    """Alternatives, each of bounds that all have to hold."""

    alternatives: tuple[tuple[_Bound, ...], ...]

    def holds(self, version: Version) -> bool:
        """Whether the version lies in it. One that came before a release does only where a bound names another of the
        same numbers.
        """
        return any(_within(version, bounds) for bounds in self.alternatives)

    def least(self, line: int) -> Version | None:
        """The version from which on all of a line (of a first number) lies in it; None where its end does not."""
        first, last = Version((line, 0, 0)), Version((line, _END, _END))
        ends = [bounds for bounds in self.alternatives if _within(last, bounds)]
        least = [
            max((first, *(each.version for each in bounds if each.sign in {">=", ">"})), key=lambda each: each.key)
            for bounds in ends
        ]
        return min(least, key=lambda each: each.key, default=None)


def parse_version(text: str) -> Version | None:
    """A whole version, with or without a ``v``; None for anything else."""
    match = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    return None if match is None else Version((int(match[1]), int(match[2]), int(match[3])), match[4] or "")


def parse_range(text: str) -> Range | None:
    """A range, None for what is none. No text at all, ``*`` and ``x`` are every release."""
    if len(text) > _LONGEST:
        return None
    alternatives = [_bounds(each.strip()) for each in text.split("||")]
    if any(bounds is None for bounds in alternatives):
        return None
    return Range(tuple(tuple(bounds or ()) for bounds in alternatives))


def _within(version: Version, bounds: Sequence[_Bound]) -> bool:
    if not all(bound.holds(version) for bound in bounds):
        return False
    if not version.before:
        return True
    return any(bound.version.before and bound.version.numbers == version.numbers for bound in bounds)


def _bounds(text: str) -> list[_Bound] | None:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        low, high = _bounds(f">={hyphen[1]}"), _bounds(f"<={hyphen[2]}")
        return None if low is None or high is None else [*low, *high]
    bounds: list[_Bound] = []
    position = 0
    while position < len(text):
        match = _PARTIAL.match(text, position)
        if match is None:
            return None
        bounds += _interval(match[1] or "=", match)
        position = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
    return bounds


def _interval(sign: str, match: re.Match[str]) -> Iterator[_Bound]:
    given = list(_given(match))
    before = match[5] or "" if len(given) == 3 else ""
    low = Version(_filled(given), before)
    match sign:
        case ">=":
            yield from _from(low, given)
        case ">" if len(given) == 3:
            yield _Bound(">", low)
        case ">":
            # Beyond all that begin with these numbers; beyond any there is nothing.
            yield _Bound(">=", Version(_next(given))) if given else _Bound("<", Version((0, 0, 0), "0"))
        case "<":
            yield _Bound("<", low if given else Version((0, 0, 0), "0"))
        case "<=" if len(given) == 3:
            yield _Bound("<=", low)
        case "<=":
            yield from _below(given)
        case "^":
            yield from _from(low, given)
            yield from _below(given[: _first_that_counts(given)])
        case "~" | "~>":
            yield from _from(low, given)
            yield from _below(given[:2])
        case _ if len(given) == 3:
            yield _Bound(">=", low)
            yield _Bound("<=", low)
        case _:
            yield from _from(low, given)
            yield from _below(given)


def _from(low: Version, given: Sequence[int]) -> Iterator[_Bound]:
    if given:
        yield _Bound(">=", low)


def _below(given: Sequence[int]) -> Iterator[_Bound]:
    """Below the first version after all that begin with these numbers, and below what comes before that one."""
    if given:
        yield _Bound("<", Version(_next(given), "0"))


def _given(match: re.Match[str]) -> Iterator[int]:
    """The numbers up to the first that may be any."""
    for part in (match[2], match[3], match[4]):
        if part is None or part in _ANY:
            return
        yield int(part)


def _first_that_counts(given: Sequence[int]) -> int:
    """How many leading numbers a caret holds still: up to the first that is not 0."""
    return next((index + 1 for index, number in enumerate(given) if number), len(given))


def _filled(given: Sequence[int]) -> Numbers:
    first, second, third = (*given, 0, 0, 0)[:3]
    return first, second, third


def _next(given: Sequence[int]) -> Numbers:
    return _filled([*given[:-1], given[-1] + 1])


def _parts(text: str) -> list[str]:
    return text.split(".") if text else []
