"""Watch paths: which of the files that a push has changed concern a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headway.core.access.survey import Line
from headway.core.deployments.subjects import NOUNS
from headway.features.services import directory
from headway.features.webhooks.patterns import Budget, Patterns, TooMuch, depths
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.vault import Vault

MOST_NAME_CHARACTERS = 1_024
_MOST_BRANCHES = 200
_MOST_BRACES = 20
_MOST_PATTERNS = 100
_MOST_STARS = 20
_LONGEST = 1_024
_MOST_STEPS = 2_000_000  # about a second; what thousands of files and a hundred patterns need is a tenth of it

Found = tuple[str, ...] | None


def check_patterns(patterns: Sequence[str], most_depths: int) -> None:
    """Raises InvalidInput for a pattern that cannot be compared, or holds ``**`` more often."""
    if len(patterns) > _MOST_PATTERNS:
        raise InvalidInput(f"There are at most {_MOST_PATTERNS} watch paths.")
    for pattern in patterns:
        if len(pattern) > _LONGEST or pattern.count("*") > _MOST_STARS:
            raise InvalidInput(f"A watch path has at most {_LONGEST} characters and {_MOST_STARS} stars.")
        meant = _expanded(_tidy(pattern.removeprefix("!")))
        if meant is None:
            raise InvalidInput(f"The braces of the watch path {pattern[:100]!r} stand for too many paths.")
        if any(depths(each) > most_depths for each in meant):
            times = "once" if most_depths == 1 else f"{most_depths} times"
            raise InvalidInput(
                f"The watch path {pattern[:100]!r} holds more than {times} **, which stands for any number of folders "
                "(HEADWAY_WATCH_DEPTHS). Name the folders between them, or make several watch paths of it."
            )


def survey(tx: Tx, vault: Vault, *, most_depths: int) -> Iterator[Line]:
    """See ``Survey``: the watch paths that would be refused now."""
    for service, patterns in _services(tx, vault):
        try:
            check_patterns(patterns, most_depths)
        except InvalidInput as error:
            why = f"are compared as before until they are changed, and would be refused today ({error.message})"
            yield Line(what=service, setting="its watch paths", why=why, refused=True)


def concerned(files: Sequence[str], patterns: Sequence[str], budget: Budget | None = None) -> Found:
    """The files that one of the patterns matches and none with a ``!`` before it. A pattern that ends in a plain name
    also stands for all that lies in the folder of that name. With nothing but exceptions all other files are meant.
    None where that would take too long.
    """
    wanted = [_tidy(each) for each in patterns if not each.startswith("!")] or ["**"]
    spared = [_tidy(each[1:]) for each in patterns if each.startswith("!")]
    if not files:
        return ()
    wants, spares, budget = _read(wanted), _read(spared), budget or Budget(_MOST_STEPS)
    try:
        return tuple(
            each
            for each in files
            if wants.match(name := each[:MOST_NAME_CHARACTERS], budget) and not spares.match(name, budget)
        )
    except TooMuch:
        return None


class Compared:
    """What came of comparing files with patterns, found out before a transaction and looked up within it. Patterns that
    have been changed in between were not compared.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[tuple[str, ...], tuple[str, ...]], Found] = {}
        self._budget = Budget(_MOST_STEPS)

    def find(self, files: Sequence[str], patterns: Sequence[str]) -> Found:
        """As ``concerned``; all of them together take no longer than one."""
        found = concerned(files, patterns, self._budget)
        self._found[tuple(files), tuple(patterns)] = found
        return found

    def __call__(self, files: Sequence[str], patterns: Sequence[str]) -> Found:
        """What was found."""
        return self._found.get((tuple(files), tuple(patterns))) if files else ()


def _services(tx: Tx, vault: Vault) -> Iterator[tuple[str, Sequence[str]]]:
    for kind, service in directory.every(tx, vault):
        yield f"{NOUNS[kind].word} {service.name} ({service.service_id})", service.settings.hooks.watch_paths or ()


def _read(patterns: Sequence[str]) -> Patterns:
    return Patterns([one for each in patterns for one in _expanded(each) or [each]])


def _expanded(pattern: str) -> list[str] | None:
    """What the braces of a pattern stand for, None where that is too much."""
    if "{" not in pattern:
        return [pattern]
    if pattern.count("{") > _MOST_BRACES:
        return None
    import bracex  # noqa: PLC0415 - a panel without such watch paths never loads it

    try:
        return bracex.expand(pattern, limit=_MOST_BRANCHES)
    except bracex.ExpansionLimitException:
        return None


def _tidy(pattern: str) -> str:
    return pattern.strip().removeprefix("./").strip("/") or "**"
