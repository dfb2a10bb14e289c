"""How the packages of a Python project are installed: by the manager whose lock or manifest it has, into ``.venv``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from headway.drivers.builders.languages import venv_maker
from headway.drivers.buildplan.plan import Need, Phase
from headway.drivers.buildplan.providers.python_project import PythonProject, production_groups, script_block
from headway.drivers.buildplan.providers.python_requirements import of_lines, text_of
from headway.drivers.buildplan.providers.python_versions import Asked, tool_need
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

VENV = ".venv"

_PIP = ("python3", "-m", "pip", "install", "--no-input", "--progress-bar", "off")
_VENV_MAKER = Path(venv_maker.__file__).read_text()
# A repository or an archive in a requirement, and what says which of its contents: a commit or a hash.
_ADDRESS = re.compile(
    r"\b(?:git|hg|svn|bzr)\+[a-z]+:|@[ \t]*(?:https?|ftp):|^[ \t\"']*(?:-e[ \t]+)?(?:https?|ftp)://"
    r"|\{[ \t]*(?:git|url|hg)[ \t]*=|^[ \t]*(?:git|hg)[ \t]*=",
)
_COMMIT = re.compile(r"[@=][0-9a-f]{40}(?:[0-9a-f]{24})?(?![0-9a-f])")
_MOST_LINE = 4096
_UV_ENV: Mapping[str, str] = {
    "UV_PROJECT_ENVIRONMENT": VENV,
    "UV_PYTHON": "python3",  # the first on PATH, which is the one that was chosen, whatever .python-version says
    "UV_PYTHON_PREFERENCE": "only-system",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_LINK_MODE": "copy",
}
_POETRY_ENV: Mapping[str, str] = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "POETRY_VIRTUALENVS_CREATE": "true"}
_PIPENV_ENV: Mapping[str, str] = {
    "PIPENV_VENV_IN_PROJECT": "1",
    "PIPENV_IGNORE_VIRTUALENVS": "1",
    "PIPENV_NOSPIN": "1",
    "PIPENV_YES": "1",
}
_PDM_ENV: Mapping[str, str] = {
    "PDM_CHECK_UPDATE": "false",
    "PDM_IGNORE_SAVED_PYTHON": "1",
    "PDM_NON_INTERACTIVE": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """``phases`` install what the project requires, ``own`` the project itself, each time; ``reason`` is why so.
    ``follows`` are the files that the first depend on, and ``adds`` the beginning of a command that adds to them.
    """

    manager: str
    reason: str
    phases: tuple[Phase, ...] = ()
    own: tuple[Phase, ...] = ()
    needs: tuple[Need, ...] = ()
    follows: tuple[str, ...] = ()
    adds: tuple[str, ...] = _PIP
    env: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_packages(
        self, project: PythonProject, names: tuple[str, ...], follows: tuple[str, ...]
    ) -> tuple[Phase, ...]:
        """The phases with these packages installed as well; ``follows`` are the files that name them, where no other
        says what is installed.
        """
        if not names:
            return self.phases
        if self.manager:
            return (*self.phases, _phase(project, "install additions", (*self.adds, *names), self.follows, self.env))
        files = tuple(project.at(name) for name in follows)
        return (_venv(project, files), _phase(project, "install additions", (*self.adds, *names), files))


def installation(
    tree: Tree, project: PythonProject, settings: BuildSettings, *, script: str = "", member: str = ""
) -> Installation:
    """The manager by what is there: the locks before pip's list, that before a manifest alone. ``script`` is a file
    that may carry its own requirements, ``member`` the package of a workspace that is meant.
    """
    inner = project.tree
    if "uv.lock" in inner and "pyproject.toml" in inner:
        return _uv(tree, project, settings, member)
    if "pyproject.toml" in inner and ("poetry.lock" in inner or _is_poetry(project)):
        return _poetry(tree, project, settings)
    if "pyproject.toml" in inner and ("pdm.lock" in inner or project.tool("pdm") is not None):
        return _pdm(tree, project, settings)
    if "Pipfile.lock" in inner and "Pipfile" in inner:
        return _pipenv(tree, project, settings)
    if project.requirements_file and (_is_asked_for(project) or not _has_own(project)):
        return _pip_requirements(project)
    if "Pipfile" in inner:
        return _pipenv(tree, project, settings)
    if project.tool("uv") is not None:
        return _uv(tree, project, settings, member)
    if project.is_package or project.dependencies:
        return _pip_project(project)
    if script and (block := script_block(inner.text(script))) is not None:
        return _pip_script(project, script, block)
    return Installation(manager="", reason="nothing says what to install", phases=(_venv(project, ()),))


def _uv(tree: Tree, project: PythonProject, settings: BuildSettings, member: str) -> Installation:
    uv = project.tool("uv") or {}
    is_locked = "uv.lock" in project.tree
    is_root = "project" in project.data
    has_own = _is_uv_package(project, uv) or "workspace" in uv
    which: tuple[str, ...] = () if is_root else ("--all-packages",)
    which = ("--package", member) if member else which
    groups = tuple(word for name in production_groups(project.data) for word in ("--group", name))
    sync = ("uv", "sync", *(("--frozen",) if is_locked else ()), "--no-dev", *groups, *which)
    manifests = ["pyproject.toml", *(name for name in project.tree.matching("**/pyproject.toml") if "workspace" in uv)]
    locked = (*(("uv.lock",) if is_locked else ()), *dict.fromkeys(manifests))
    moves = _moves(project, () if is_locked else manifests)
    follows = () if _has_paths(uv) or moves else tuple(project.at(name) for name in locked)
    required = uv.get("required-version")
    declared = Asked(text=required, source=project.at("pyproject.toml")) if isinstance(required, str) else None
    first = (*sync, "--no-install-workspace") if has_own and is_locked else sync
    return Installation(
        manager="uv",
        reason=project.at("uv.lock") if is_locked else f"[tool.uv] in {project.at('pyproject.toml')}",
        phases=(_phase(project, "install", first, follows, _UV_ENV),),
        own=(_phase(project, "install project", (*sync, "--inexact"), (), _UV_ENV),) if has_own and is_locked else (),
        needs=(tool_need(tree, settings, "uv", declared),),
        follows=follows,
        adds=("uv", "pip", "install", "--python", f"{VENV}/bin/python3"),
        env=_UV_ENV,
        notes=_unused(project, "uv.lock" if is_locked else "pyproject.toml"),
    )


def _poetry(tree: Tree, project: PythonProject, settings: BuildSettings) -> Installation:
    poetry = project.tool("poetry") or {}
    follows = tuple(project.at(name) for name in ("poetry.lock", "pyproject.toml") if name in project.tree)
    is_local = project.requires.is_local
    install = ("poetry", "install", "--only", "main", "--no-interaction", "--no-ansi")
    required = poetry.get("requires-poetry")
    declared = Asked(text=required, source=project.at("pyproject.toml")) if isinstance(required, str) else None
    own = (_phase(project, "install project", (*install[:2], "--only-root", *install[4:]), (), _POETRY_ENV),)
    is_locked = "poetry.lock" in project.tree
    used = () if is_local or _moves(project, () if is_locked else ("pyproject.toml",)) else follows
    return Installation(
        manager="poetry",
        reason=project.at("poetry.lock") if is_locked else f"[tool.poetry] in {project.at('pyproject.toml')}",
        phases=(_venv(project, used), _phase(project, "install", (*install, "--no-root"), used, _POETRY_ENV)),
        own=own if _is_poetry_package(project, poetry) else (),
        needs=(tool_need(tree, settings, "poetry", declared),),
        follows=used,
        notes=_unused(project, "poetry.lock" if is_locked else "pyproject.toml"),
    )


def _pdm(tree: Tree, project: PythonProject, settings: BuildSettings) -> Installation:
    is_locked = "pdm.lock" in project.tree
    used = ("pdm.lock", "pyproject.toml") if is_locked else ("pyproject.toml",)
    moves = _moves(project, () if is_locked else used)
    follows = () if project.requires.is_local or moves else tuple(project.at(name) for name in used)
    verb = ("pdm", "sync", "--prod") if is_locked else ("pdm", "install", "--prod")
    pdm = project.tool("pdm") or {}
    has_own = "project" in project.data and bool(pdm.get("distribution", project.is_package))
    return Installation(
        manager="pdm",
        reason=project.at("pdm.lock") if is_locked else f"[tool.pdm] in {project.at('pyproject.toml')}",
        phases=(_venv(project, follows), _phase(project, "install", (*verb, "--no-self"), follows, _PDM_ENV)),
        own=(_phase(project, "install project", verb, (), _PDM_ENV),) if has_own else (),
        needs=(tool_need(tree, settings, "pdm"),),
        follows=follows,
        notes=_unused(project, used[0]),
    )


def _pipenv(tree: Tree, project: PythonProject, settings: BuildSettings) -> Installation:
    is_locked = "Pipfile.lock" in project.tree
    used = ("Pipfile.lock", "Pipfile") if is_locked else ("Pipfile",)
    moves = _moves(project, () if is_locked else used)
    follows = () if project.requires.is_local or moves else tuple(project.at(name) for name in used)
    install = _phase(project, "install", ("pipenv", "install", "--skip-lock"), follows, _PIPENV_ENV)
    verify = _phase(project, "install check", ("pipenv", "verify"), follows, _PIPENV_ENV)
    sync = _phase(project, "install", ("pipenv", "sync"), follows, _PIPENV_ENV)
    return Installation(
        manager="pipenv",
        reason=project.at(used[0]),
        phases=(_venv(project, follows), *((verify, sync) if is_locked else (install,))),
        needs=(tool_need(tree, settings, "pipenv"),),
        follows=follows,
        notes=_unused(project, used[0]),
    )


def _pip_requirements(project: PythonProject) -> Installation:
    name = project.requirements_file
    files = of_file_names(project, name)
    moves = _moves(project, files)
    follows = () if project.requires.is_local or moves else tuple(project.at(file) for file in files)
    phases = (_venv(project, follows), _phase(project, "install", (*_PIP, "-r", name), follows))
    return Installation(manager="pip", reason=project.at(name), phases=phases, follows=follows)


def _pip_project(project: PythonProject) -> Installation:
    """A package, or only what it requires where nothing says how it is built. Its own files stay where they are (an
    editable installation): templates and the like are found even where the package does not list them.
    """
    name = next(file for file in ("pyproject.toml", "setup.py", "setup.cfg") if file in project.tree)
    own = (_phase(project, "install project", (*_PIP, "--no-deps", "-e", "."), ()),)
    if project.dependencies is None:
        phases = (_venv(project, ()), _phase(project, "install", (*_PIP, "-e", "."), ()))
        return Installation(manager="pip", reason=project.at(name), phases=phases)
    follows = () if project.requires.is_local or _moves(project, (name,)) else (project.at(name),)
    install = (_phase(project, "install", (*_PIP, *project.dependencies), follows),) if project.dependencies else ()
    return Installation(
        manager="pip",
        reason=project.at(name),
        phases=(_venv(project, follows), *install),
        own=own if project.is_package else (),
        follows=follows,
    )


def _pip_script(project: PythonProject, script: str, block: Mapping[str, Any]) -> Installation:
    lines = tuple(line for line in block.get("dependencies", ()) if isinstance(line, str))
    follows = () if of_lines(lines).is_local or any(map(_is_moving, lines)) else (project.at(script),)
    install = (_phase(project, "install", (*_PIP, *lines), follows),) if lines else ()
    reason = f"the block '# /// script' in {project.at(script)}"
    return Installation(manager="pip", reason=reason, phases=(_venv(project, follows), *install), follows=follows)


def of_file_names(project: PythonProject, name: str) -> tuple[str, ...]:
    """A requirements file and those that it includes, constraints too."""
    return tuple(file for file in project.requires.files if file.endswith((".txt", ".in"))) or (name,)


def _venv(project: PythonProject, follows: tuple[str, ...]) -> Phase:
    """Makes a virtual environment at its final place, with pip."""
    return _phase(project, "venv", ("python3", "-I", "-c", _VENV_MAKER, VENV), follows)


def _phase(
    project: PythonProject,
    name: str,
    argv: tuple[str, ...],
    follows: tuple[str, ...],
    env: Mapping[str, str] | None = None,
) -> Phase:
    makes = (project.at(VENV),)
    return Phase(name=name, argv=argv, folder=project.folder, env=env or {}, follows=follows, makes=makes)


def _unused(project: PythonProject, used: str) -> tuple[str, ...]:
    name = project.requirements_file
    if not name:
        return ()
    other = f"pip install -r {name}"
    return (f"{project.at(used)} is installed, not {project.at(name)}; for that, set the install command: {other}",)


def _is_asked_for(project: PythonProject) -> bool:
    return any(file.endswith((".txt", ".in")) for file in project.requires.files) and bool(project.requires)


def _has_own(project: PythonProject) -> bool:
    return bool(project.dependencies) or "Pipfile" in project.tree or project.is_package


def _is_poetry(project: PythonProject) -> bool:
    poetry = project.tool("poetry")
    return poetry is not None and ("dependencies" in poetry or "name" in poetry or "package-mode" in poetry)


def _is_poetry_package(project: PythonProject, poetry: Mapping[str, Any]) -> bool:
    """Whether there is something for Poetry to install: it ends with an error where it finds no such package."""
    if poetry.get("package-mode") is False or not project.name:
        return False
    readme = poetry.get("readme")
    missing = isinstance(readme, str) and readme not in project.tree
    if missing:
        return False
    name = re.sub(r"[-. ]+", "_", project.name)
    places = (f"{name}/__init__.py", f"src/{name}/__init__.py", f"{name}.py", f"{name.lower()}/__init__.py")
    return "packages" in poetry or any(place in project.tree for place in (*places, f"src/{name}.py"))


def _is_uv_package(project: PythonProject, uv: Mapping[str, Any]) -> bool:
    return bool(uv.get("package", "build-system" in project.data))


def _has_paths(uv: Mapping[str, Any]) -> bool:
    sources = uv.get("sources")
    values = sources.values() if isinstance(sources, dict) else ()
    return any(isinstance(value, dict) and "path" in value for value in values)


def _moves(project: PythonProject, names: Iterable[str]) -> bool:
    """Whether these files ask for what may be another tomorrow under the same address: they alone do not say what is
    installed.
    """
    return any(_is_moving(part) for name in names for part in re.split(r"[\n,]", text_of(project.tree, name)))


def _is_moving(line: str) -> bool:
    return bool(_ADDRESS.search(line[:_MOST_LINE])) and not _COMMIT.search(line[:_MOST_LINE])
