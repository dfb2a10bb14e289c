"""Where the Python project of a repository lies, and the files that say that there is one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.python_project import MANIFESTS
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
OTHERS = frozenset(
    {
        "package.json",
        "go.mod",
        "Cargo.toml",
        "Gemfile",
        "composer.json",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "mix.exs",
        "deno.json",
        "deno.jsonc",
        "index.html",
        "Package.swift",
        "build.sbt",
        "pubspec.yaml",
        "index.php",
    }
)
_WORD = re.compile(r"[\w./-]+")


def project_folder(tree: Tree, settings: BuildSettings) -> str:
    """Where the project lies: at the build path, or where its start command or its manage.py is."""
    if manifests(tree):
        return ""
    if named := named_folder(tree, settings.start or ""):
        return named
    for name in manage_files(tree):
        folder = posixpath.dirname(name)
        if folder and manifests(tree.below(folder)):
            return folder
    return only_folder(tree) or ""


def named_folder(tree: Tree, line: str) -> str | None:
    """The folder with requirements that a command line, or the Procfile, names."""
    for word in _WORD.findall(f"{line}\n{python_code.source(tree, 'Procfile')}"):
        parts = word.strip("./").split("/")[:3]
        for end in range(len(parts), 0, -1):
            folder = "/".join(parts[:end])
            if any(f"{folder}/{name}" in tree for name in MANIFESTS):
                return folder
    return None


def only_folder(tree: Tree) -> str | None:
    """The one folder that is a project, where nothing else at the build path or beside it is one."""
    if OTHERS & tree.names:
        return None
    tops = {name.split("/")[0] for name in tree.names if name.count("/") == 1 and posixpath.basename(name) in OTHERS}
    found = {
        name.split("/")[0] for name in tree.names if name.count("/") == 1 and posixpath.basename(name) in MANIFESTS
    }
    found = {name for name in found if not name.startswith(".") and name not in {"docs", "doc", "tests", "examples"}}
    if len(found) != 1 or tops - found:
        return None
    folder = found.pop()
    return folder if manifests(tree.below(folder)) and python_code.entries(tree.below(folder)) else None


def manifests(tree: Tree) -> tuple[str, ...]:
    """The files that say that it is a Python project; a pyproject.toml that only configures tools is none."""
    found = [name for name in (*LOCKS, *MANIFESTS) if name in tree and name not in {"pyproject.toml", "setup.cfg"}]
    if "pyproject.toml" in tree and (LOCKS[0] in tree or _is_project(tree)):
        found.append("pyproject.toml")
    requirements = [name for name in ("requirements/production.txt", "requirements/base.txt") if name in tree]
    return (*found, *requirements)


def _is_project(tree: Tree) -> bool:
    try:
        data = tree.toml("pyproject.toml")
    except BuildError:
        return True  # told with the plan
    tools = data.get("tool")
    own = isinstance(tools, dict) and bool({"poetry", "pdm", "uv"} & tools.keys())
    return "project" in data or "build-system" in data or own


def manage_files(tree: Tree) -> Iterator[str]:
    for pattern in ("manage.py", "*/manage.py", "*/*/manage.py"):
        for name in tree.matching(pattern):
            if "django" in python_code.source(tree, name).lower() and name.split("/")[0] not in {
                "tests",
                "examples",
                "docs",
            }:
                yield name
