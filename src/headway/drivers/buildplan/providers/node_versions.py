"""Which version of a program a repository asks for, and by which of its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

TOOL_VERSIONS = ".tool-versions"
MISE = ("mise.toml", ".mise.toml", ".config/mise.toml")
FILES = (TOOL_VERSIONS, *MISE, ".nvmrc", ".node-version", ".bun-version", ".deno-version", ".dvmrc")

_OWN: Mapping[str, tuple[str, ...]] = {
    "node": (".nvmrc", ".node-version"),
    "bun": (".bun-version",),
    "deno": (".deno-version", ".dvmrc"),
}
_NAMES: Mapping[str, tuple[str, ...]] = {"node": ("node", "nodejs")}
# What a version file may say of Node beside numbers; "system" and the like say nothing.
_VERSION = re.compile(r"(?:v?\d[\w.*+-]*|lts(?:/[\w*-]+)?|node|latest|current|stable)")
_LONGEST = 200
_MAJOR = re.compile(r"[\^~=v ]*(\d+)(?:\.[\dxX*]+){0,2}")
# https://github.com/nodejs/release: those without any fixes, and since when.
_ENDED: Mapping[int, str] = {
    10: "April 2021",
    12: "April 2022",
    14: "April 2023",
    16: "September 2023",
    17: "June 2022",
    18: "April 2025",
    19: "June 2023",
    20: "April 2026",
    21: "June 2024",
    23: "June 2025",
    25: "June 2026",
}


def wanted_version(tree: Tree, package: Package | None, settings: BuildSettings, tool: str) -> Need | None:
    """What is asked for of a program, by the first that asks: the settings, .tool-versions, mise.toml, the program's
    own file, volta, engines. None where nothing does.
    """
    asked = ((wanted.strip(), source) for wanted, source in _asked(tree, package, settings, tool))
    fitting = (Need(tool=tool, wanted=wanted, source=source) for wanted, source in asked if _is_fit(wanted))
    return next(fitting, None)


def version_notes(tree: Tree, need: Need) -> tuple[str, ...]:
    """What is to be said about a version: that it has reached its end, or that a file says none."""
    notes = []
    for name in _OWN.get(need.tool, ()):
        line = _first_line(tree.text(name))
        if line and not _is_fit(line):
            notes.append(f"{name} says {line[:60]!r}, which is no version; write one such as 22.")
    major = pinned_major(need.wanted)
    if need.tool == "node" and major is not None and (major in _ENDED or major < min(_ENDED)):
        since = f" since {_ENDED[major]}" if major in _ENDED else ""
        notes.append(f"Node {major} ({need.source}) gets no security fixes any more{since}. Move to 22 or 24.")
    return tuple(notes)


def pinned_major(wanted: str) -> int | None:
    """The one major version that a version or a range allows; None where there are several."""
    found = _MAJOR.fullmatch(wanted.strip())
    return int(found[1][:6]) if found else None


def _asked(tree: Tree, package: Package | None, settings: BuildSettings, tool: str) -> Iterator[tuple[str, str]]:
    yield settings.versions.get(tool, ""), "the settings"
    names = _NAMES.get(tool, (tool,))
    for line in tree.text(TOOL_VERSIONS).splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] in names:
            yield words[1], TOOL_VERSIONS
    for file in MISE:
        tools = tree.toml(file).get("tools")
        if isinstance(tools, dict):
            yield from ((_of_mise(tools.get(name)), file) for name in names)
    for file in _OWN.get(tool, ()):
        yield _first_line(tree.text(file)), file
    if package is not None:
        volta = package.record("volta").get(tool)
        yield volta if isinstance(volta, str) else "", f"{package.path(package.file)} (volta)"
        yield package.engine(tool), f"{package.path(package.file)} (engines.{tool})"
        yield (
            _of_engines(package.record("devEngines").get("runtime"), tool),
            f"{package.path(package.file)} (devEngines)",
        )


def _is_fit(wanted: str) -> bool:
    """Whether it is a version or a range: one of several words has to hold a number."""
    if not 0 < len(wanted) <= _LONGEST or not wanted.isprintable():
        return False
    return (
        bool(_VERSION.fullmatch(wanted))
        or wanted == "*"
        or bool(re.search(r"\d", wanted) and re.search(r"[<>=^~ |]", wanted))
    )


def _first_line(text: str) -> str:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return next((line for line in lines if line), "")


def _of_mise(found: object) -> str:
    if isinstance(found, list):
        found = found[0] if found else ""
    if isinstance(found, dict):
        found = found.get("version")
    return found if isinstance(found, str) else ""


def _of_engines(found: object, tool: str) -> str:
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict) and each.get("name") == tool and isinstance(each.get("version"), str):
            return str(each["version"])
    return ""
