"""A package.json as the providers look at it: whatever is in it, no field is of another type than it should be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

PACKAGE = "package.json"
PACKAGE_JSON5 = "package.json5"  # pnpm reads it
LONGEST = 4_000  # of a script that is looked into
BUILDS = ("build", "build:production", "build:prod", "build-prod")  # the first that is there builds

_NAME = re.compile(r"(?:@[\w.~][\w.~-]*/)?[\w.~][\w.~-]{0,213}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package: ``folder`` is where it lies, "" at the build path. ``own`` are dependencies that it has when it
    runs, ``developer`` those that it is built with; ``fields`` is the whole of it.
    """

    folder: str = ""
    file: str = PACKAGE
    name: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    developer: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def script(self, name: str) -> str | None:
        """The script of that name, None where there is none or an empty one."""
        return self.scripts.get(name, "").strip() or None

    def short(self, name: str) -> str:
        """The script, "" where there is none, or one that is too long to be looked into."""
        line = self.script(name) or ""
        return line if len(line) <= LONGEST else ""

    @property
    def build(self) -> str | None:
        """The name of the script that builds it for production."""
        return next((name for name in BUILDS if self.script(name)), None)

    def has(self, *names: str) -> bool:
        """Whether one of these packages is among its dependencies."""
        return any(name in self.own or name in self.developer for name in names)

    def wanted(self, name: str) -> str:
        """The range of versions in which it has a dependency, "" for one that it has not."""
        return self.own.get(name) or self.developer.get(name) or ""

    def text(self, name: str) -> str:
        """A field that is text, "" where it is none."""
        found = self.fields.get(name)
        return found.strip() if isinstance(found, str) else ""

    def engine(self, name: str) -> str:
        """The range of versions in which it asks for a program (``engines``)."""
        return _texts(self.fields.get("engines")).get(name, "").strip()

    def record(self, name: str) -> Mapping[str, Any]:
        """A field that is an object, an empty one where it is none."""
        found = self.fields.get(name)
        return found if isinstance(found, dict) else {}

    def path(self, name: str) -> str:
        """A name below the build path, of a file in its folder."""
        return f"{self.folder}/{name}" if self.folder else name


def has_package(tree: Tree) -> bool:
    """Whether there is a package at the build path."""
    return PACKAGE in tree or PACKAGE_JSON5 in tree


def seen_package(tree: Tree) -> Package | None:
    """The package at the build path; None where there is none, or its file is broken."""
    try:
        return read_package(tree) if has_package(tree) else None
    except BuildError:
        return None


def read_package(tree: Tree, folder: str = "") -> Package:
    """The package in a folder, an empty one where there is none. Raises BuildError where its file is broken."""
    place = f"{folder}/" if folder else ""
    file = next((name for name in (PACKAGE, PACKAGE_JSON5) if f"{place}{name}" in tree), PACKAGE)
    fields = tree.json(f"{place}{file}") if file == PACKAGE else parse_jsonc(tree, f"{place}{file}")
    name = fields.get("name")
    is_name = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return Package(
        folder=folder,
        file=file,
        name=str(name) if is_name else "",
        scripts=_texts(fields.get("scripts")),
        own={**_texts(fields.get("optionalDependencies")), **_texts(fields.get("dependencies"))},
        developer=_texts(fields.get("devDependencies")),
        fields=fields,
    )


def texts(found: object) -> Sequence[str]:
    """Those of a list that are text; none where it is no list."""
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str) and "\0" not in value}
