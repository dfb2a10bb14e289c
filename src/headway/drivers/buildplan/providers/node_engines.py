"""The Node that packages ask for by their ``engines``, of which their installation only warns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.toolchains.semver import Numbers, Range, Version, parse_range
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

# The lines that a package of today may ask for. A range that holds for none from _NEW on is of a package that was left
# behind: nobody goes back to what gets no mends. The odd ones have no long support: that one is left out says nothing.
_LINES: Final = tuple(range(18, 28))
_NEW: Final = 20
_MOST_RANGES: Final = 200
_LONGEST: Final = 200  # of a range
# What frameworks ask for, from which of their major versions on: lock files of Yarn and Bun do not say it.
_FRAMEWORKS: Final[tuple[tuple[str, int, str], ...]] = (
    ("nuxt", 4, "^22.19.0 || ^24.11.0 || >=26.0.0"),
    ("astro", 6, ">=22.12.0"),
    ("@react-router/dev", 8, ">=22.22.0"),
    ("@sveltejs/kit", 3, ">=22.17.0"),
    ("@angular/core", 22, "^22.22.3 || ^24.15.0 || >=26.0.0"),
    ("@angular/core", 20, "^20.19.0 || ^22.12.0 || >=24.0.0"),
    ("expo", 58, "^22.13.0 || ^24.3.0 || >=26.0.0"),
    ("vite", 7, "^20.19.0 || >=22.12.0"),
    ("next", 16, ">=20.9.0"),
    ("gatsby", 5, ">=18.0.0 <26.0.0"),
)
_NEWEST: Final = frozenset({"latest", "next", "*", ""})
_NPM: Final = ("package-lock.json", "npm-shrinkwrap.json")
_PNPM_ENTRY = re.compile(
    r"^  ['\"]?/?(?P<name>@?[^\s'\"@/]{1,99}(?:/[^\s'\"@/]{1,99})?)[@/](?P<version>[\w.+-]{1,60})[^\n]{0,400}:[ ]?$|"
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


def wished_node(tree: Tree, lock: str | None, packages: Sequence[Package], also: Need | None = None) -> Need | None:
    """The Node that will do for as many as can be of the packages in a lock file (or, where it says nothing of them, of
    the frameworks that these ``packages`` depend on), within what ``also`` asks for; that need itself where they ask
    for no more, None where any will do. Where it cannot be had, what will do for ``also`` is taken.
    """
    own = next(_asked([(also.source, also.wanted)]), None) if also is not None else None
    found = list(_asked(_of_lock(tree, lock) or list(_of_frameworks(packages))))
    allowed = _LINES if also is None else () if own is None else tuple(own.least)
    if not found or not allowed:
        return also
    missing = {line: _missing(found, line) for line in allowed}
    lines = [line for line in allowed if missing[line] == min(missing.values())]
    begin = {line: (line, 0, 0) if own is None else own.least[line].numbers for line in allowed}
    floors = {
        line: max((begin[line], *(each.least[line].numbers for each in found if line in each.least))) for line in lines
    }
    told = {each.who: sum(_decides(each, line, floors, begin) for line in allowed if line % 2 == 0) for each in found}
    first = max(told, key=lambda who: told[who])
    if not told[first]:
        return also
    wished = "*" if also is None else also.wanted
    return Need(tool="node", wanted=_written(floors), source=first, otherwise=wished)


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
    """The lines as one range, each from where it begins, those together that follow one another as a whole."""
    parts = []
    for line, floor in floors.items():
        if line - 1 in floors and floor == (line, 0, 0):
            continue
        end = line
        while floors.get(end + 1) == (end + 1, 0, 0):
            end += 1
        number = ".".join(map(str, floor))
        until = "" if end == _LINES[-1] else f" <{end + 1}.0.0"
        parts.append(f"^{number}" if end == line and until else f">={number}{until}")
    return " || ".join(parts)


def _asked(ranges: Sequence[tuple[str, str]]) -> Iterator[_Asked]:
    seen = set[str]()
    for who, text in ranges:
        if text in seen or len(seen) == _MOST_RANGES or len(text) > _LONGEST:
            continue
        seen.add(text)
        parsed = parse_range(text)
        least = {} if parsed is None else _least(parsed)
        if any(line >= _NEW for line in least):
            yield _Asked(who=who, text=text, least=least)


def _least(parsed: Range) -> dict[int, Version]:
    found = ((line, parsed.least(line)) for line in _LINES)
    return {line: version for line, version in found if version is not None}


def _of_lock(tree: Tree, lock: str | None) -> list[tuple[str, str]]:
    """Each package that asks for a Node, and how."""
    found = _of_npm(tree, lock) if lock in _NPM else _of_pnpm(tree.whole(lock)) if lock == "pnpm-lock.yaml" else ()
    return [(f"{who} in {lock}", wanted) for who, wanted in found]


def _of_frameworks(packages: Sequence[Package]) -> Iterator[tuple[str, str]]:
    seen = set[str]()
    for package in packages:
        for name, least, asks in _FRAMEWORKS:
            wanted = package.wanted(name)
            if not package.has(name) or (major := _major(wanted)) is None or major < least or name in seen:
                continue
            seen.add(name)
            yield f"{name} {wanted[:40]} in {package.path(package.file)}", asks


def _major(wanted: str) -> int | None:
    """The lowest major version of a range; of any, the newest."""
    found = re.search(r"\d{1,4}", wanted)
    return int(found[0]) if found is not None else 10_000 if wanted.strip() in _NEWEST else None


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
