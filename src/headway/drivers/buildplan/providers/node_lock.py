"""What a lock file of npm or of Yarn 1 lacks of that which its packages ask for, so that its own program refuses it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.toolchains.semver import parse_range, parse_version
from headway.drivers.buildplan.tree import Tree

_MODULES: Final = "node_modules"
# Versions as npm writes them; what is fetched from elsewhere, or goes by another name, is not looked at.
_PLAIN: Final = re.compile(r"[\d^~<>=|.*xX\s-][\w^~<>=|.*+\s-]{0,200}")
_YARN_ENTRY: Final = re.compile(r"^([^\s#].{0,2000}):$", re.MULTILINE)
_ANY: Final = frozenset({"*", "x", "X"})
_SHOWN: Final = 3
_LONGEST: Final = 100
# More than any that is read whole has.
_MOST: Final = 40_000
_DEEPEST: Final = 24
_FARTHEST: Final = 600


def lacking(tree: Tree, lock: str, packages: Sequence[Package]) -> str:
    """What it lacks, in words; "" where it lacks nothing, or where nobody can tell: it was cut, or is of npm before 7,
    which looks no further than its own records. ``packages`` are the root and the members of its workspace.
    """
    try:
        records: Any = tree.json(lock).get("packages")
    except BuildError:
        return ""
    if not isinstance(records, dict) or "" not in records:
        return ""
    asked = (each.get("dependencies") for each in records.values() if isinstance(each, dict))
    if sum(len(each) for each in asked if isinstance(each, dict)) > _MOST:
        return ""
    return _listed([*islice(_lacking(records, packages), 50)])


def lacking_of_yarn(tree: Tree, lock: str, packages: Sequence[Package]) -> str:
    """The same of Yarn 1, which looks for what the root alone asks for, each range letter by letter."""
    text, root = tree.whole(lock), packages[0]
    if not text.endswith("\n") or "__metadata:" in text:  # it was cut, or is of another Yarn
        return ""
    held = {name.strip('"') for line in _YARN_ENTRY.findall(text) for name in line.split(", ")}
    left_out = {*root.record("optionalDependencies"), *(each.name for each in packages)}
    left_out |= {place.removeprefix("**/") for place in root.record("resolutions")}
    found = (
        f"{name} {wanted}"
        for name, wanted in {**root.developer, **root.own}.items()
        if name not in left_out and _PLAIN.fullmatch(wanted) is not None and f"{name}@{wanted}" not in held
    )
    return _listed([*islice(found, 50)]) if held else ""


def out_of_step(lock: str, lacks: str, *, of_yarn: bool) -> str:
    """What is said before the build of one that lacks something."""
    strict, adding = ("yarn install --frozen-lockfile", "yarn install") if of_yarn else ("npm ci", "npm install")
    return (
        f"{lock} is out of step with package.json: it lacks {lacks}. '{strict}' refuses it, so '{adding}' is run, "
        "which takes the rest from it and these at the newest version that is allowed, in each build anew. Run "
        f"'{adding}' and commit {lock} to have the same ones each time."
    )


def _lacking(records: Mapping[str, Any], packages: Sequence[Package]) -> Iterator[str]:
    own = {each.folder: each for each in packages if each.folder in records}
    for folder, package in own.items():
        optional = package.record("optionalDependencies")
        for name, wanted in {**package.developer, **package.own}.items():
            if name not in optional and (found := _unmet(records, folder, name, wanted)):
                yield found
    for place, record in records.items():
        is_read = isinstance(record, dict) and len(place) <= _FARTHEST and place.count("/") < _DEEPEST * 3
        if place in own or not is_read or record.get("optional") is True:
            continue  # of what is optional each npm writes and asks for something else
        needs, optional = record.get("dependencies"), record.get("optionalDependencies")
        for name in needs if isinstance(needs, dict) else ():
            is_asked = not isinstance(optional, dict) or name not in optional
            if is_asked and _resolved(records, place, name) is None:
                yield f"{name} (of {place.rpartition(f'{_MODULES}/')[2]})"


def _unmet(records: Mapping[str, Any], folder: str, name: str, wanted: str) -> str:
    """A dependency of a package.json that is not there, or is at a version that it does not ask for."""
    found = _resolved(records, folder, name)
    if found is None:
        return f"{name} {wanted}"
    version = found.get("version")
    is_plain = _PLAIN.fullmatch(wanted) is not None and wanted.strip() not in _ANY
    if found.get("link") is True or not isinstance(version, str) or not is_plain:
        return ""
    parsed, range_ = parse_version(version), parse_range(wanted)
    is_met = parsed is None or range_ is None or range_.holds(parsed)
    return "" if is_met else f"{name} {wanted} (it has {version})"


def _resolved(records: Mapping[str, Any], place: str, name: str) -> Mapping[str, Any] | None:
    """The record of what a package at a place gets by a name: the nearest one above it, as Node looks for it."""
    for _ in range(_DEEPEST * 3):  # each package is a folder or two in one of packages
        if posixpath.basename(place) != _MODULES:
            found = records.get(f"{place}/{_MODULES}/{name}" if place else f"{_MODULES}/{name}")
            if isinstance(found, dict):
                return found
        if not place:
            return None
        place = posixpath.dirname(place)
    return None


def _listed(found: Sequence[str]) -> str:
    shown = ", ".join(each[:_LONGEST] for each in dict.fromkeys(found[:_SHOWN]))
    return shown + (" and more" if len(found) > _SHOWN else "")
