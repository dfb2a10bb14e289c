"""Watch paths: which of the files that a push has changed concern a service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:  # 2 MB of a panel, which one without watch paths never loads
    from wcmatch import glob

_MOST_BRANCHES = 200
_MOST_PATTERNS = 100
_MOST_STARS = 20
_LONGEST = 1_024
_WILD = re.compile(r"[*?\[]")


def check_patterns(patterns: Sequence[str]) -> None:
    """Raises InvalidInput for a pattern that cannot be compared."""
    if len(patterns) > _MOST_PATTERNS:
        raise InvalidInput(f"There are at most {_MOST_PATTERNS} watch paths.")
    for pattern in patterns:
        if len(pattern) > _LONGEST or pattern.count("*") > _MOST_STARS:
            raise InvalidInput(f"A watch path has at most {_LONGEST} characters and {_MOST_STARS} stars.")
        if _expanded(pattern) is None:
            raise InvalidInput(f"The braces of the watch path {pattern[:100]!r} stand for too many paths.")


def concerned(files: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The files that one of the patterns matches and none with a ``!`` before it. A pattern that ends in a plain name
    also stands for all that lies in the folder of that name. With nothing but exceptions all other files are meant.
    """
    wanted = [_tidy(each) for each in patterns if not each.startswith("!")] or ["**"]
    spared = [_tidy(each[1:]) for each in patterns if each.startswith("!")]
    wants, spares = _compiled(wanted), _compiled(spared) if spared else None
    return [each for each in files if wants.match(each) and not (spares is not None and spares.match(each))]


def _compiled(patterns: Sequence[str]) -> glob.WcMatcher[str]:
    from wcmatch import glob  # noqa: PLC0415 - as said above

    single = [one for each in patterns for one in _expanded(each) or [each]]
    both = [*single, *(f"{each}/**" for each in single if not _WILD.search(each.rpartition("/")[2]))]
    return glob.compile(both, flags=glob.GLOBSTAR | glob.DOTGLOB | glob.FORCEUNIX, limit=0)


def _expanded(pattern: str) -> list[str] | None:
    """What the braces of a pattern stand for, None where that is too much."""
    import bracex  # noqa: PLC0415 - as said above

    try:
        return bracex.expand(pattern, limit=_MOST_BRANCHES)
    except bracex.ExpansionLimitException:
        return None


def _tidy(pattern: str) -> str:
    return pattern.strip().removeprefix("./").strip("/") or "**"
