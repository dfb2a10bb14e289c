"""One entry of the tables: how a tool says what went wrong, why it mostly does, and what mends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from headway.kernel.dataclass import dataclass


class Phase(StrEnum):
    """When it was printed: while something is fetched or built, or by a program that starts or serves."""

    BUILD = "build"
    START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``pattern`` finds the line, or the lines that follow each other, that say it; ``cause`` and ``mend`` are halves of
    one sentence and may quote what the pattern names. Of several places the first counts, or the ``last``. What is
    ``tolerable`` does not always end what says it, and did not where another error follows; of a ``frame``, which only
    tells what another came to, the line before it that tells most is quoted. A group ``line`` is what is quoted of a
    match, a group ``wants`` a range of versions: ``{python}`` and ``{node}`` in the mend are such that fit it.
    Of a ``family``, the errors of one compiler, that counts which is printed first.
    """

    pattern: re.Pattern[str]
    cause: str
    mend: str
    phase: Phase | None = None
    last: bool = False
    tolerable: bool = False
    frame: bool = False
    family: str = ""
    quotes: Mapping[str, str] = field(default_factory=dict)


def rule(
    pattern: str,
    cause: str,
    mend: str,
    *,
    phase: Phase | None = None,
    last: bool = False,
    tolerable: bool = False,
    frame: bool = False,
    family: str = "",
    quotes: Mapping[str, str] = {},
) -> Rule:
    """The rule. A pattern repeats without a bound only what cannot begin anew within the same line."""
    return Rule(
        pattern=re.compile(pattern, re.MULTILINE),
        cause=cause,
        mend=mend,
        phase=phase,
        last=last,
        tolerable=tolerable,
        frame=frame,
        family=family,
        quotes=quotes,
    )
