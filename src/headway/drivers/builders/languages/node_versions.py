"""The version of Node that an application asks for, compared with the one that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

Version = tuple[int, int, int]

_PART = re.compile(r"(<=|>=|<|>|=|\^|~>?)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][\w.+-]*)?")
_LONGEST = 1_024
_ANY = frozenset("xX*")
_END: Version = (1 << 30, 0, 0)


def parse_version(text: str) -> Version | None:
    """The version that ``node --version`` printed; None where it is none."""
    match = re.fullmatch(r"v?(\d++)\.(\d++)\.(\d++)\S*", text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def satisfies(version: Version, wanted: str) -> bool:
    """Whether a version lies in a range as package.json writes it (``>=18 <21``, ``^20.1``, ``18.x || 20``).
    A range that is not understood is met: npm itself only warns.
    """
    if len(wanted) > _LONGEST:
        return True
    alternatives = [_bounds(alternative) for alternative in wanted.split("||")]
    if any(bounds is None for bounds in alternatives):
        return True
    return any(all(low <= version < high for low, high in bounds or ()) for bounds in alternatives)


def _bounds(text: str) -> list[tuple[Version, Version]] | None:
    """The half-open intervals that all have to hold; None for what is no range."""
    stripped = text.strip()
    if stripped in {"", "*", "latest"}:
        return []
    if " - " in stripped:
        low, _, high = stripped.partition(" - ")
        return _bounds(f">={low.strip()} <={high.strip()}")
    intervals = []
    position = 0
    while position < len(stripped):
        match = _PART.match(stripped, position)
        if match is None or (match.end() < len(stripped) and not stripped[match.end()].isspace()):
            return None
        intervals.append(_interval(match[1] or "=", match))
        position = match.end() + len(stripped[match.end() :]) - len(stripped[match.end() :].lstrip())
    return intervals


def _interval(sign: str, match: re.Match[str]) -> tuple[Version, Version]:
    given = list(_given(match))
    low: Version = (*given, *([0] * (3 - len(given))))  # type: ignore[assignment]
    after = _next(given)
    match sign:
        case ">=":
            return low, _END
        case ">":
            return after, _END
        case "<":
            return (0, 0, 0), low
        case "<=":
            return (0, 0, 0), after
        case "^":
            return low, _next(given[: _first_that_counts(given)])
        case "~" | "~>":
            return low, _next(given[:2])
        case _:
            return low, after


def _given(match: re.Match[str]) -> Iterator[int]:
    """The numbers up to the first that may be any."""
    for part in (match[2], match[3], match[4]):
        if part is None or part in _ANY:
            return
        yield int(part)


def _first_that_counts(given: list[int]) -> int:
    """How many leading numbers a caret holds still: up to the first that is not 0."""
    return next((index + 1 for index, number in enumerate(given) if number), len(given))


def _next(given: list[int]) -> Version:
    """The first version after all that begin with these numbers."""
    if not given:
        return _END
    raised = [*given[:-1], given[-1] + 1]
    return (*raised, *([0] * (3 - len(raised))))  # type: ignore[return-value]
