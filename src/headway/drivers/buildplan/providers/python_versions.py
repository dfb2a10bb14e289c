"""Which Python, and which version of its package managers, a tree asks for: files are read as data, nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.providers.python_requirements import text_of
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

READS: Sequence[str] = (
    ".tool-versions",
    "mise.toml",
    ".mise.toml",
    ".config/mise.toml",
    ".python-version",
    "runtime.txt",
    "uv.lock",
)

SETTINGS = "the settings"

_MISE = ("mise.toml", ".mise.toml", ".config/mise.toml")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "python": ("python",),
    "uv": ("uv", "pipx:uv"),
    "poetry": ("poetry", "pipx:poetry"),
    "pdm": ("pdm", "pipx:pdm"),
    "pipenv": ("pipenv", "pipx:pipenv"),
}
_ANY = frozenset({"", "*", "latest", "lts", "system", "stable", "any"})
_OTHER_KINDS = re.compile(
    r"(pypy|graalpy|jython|stackless|cinder|pyston|micropython|anaconda|miniconda|miniforge|mambaforge|ironpython|nogil)",
    re.IGNORECASE,
)
_FREE_THREADED = re.compile(r"\d\.\d+(?:\.\d+)?t\b|freethreaded")
_PLAIN = re.compile(
    r"(?:c?python)?[-@ ]?v?(\d+(?:\.\d+){0,2}(?:(?:a|b|rc)\d+)?)(?:[.]?[xX*])?(?:-(?:dev|[a-z].*))?$", re.IGNORECASE
)
_PART = re.compile(r"(\^|~=|~|===|==|>=|<=|!=|=|>|<)?\s*v?(\d+(?:\.\d+){0,3}(?:(?:a|b|rc)\d+)?)(\.\*)?")
_NO_NUMBER = re.compile(r"\d{10}")  # of a version; of thousands of digits Python makes none either
_PYTHON_2 = re.compile(r"(?:==|~=|<=?)?[012](?:\D|$)|<3(?:\.0)*$")
_LOCK_HEAD = re.compile(r'^requires-python = "([^"\n]*)"', re.MULTILINE)
_RUNTIME = re.compile(r"python-(\S+)", re.IGNORECASE)

# The last month in which each minor version got a security release: https://devguide.python.org/versions/
_ENDED: Mapping[int, str] = {
    **dict.fromkeys(range(6), "2020 or before"),
    6: "December 2021",
    7: "June 2023",
    8: "October 2024",
    9: "October 2025",
    10: "October 2026",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A version as a file writes it."""

    text: str
    source: str


def python_need(tree: Tree, settings: BuildSettings, declared: Sequence[Asked]) -> tuple[Need, tuple[str, ...]]:
    """The Python that is asked for, by the first that asks: the settings, version files, then what the project and its
    lock ``declared``; and notes about it. Raises BuildError for what is no CPython 3.
    """
    notes: list[str] = []
    if own := settings.versions.get("python", ""):
        asked = Asked(text=own, source=SETTINGS)
        _refuse_other_kinds(asked)
        wanted = specifier(own)
        if wanted is None:
            raise BuildError(f"'{own[:60]}' is no version of Python. Set one such as 3.12, 3.12.4 or '>=3.11,<3.13'.")
        return _checked(wanted, asked), _ended(wanted, SETTINGS)
    files = tuple(_version_files(tree))
    for asked in (*files, *declared):
        _refuse_other_kinds(asked)
        wanted = specifier(asked.text)
        if wanted is None:
            notes.append(f"{asked.source} says '{asked.text[:40]}', which is no version of Python, and is passed over.")
            continue
        if not wanted:
            continue
        need = _checked(wanted, asked)
        if asked in files:  # what its developers use; what it declares that it needs will do too
            allowed = (specifier(each.text) for each in declared)
            need = replace(need, otherwise=next((each for each in allowed if each), ""))
        return need, (*notes, *_ended(wanted, asked.source))
    return Need(tool="python"), tuple(notes)


def bounded(need: Need, notes: tuple[str, ...], minor: int, source: str) -> tuple[Need, tuple[str, ...]]:
    """The need, below a minor version of Python 3 that a package is too old for, and the notes, with one more where
    that contradicts it; then, where what was asked for names one version, or is below it anyway, as it was.
    """
    if need.otherwise:
        need = replace(need, otherwise=f"{need.otherwise},<3.{minor}")
    newest = _newest_minor(need.wanted)
    is_exact = need.source == SETTINGS or (need.wanted and need.wanted[0].isdigit())
    if is_exact or (newest is not None and newest < minor):
        return need, notes
    if _oldest_minor(need.wanted) >= minor:
        said = f"{source} is too old for Python 3.{minor}, and {need.source} asks for {need.wanted}: that is heard."
        return need, (*notes, said)
    return Need(tool=need.tool, wanted=f"{need.wanted},<3.{minor}".lstrip(","), source=source), notes


def tool_need(tree: Tree, settings: BuildSettings, tool: str, declared: Asked | None = None) -> Need:
    """A package manager at the version that settings, ``.tool-versions``, mise or the project itself ask for."""
    if own := settings.versions.get(tool):
        return Need(tool=tool, wanted=own, source=SETTINGS)
    for asked in _of_tool(tree, tool):
        if asked.text not in _ANY:
            return Need(tool=tool, wanted=specifier(asked.text) or "", source=asked.source)
    if declared is not None and (wanted := specifier(declared.text)):
        return Need(tool=tool, wanted=wanted, source=declared.source)
    return Need(tool=tool)


def lock_asks(tree: Tree, folder: str = "") -> Asked | None:
    """What the head of a uv.lock says it was resolved for."""
    name = f"{folder}/uv.lock" if folder else "uv.lock"
    match = _LOCK_HEAD.search(tree.text(name)[:2000])
    return Asked(text=match[1], source=name) if match else None


def specifier(text: str) -> str | None:
    """A version or range as Python's packaging writes it: "^3.11" is ">=3.11,<4", "python-3.12.4" is "3.12.4", "3.12.x"
    is "3.12"; "" for any, None for what is none.
    """
    text = text.strip().strip("\"'").strip()
    if text.lower() in _ANY or text.lower() in {"x", "python", "python3"}:
        return ""
    if _NO_NUMBER.search(text):
        return None
    plain = _PLAIN.match(text)
    if plain is not None:
        return plain[1]
    alternative = text.split("||")[-1].strip()
    parts: list[str] = []
    at = 0
    while at < len(alternative):
        if alternative[at] in ", \t":
            at += 1
            continue
        match = _PART.match(alternative, at)
        if match is None:
            return None
        parts.extend(_bounds(match[1] or "==", match[2], wild=bool(match[3]) or not match[1]))
        at = match.end()
    return ",".join(parts) if parts else None


def _bounds(operator: str, version: str, *, wild: bool) -> list[str]:
    numbers = [int(part) for part in re.findall(r"\d+", version)[: version.count(".") + 1]]
    if operator == "^":
        return [f">={version}", f"<{numbers[0] + 1}"]
    if operator == "~":
        return [f">={version}", f"<{numbers[0]}.{numbers[1] + 1}" if len(numbers) > 1 else f"<{numbers[0] + 1}"]
    operator = "==" if operator == "=" else operator
    return [f"{operator}{version}{'.*' if wild and operator in {'==', '!='} else ''}"]


def _version_files(tree: Tree) -> Iterator[Asked]:
    yield from _of_tool(tree, "python")
    lines = (line.split("#")[0].strip() for line in text_of(tree, ".python-version").splitlines()[:50])
    for line in lines:
        if line:
            yield Asked(text=line, source=".python-version")
            break
    match = _RUNTIME.search(text_of(tree, "runtime.txt")[:200])
    if match is not None:
        yield Asked(text=match[1], source="runtime.txt")
    elif re.fullmatch(r"\s*\d+(\.\d+)*\s*", text_of(tree, "runtime.txt")[:200]):
        yield Asked(text=text_of(tree, "runtime.txt").strip(), source="runtime.txt")


def _of_tool(tree: Tree, tool: str) -> Iterator[Asked]:
    for line in text_of(tree, ".tool-versions").splitlines()[:200]:
        words = line.split("#")[0].split()
        if len(words) > 1 and words[0] in _NAMES[tool]:
            yield Asked(text=words[1], source=".tool-versions")
            break
    for name in _MISE:
        tools = tree.toml(name).get("tools")
        values = (tools.get(key) for key in _NAMES[tool]) if isinstance(tools, dict) else ()
        value = next((_mise_version(found) for found in values if found is not None), "")
        if value:
            yield Asked(text=value, source=name)
            break


def _mise_version(value: Any) -> str:  # noqa: ANN401 - a value of TOML
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("version", "")
    return str(value).removeprefix("prefix:") if isinstance(value, str | int | float) else ""


def _refuse_other_kinds(asked: Asked) -> None:
    if match := _OTHER_KINDS.search(asked.text):
        what = f"{match[1]} is not built with here, only CPython is."
    elif _FREE_THREADED.search(asked.text):
        what = "a Python without its global lock is not to be had here."
    else:
        return
    mend = "Ask for a version such as 3.13 there, or set it: --python 3.13."
    raise BuildError(f"{asked.source} asks for '{asked.text[:60]}': {what} {mend}")


def _checked(wanted: str, asked: Asked) -> Need:
    if any(_PYTHON_2.match(part) for part in wanted.split(",")):
        raise BuildError(
            f"{asked.source} asks for Python {asked.text[:60]}, which ended in 2020 and is not to be had here. Port "
            "the application to Python 3 and ask for a version such as 3.13, or deploy it as an image."
        )
    return Need(tool="python", wanted=wanted, source=asked.source)


def _ended(wanted: str, source: str) -> tuple[str, ...]:
    minor = _newest_minor(wanted)
    if minor is None or minor not in _ENDED:
        return ()
    return (f"Python 3.{minor}, which {source} asks for, has had no security updates since {_ENDED[minor]}.",)


def _newest_minor(wanted: str) -> int | None:
    """The newest minor version of Python 3 that is allowed, None where nothing bounds it above."""
    minors: list[int] = []
    for part in wanted.split(","):
        match = re.fullmatch(r"(==|~=|<=|<)?3\.(\d++)(\.\d++)?(\.\*)?.*", part)
        if match is None:
            continue
        minor = int(match[2])
        below_all_of_it = match[1] == "<" and (match[3] is None or match[3] == ".0")
        if match[1] != "~=" or match[3]:
            minors.append(minor - 1 if below_all_of_it else minor)
    return min(minors) if minors else None


def _oldest_minor(wanted: str) -> int:
    """The oldest minor version of Python 3 that is allowed, 0 where nothing bounds it below."""
    found = (re.fullmatch(r"(===?|~=|>=|>)3\.(\d++).*", part) for part in wanted.split(","))
    return max((int(match[2]) for match in found if match), default=0)
