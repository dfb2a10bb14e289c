"""The last that a release's processes wrote: what of it a failure quotes."""

from __future__ import annotations

from collections.abc import Iterable

from headway.kernel.lines import last_meaningful_line
from headway.seams.runtimes.base import Unhealthy

LAST_LINES = 30


def quoted(lines: Iterable[str]) -> str:
    """The line of these that tells most, as a sentence that follows another."""
    said = last_meaningful_line("\n".join(lines))
    return f' It said: "{said}".' if said else " It wrote nothing."


def explained(error: Unhealthy, lines: Iterable[str]) -> Unhealthy:
    """The failure of a release whose processes wrote these last, with what they say of it, where it has not said so."""
    said = last_meaningful_line("\n".join(lines))
    if not said or " It said: " in error.message:
        return error
    return type(error)(f'{error.message} It said: "{said}".')
