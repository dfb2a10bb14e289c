"""Projects of an Nx workspace that have no package.json of their own, but a project.json."""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import replace
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Site
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.providers.node_managers import Manager
from headway.drivers.buildplan.providers.node_package import Package, texts
from headway.drivers.buildplan.providers.node_program import Ground, Program
from headway.drivers.buildplan.tree import Tree

FILES: Final = ("nx.json", "project.json", "*/project.json", "*/*/project.json", "*/*/*/project.json")

_MOST: Final = 100
_PAGES: Final = ("vite", "/web:", "angular", "react", "browser", "astro", "rsbuild")


def nx_projects(tree: Tree, manager: Manager) -> list[tuple[Package, Program]]:
    """Those that are built to something that is started or served, by what builds them."""
    if "nx.json" not in tree:
        return []
    found = []
    for file in tree.matching("**/project.json")[:_MOST]:
        folder = posixpath.dirname(file)
        if "node_modules" in folder:
            continue
        try:
            project = parse_jsonc(tree, file)
        except BuildError:
            continue
        name = project.get("name")
        package = Package(
            folder=folder, file="project.json", name=name if isinstance(name, str) else posixpath.basename(folder)
        )
        package = replace(package, name=package.name or "app")
        program = _program(project, package, manager)
        if program is not None and project.get("projectType", "application") == "application":
            found.append((package, program))
    return found


def default_project(tree: Tree) -> str | None:
    """The project that nx.json names as the default."""
    found = parse_jsonc(tree, "nx.json").get("defaultProject")
    return found if isinstance(found, str) else None


def _program(project: dict[str, Any], package: Package, manager: Manager) -> Program | None:
    targets = _record(project.get("targets") or project.get("architect"))
    build = _record(targets.get("build"))
    executor = build.get("executor") or build.get("builder")
    if not isinstance(executor, str):
        return None
    options = _record(build.get("options"))
    path = options.get("outputPath")
    if isinstance(path, dict):
        path = path.get("base")
    out = posixpath.normpath(path) if isinstance(path, str) and path else f"dist/{package.folder or package.name}"
    known = Program(
        framework="Nx",
        reason=f"{package.path('project.json')} ({executor})",
        ground=Ground.PROJECT,
        build=manager.program("nx", "build", package.name),
    )
    if started := _started(_record(targets.get("start"))):
        return replace(known, start=started)
    if "next" in executor:
        return replace(known, framework="Next", start=f"next start {shlex.quote(out)}")
    if any(word in executor for word in _PAGES) or options.get("target") == "web":
        is_new = executor.endswith(":application")
        return replace(known, site=Site(folders=(f"{out}/browser",) if is_new else (out,)))
    if not any(word in executor for word in ("node", "webpack", "esbuild", "js:", "nest", "run-commands")):
        return None
    return replace(known, start=f"node {shlex.quote(f'{out}/{_main(options, executor)}')}")


def _main(options: dict[str, Any], executor: str) -> str:
    """The file that a build leaves to be started."""
    name, source = options.get("outputFileName"), options.get("main")
    if isinstance(name, str):
        return name
    if isinstance(source, str):
        return f"{posixpath.basename(source).partition('.')[0]}.js"
    return "index.js" if "run-commands" in executor else "main.js"


def _started(start: dict[str, Any]) -> str | None:
    options = _record(start.get("options"))
    command = options.get("command")
    if isinstance(command, str):
        return command
    commands = options.get("commands")
    lines = [each.get("command") for each in commands if isinstance(each, dict)] if isinstance(commands, list) else []
    return next((line for line in [*lines, *texts(commands)] if isinstance(line, str)), None)


def _record(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
