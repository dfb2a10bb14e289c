"""The Node that the packages of a lock file ask for (``engines``), which their installation only warns of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway.seams.builders.base import BuildError
from headway.seams.buildplan.plan import Need
from headway.seams.buildplan.toolchains.semver import Numbers, Range, Version, parse_range
from headway.seams.buildplan.tree import Tree

# The lines with long-term support that a package of today may ask for. A range that holds for none from _NEW on is of
# a package that was left behind: nobody goes back to what gets no mends.
_LINES: Final = (18, 20, 22, 24, 26)
_NEW: Final = 20
_MOST_RANGES: Final = 500
_NPM: Final = ("package-lock.json", "npm-shrinkwrap.json")
_PNPM_ENTRY = re.compile(
    r"^  ['\"]?/?(?P<name>@?[^\s'\"@/]+(?:/[^\s'\"@/]+)?)[@/](?P<version>[\w.+-]+)[^\n]*:[ ]*$|"
    r"^    engines: \{(?:[^\n}]*[ ,])?node: ?(?:'(?P<one>[^'\n]*)'|\"(?P<two>[^\"\n]*)\"|(?P<plain>[^,}\n'\"]+))|"
    r"^    (?P<aside>os|cpu|optional): ",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a package asks for; ``least`` is, of each line, the version from which on it will do."""

    who: str
    text: str
    least: Mapping[int, Version]


def locked_node(tree: Tree, lock: str | None, also: Need | None = None) -> Need | None:
    """The Node that will do for as many as can be of the packages in a lock file, within what ``also`` asks for; that
    need itself where they ask for no more, None where any will do. Where it cannot be had, what will do for ``also`` is
    taken.
    """
    own = next(_asked([(also.source, also.wanted)]), None) if also is not None else None
    found = list(_asked(_ranges(tree, lock)))
    allowed = _LINES if also is None else () if own is None else tuple(own.least)
    if not found or not allowed:
        return also
    missing = {line: _missing(found, line) for line in allowed}
    lines = [line for line in allowed if missing[line] == min(missing.values())]
    begin = {line: (line, 0, 0) if own is None else own.least[line].numbers for line in allowed}
    floors = {
        line: max((begin[line], *(each.least[line].numbers for each in found if line in each.least))) for line in lines
    }
    told = {each.who: sum(_decides(each, line, floors, begin) for line in allowed) for each in found}
    first = max(told, key=lambda who: told[who])
    if not told[first]:
        return also
    wished = "*" if also is None else also.wanted
    return Need(tool="node", wanted=_written(floors), source=f"{first} in {lock}", otherwise=wished)


def _missing(found: Sequence[_Asked], line: int) -> tuple[int, int]:
    """For how many a line is too old, and then for how many it is none of those that they know: that harms less."""
    others = [min(each.least) for each in found if line not in each.least]
    return sum(line < least for least in others), len(others)


def _decides(asked: _Asked, line: int, floors: Mapping[int, Numbers], begin: Mapping[int, Numbers]) -> bool:
    """Whether it is for this package that a line is left out, or begins where it does."""
    least = asked.least.get(line)
    if line not in floors:
        return least is None
    return least is not None and least.numbers == floors[line] > begin[line]


def _written(floors: Mapping[int, Numbers]) -> str:
    """The lines as one range; the last are all that come after, where they begin with their first version."""
    parts: list[str] = []
    lines = tuple(floors)
    for place, line in enumerate(lines):
        number, after = ".".join(map(str, floors[line])), lines[place + 1 :]
        if lines[place:] == _LINES[-len(after) - 1 :] and all(floors[each] == (each, 0, 0) for each in after):
            return " || ".join((*parts, f">={number}"))
        parts.append(f"^{number}")
    return " || ".join(parts)


def _asked(ranges: Sequence[tuple[str, str]]) -> Iterator[_Asked]:
    seen = set[str]()
    for who, text in ranges:
        if text in seen or len(seen) == _MOST_RANGES:
            continue
        seen.add(text)
        parsed = parse_range(text)
        least = {} if parsed is None else _least(parsed)
        if any(line >= _NEW for line in least):
            yield _Asked(who=who, text=text, least=least)


def _least(parsed: Range) -> dict[int, Version]:
    found = ((line, parsed.least(line)) for line in _LINES)
    return {line: version for line, version in found if version is not None}


def _ranges(tree: Tree, lock: str | None) -> list[tuple[str, str]]:
    """Each package that asks for a Node, and how."""
    if lock in _NPM:
        return list(_of_npm(tree, str(lock)))
    return list(_of_pnpm(tree.text(lock))) if lock == "pnpm-lock.yaml" else []


def _of_npm(tree: Tree, lock: str) -> Iterator[tuple[str, str]]:
    """Of one that was cut nothing is known."""
    try:
        packages: Any = tree.json(lock).get("packages")
    except BuildError:
        return
    for place, package in packages.items() if isinstance(packages, dict) else ():
        name = place.rpartition("node_modules/")[2]
        if name == place or not isinstance(package, dict) or package.get("optional") is True:
            continue
        engines, version = package.get("engines"), package.get("version")
        wanted = engines.get("node") if isinstance(engines, dict) else None
        if isinstance(wanted, str):
            yield f"{name} {version}" if isinstance(version, str) else name, wanted


def _of_pnpm(text: str) -> Iterator[tuple[str, str]]:
    """As pnpm writes it, a package after the other; one for some processors only is left out."""
    who, wanted = "", ""
    for match in _PNPM_ENTRY.finditer(text):
        if match["name"] is not None:
            if who and wanted:
                yield who, wanted
            who, wanted = f"{match['name']} {match['version']}", ""
        elif match["aside"] is not None:
            who = ""
        else:
            wanted = (match["one"] or match["two"] or match["plain"] or "").strip()
    if who and wanted:
        yield who, wanted
