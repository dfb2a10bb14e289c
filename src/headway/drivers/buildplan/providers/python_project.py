"""A Python project as its files declare it: what it requires, what it is called, what it starts."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers import python_requirements
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_versions import Asked, lock_asks
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

READS: Sequence[str] = (
    "requirements*.txt",
    "requirements/*.txt",
    "*/requirements*.txt",
    "*/requirements/*.txt",
    "pyproject.toml",
    "*/pyproject.toml",
    "*/*/pyproject.toml",
    "Pipfile",
    "*/Pipfile",
    "setup.cfg",
    "*/setup.cfg",
    "setup.py",
    "*/setup.py",
)

MANIFESTS = ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "setup.cfg")
_REQUIREMENT_FILES = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements-prod.txt",
    "requirements.prod.txt",
    "requirements-production.txt",
    "requirements_prod.txt",
    "requirements/deploy.txt",
    "requirements/base.txt",
    "requirements/common.txt",
    "requirements/main.txt",
    "requirements/requirements.txt",
    "requirements/default.txt",
    "requirements/app.txt",
    "requirements-base.txt",
    "requirements_base.txt",
)
_PRODUCTION = ("prod", "production", "deploy", "deployment")
_SCRIPT_BLOCK = re.compile(r"^# /// script[ \t]*+\n((?:#(?: .*)?\n){1,150}?)# ///[ \t]*+$", re.MULTILINE)
_STRINGS = re.compile(r"""["']([^"'\n]{1,200})["']""")
_INSTALL_REQUIRES = re.compile(r"install_requires[ \t]*+=[ \t]*+\[([^\]]{0,4000})\]")
_PYTHON_REQUIRES = re.compile(r"""python_requires[ \t]*=[ \t]*["']([^"'\n]{1,100})["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """What the files in ``folder`` (below the build path) declare; ``tree`` is what lies in it.

    ``requirements_file`` is pip's, "" where there is none; ``data`` the pyproject.toml; ``dependencies`` the lines of
    its ``[project]`` where they are all there; ``scripts`` the commands that it installs; ``is_package`` whether it
    says how it is built; ``asks`` what it says of Python.
    """

    folder: str
    tree: Tree
    name: str = ""
    requires: Requirements = field(default_factory=Requirements)
    requirements_file: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)
    is_package: bool = False
    asks: tuple[Asked, ...] = ()

    def at(self, name: str) -> str:
        """A file's name below the build path."""
        return f"{self.folder}/{name}" if self.folder else name

    def tool(self, name: str) -> Mapping[str, Any] | None:
        """A tool's table in the pyproject.toml, None where it has none."""
        return _table(self.data, "tool").get(name) if name in _table(self.data, "tool") else None


def read_project(tree: Tree, folder: str = "") -> PythonProject:
    """What the files in a folder declare. Raises BuildError for one that cannot be read."""
    inner = tree.below(folder) if folder else tree
    data = inner.toml("pyproject.toml")
    declared = _table(data, "project")
    poetry = _table(_table(data, "tool"), "poetry")
    pipfile = inner.toml("Pipfile")
    named = next((name for name in _REQUIREMENT_FILES if name in inner), "")
    dependencies = _dependencies(declared)
    return PythonProject(
        folder=folder,
        tree=inner,
        name=str(declared.get("name") or poetry.get("name") or _setup_cfg(inner).get("metadata.name", "")),
        requires=_joined((*_all_requirements(inner, data, pipfile, named), *_of_members(inner, data))),
        requirements_file=named,
        data=data,
        dependencies=dependencies,
        scripts=_scripts(declared, poetry),
        is_package="build-system" in data or "setup.py" in inner or ("setup.cfg" in inner and _has_metadata(inner)),
        asks=tuple(_asks(inner, folder, declared, poetry, pipfile)),
    )


def members(tree: Tree) -> dict[str, str]:
    """The packages below the build path: the folder of each by its name."""
    found: dict[str, str] = {}
    for name in (*tree.matching("*/pyproject.toml"), *tree.matching("*/*/pyproject.toml")):
        own = _table(tree.toml(name), "project").get("name")
        if isinstance(own, str):
            found.setdefault(own, name.removesuffix("/pyproject.toml"))
    return found


def script_block(text: str) -> dict[str, Any] | None:
    """The metadata that a single script carries about itself (PEP 723); None where it has none. Raises BuildError."""
    match = _SCRIPT_BLOCK.search(text[:20000])
    if match is None:
        return None
    lines = (line[2:] if line.startswith("# ") else line[1:] for line in match[1].splitlines())
    name = "the script block"
    return Tree(names=frozenset({name}), contents={name: "\n".join(lines).encode()}).toml(name)


def production_groups(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The groups of dependencies in a pyproject.toml that are for what is deployed."""
    return tuple(name for name in _PRODUCTION if name in _table(data, "dependency-groups"))


def _all_requirements(
    tree: Tree, data: Mapping[str, Any], pipfile: Mapping[str, Any], named: str
) -> Iterator[Requirements]:
    declared, poetry = _table(data, "project"), _table(_table(data, "tool"), "poetry")
    # What a lock does not have is not installed where that is.
    has_own = bool(declared.get("dependencies")) or "dependencies" in poetry
    is_locked = has_own and any(name in tree for name in ("uv.lock", "poetry.lock", "pdm.lock"))
    if named and not is_locked and not ("Pipfile.lock" in tree and pipfile):
        yield python_requirements.of_file(tree, named)
    for group in production_groups(data) if "uv.lock" in tree else ():
        yield python_requirements.of_lines(texts(_table(data, "dependency-groups")[group]))
    lines = declared.get("dependencies")
    if isinstance(lines, list):
        yield python_requirements.of_lines((line for line in lines if isinstance(line, str)), ("pyproject.toml",))
    for table, file in ((_table(poetry, "dependencies"), "pyproject.toml"), (_table(pipfile, "packages"), "Pipfile")):
        names = {name: _extras(value) for name, value in table.items() if name.lower() != "python"}
        is_local = any(isinstance(value, dict) and ("path" in value or "file" in value) for value in table.values())
        if names:
            yield python_requirements.of_names(names, (file,), is_local=is_local)
    cfg = _setup_cfg(tree).get("options.install_requires", "")
    if cfg:
        yield python_requirements.of_lines((line.strip() for line in cfg.splitlines() if line.strip()), ("setup.cfg",))
    match = _INSTALL_REQUIRES.search(tree.text("setup.py"))
    if match:
        yield python_requirements.of_lines(_STRINGS.findall(match[1]), ("setup.py",))


def _of_members(tree: Tree, data: Mapping[str, Any]) -> Iterator[Requirements]:
    """What the members of a workspace require, which is installed together."""
    members = tree.matching("*/pyproject.toml") + tree.matching("*/*/pyproject.toml")
    for name in members if "workspace" in _table(_table(data, "tool"), "uv") else ():
        lines = _table(tree.toml(name), "project").get("dependencies")
        if isinstance(lines, list):
            yield python_requirements.of_lines((line for line in lines if isinstance(line, str)), (name,))


def texts(found: object) -> list[str]:
    """Those of a list that are text; none where it is no list."""
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _joined(all_of: tuple[Requirements, ...]) -> Requirements:
    extras: dict[str, frozenset[str]] = {}
    for one in all_of:
        for name, found in one.extras.items():
            extras[name] = extras.get(name, frozenset()) | found
    return Requirements(
        extras=dict(sorted(extras.items())),
        majors={name: major for one in all_of for name, major in one.majors.items()},
        files=tuple(dict.fromkeys(name for one in all_of for name in one.files)),
        is_local=any(one.is_local for one in all_of),
    )


def _asks(
    tree: Tree, folder: str, declared: Mapping[str, Any], poetry: Mapping[str, Any], pipfile: Mapping[str, Any]
) -> Iterator[Asked]:
    head = f"{folder}/" if folder else ""
    needs = _table(pipfile, "requires")
    cfg = _setup_cfg(tree).get("options.python_requires")
    setup = _PYTHON_REQUIRES.search(tree.text("setup.py"))
    asked = (
        (needs.get("python_full_version") or needs.get("python_version"), "Pipfile"),
        (declared.get("requires-python"), "pyproject.toml"),
        (_version_of(_table(poetry, "dependencies").get("python")), "pyproject.toml"),
        (cfg, "setup.cfg"),
        (setup[1] if setup else None, "setup.py"),
    )
    for text, source in asked:
        if isinstance(text, str) and text.strip():
            yield Asked(text=text, source=f"{head}{source}")
    lock = lock_asks(tree)
    if lock is not None:
        yield Asked(text=lock.text, source=f"{head}{lock.source}")


def _dependencies(declared: Mapping[str, Any]) -> tuple[str, ...] | None:
    dynamic = declared.get("dynamic")
    if not declared or (isinstance(dynamic, list) and "dependencies" in dynamic):
        return None
    lines = declared.get("dependencies", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BuildError("The dependencies in pyproject.toml are no list of texts. Correct them and commit it.")
    return tuple(lines)


def _scripts(declared: Mapping[str, Any], poetry: Mapping[str, Any]) -> dict[str, str]:
    found = {**_table(poetry, "scripts"), **_table(declared, "scripts")}
    return {name: value for name, value in sorted(found.items()) if isinstance(value, str)}


def _setup_cfg(tree: Tree) -> dict[str, str]:
    """The values of a setup.cfg by "section.key"; empty where it is none that can be read."""
    if "setup.cfg" not in tree.contents:
        return {}
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(tree.text("setup.cfg"))
    except configparser.Error:
        return {}
    return {f"{section}.{key}": value or "" for section in parser.sections() for key, value in parser.items(section)}


def _has_metadata(tree: Tree) -> bool:
    return "metadata.name" in _setup_cfg(tree)


def _extras(value: Any) -> list[str]:  # noqa: ANN401 - a value of TOML
    extras = value.get("extras") if isinstance(value, dict) else None
    return [extra.lower() for extra in extras if isinstance(extra, str)] if isinstance(extras, list) else []


def _version_of(value: Any) -> str | None:  # noqa: ANN401 - a value of TOML
    value = value.get("version") if isinstance(value, dict) else value
    return value if isinstance(value, str) else None


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}
