"""A container's own check, as clients say it (``healthCheckSwarm``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.features.services.application.model import AppSettings
from headway.kernel.artifacts import OwnCheck
from headway.kernel.errors import InvalidInput

_NANO = 1_000_000_000
_LEAST_NANO, _MOST_NANO = 1_000_000, 24 * 3600 * _NANO  # less than a millisecond Docker refuses
_MOST_RETRIES, _MOST_WORDS, _LONGEST_WORD = 1_000, 100, 16_384


def own_check_of(settings: AppSettings) -> OwnCheck | None:
    """The check, None where the image's own counts. Raises InvalidInput for one that is none."""
    said = settings.health.own_check
    if not said:
        return None
    return OwnCheck(
        test=_test(said.get("Test") or []),
        interval_seconds=_seconds(said, "Interval"),
        timeout_seconds=_seconds(said, "Timeout"),
        start_seconds=_seconds(said, "StartPeriod"),
        retries=_retries(said.get("Retries")),
        start_interval_seconds=_seconds(said, "StartInterval"),
    )


def _test(words: Any) -> tuple[str, ...]:  # noqa: ANN401 - as it came in
    are_words = isinstance(words, list) and all(isinstance(each, str) and "\0" not in each for each in words)
    if not are_words or len(words) > _MOST_WORDS or any(len(each) > _LONGEST_WORD for each in words):
        raise InvalidInput("Test of a health check is a list of texts.")
    match words:
        case [] | ["NONE"] | ["CMD-SHELL", _] | ["CMD", _, *_]:
            return tuple(words)
        case _:
            raise InvalidInput(
                'Test of a health check begins with "CMD" and is a program with its arguments, or is "CMD-SHELL" and '
                'one line for a shell, or "NONE" alone; an empty list keeps the image\'s own.'
            )


def _seconds(said: Mapping[str, Any], name: str) -> float | None:
    nano = said.get(name) or 0
    if not isinstance(nano, int) or isinstance(nano, bool) or not (nano == 0 or _LEAST_NANO <= nano <= _MOST_NANO):
        raise InvalidInput(f"{name} of a health check is a number of nanoseconds, from a millisecond to a day.")
    return nano / _NANO if nano else None


def _retries(number: Any) -> int | None:  # noqa: ANN401 - as it came in
    if number is None or (isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MOST_RETRIES):
        return number or None
    raise InvalidInput(f"Retries of a health check is a number up to {_MOST_RETRIES}.")
