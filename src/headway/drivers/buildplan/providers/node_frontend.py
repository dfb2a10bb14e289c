"""The front end in JavaScript that an application in another language has: installed and built before it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Choice, Need, Phase
from headway.drivers.buildplan.providers import node_managers, node_versions
from headway.drivers.buildplan.providers.jsonc import parse_jsonc, without_comments
from headway.drivers.buildplan.providers.node_engines import wished_node
from headway.drivers.buildplan.providers.node_framework import ENDINGS
from headway.drivers.buildplan.providers.node_installation import BINS, install_phases, lock_lacks
from headway.drivers.buildplan.providers.node_lock import out_of_step
from headway.drivers.buildplan.providers.node_managers import find_manager
from headway.drivers.buildplan.providers.node_package import PACKAGE, Package, read_package, seen_package
from headway.drivers.buildplan.providers.node_scripts import built_by_image, commands
from headway.drivers.buildplan.providers.node_variables import build_variables
from headway.drivers.buildplan.providers.node_versions import version_notes, wanted_version
from headway.drivers.buildplan.providers.node_webpack import known_to, old_webpack
from headway.drivers.buildplan.providers.node_workspaces import read_members
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

FOLDERS: Final = (
    "",
    "frontend",
    "client",
    "web",
    "ui",
    "theme/static_src",
    "static_src",
    "assets",
    "app/frontend",
    "js",
)
CONFIGS: Final = ("angular.json", *(f"{stem}.{end}" for stem in ("vite.config", "vue.config") for end in ENDINGS))
FILES: Final = (
    *(
        f"{folder}/{name}" if folder else name
        for folder in FOLDERS
        for name in (PACKAGE, *node_managers.FILES, *node_versions.FILES)
    ),
    *(f"*/{name}" for name in (PACKAGE, *CONFIGS)),
)

BUILDS: Final = ("build", "production", "prod", "build:prod", "build:css", "build-css", "css:build", "compile")
_OUTSIDE = re.compile(r"\b(?:outDir|outputDir|path)\b[\"']?\s*:[^\n]{0,120}?[\"'](?:\.\./|\.\.[\"'])")
_PRODUCTION: Final = ("--configuration", "production")
_ENV: Final[Mapping[str, str]] = {"NODE_ENV": "production", "NEXT_TELEMETRY_DISABLED": "1", "NG_CLI_ANALYTICS": "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """What is to be done for it: ``folder`` is where it lies, "" at the build path; ``reason`` says why it is built,
    ``programs`` are those that its build calls.
    """

    folder: str
    reason: str
    needs: tuple[Need, ...]
    phases: tuple[Phase, ...]
    path: tuple[str, ...]
    build_env: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    notes: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()

    @property
    def chosen(self) -> tuple[Choice, ...]:
        """What is done for it and why, as it is told beside the other choices."""
        line = " && ".join(" ".join(phase.argv) for phase in self.phases if phase.argv[0] != "/bin/sh")
        return (Choice(name="frontend", value=line, reason=self.reason),) if self.phases else ()

    def parted(self, others: Collection[str]) -> tuple[tuple[Phase, ...], tuple[Phase, ...]]:
        """What comes before the installation of the application itself and what after: the build, where it calls one of
        the ``others``, which are there only then.
        """
        if not self.programs & {*others, "python", "python3"}:
            return self.phases, ()
        builds = tuple(each for each in self.phases if each.name == "frontend build")
        return tuple(each for each in self.phases if each not in builds), builds


NO_FRONT_END: Final = Frontend(folder="", reason="", needs=(), phases=(), path=())


def frontend(
    tree: Tree,
    settings: BuildSettings,
    folders: Sequence[str] = FOLDERS,
    script: str | None = None,
    *,
    with_tools: bool = False,
) -> Frontend | None:
    """The front end at the build path, or in one of the folders where it is kept by custom; None where there is none:
    one whose packages are for developers alone, with nothing to build, is left alone, unless what builds calls them
    (``with_tools``). Its phases are named ``frontend
    install`` and ``frontend build``; ``script`` is the one that builds it, where it is known. Raises BuildError where
    its package.json is broken.
    """
    for folder in folders:
        place = f"{folder}/{PACKAGE}" if folder else PACKAGE
        if place not in tree:
            continue
        inner = tree.below(folder) if folder else tree
        package = read_package(inner)
        named = next((name for name in BUILDS if package.script(name)), None)
        build = script or named or built_by_image(tree, package)
        if build is not None or package.own or (with_tools and package.developer):
            if (whole := _in_workspace(tree, settings, package, build, folder)) is not None:
                return whole
            node = wanted_version(inner, package, settings, "node") or wanted_version(tree, None, settings, "node")
            return _planned(inner, settings, package, build, folder=folder, node=node)
    for place in (each for each in tree.matching(f"*/{PACKAGE}") if posixpath.dirname(each) not in FOLDERS):
        inner = tree.below(posixpath.dirname(place))
        options = _written_outside(inner)
        # Only now: there are templates and fixtures of that name that nobody would build, and that hold no object.
        if options is not None and read_package(inner).script("build"):
            package = read_package(inner)
            found = _planned(inner, settings, package, "build", folder=posixpath.dirname(place), node=None)
            return replace(found, phases=tuple(_with_options(each, options) for each in found.phases))
    return None


def _in_workspace(
    tree: Tree, settings: BuildSettings, package: Package, build: str | None, folder: str
) -> Frontend | None:
    """The front end as a package of the workspace at the build path, by whose lock file all of it is installed; None
    where it has a lock file of its own, or is in none.
    """
    root = seen_package(tree) if folder else None
    locks = [name for name, _ in node_managers.LOCKS]
    if root is None or any(f"{folder}/{name}" in tree for name in locks) or not any(name in tree for name in locks):
        return None
    members = read_members(tree, root)
    if all(each.folder != folder for each in members):
        return None
    manager = find_manager(tree, root, settings)
    node = wanted_version(tree, root, settings, "node") or wished_node(tree, manager.lock, (root, package))
    whole = _planned(tree, settings, root, None, folder="", node=node)
    installed = tuple(
        replace(each, name=f"frontend {each.name}") for each in install_phases(tree, manager, (root, *members))
    )
    built = (Phase(name="frontend build", argv=manager.script(build), folder=folder),) if build is not None else ()
    does = f"its script {build}" if build is not None else "its dependencies"
    return replace(
        whole,
        folder=folder,
        reason=f"{folder}/{PACKAGE}: {does}, installed as {manager.lock} at the build path has it",
        phases=(*installed, *built),
        path=(f"{folder}/{BINS}", *whole.path),
        build_env={
            **whole.build_env,
            **known_to(node or Need(tool="node"), old_webpack((package,))),
            **build_variables(tree, (package,), manager.told),
        },
        programs=frozenset(each.partition(" ")[0] for each in commands(package.short(build or ""))),
    )


def _written_outside(tree: Tree) -> tuple[str, ...] | None:
    """The options by which a front end builds into the application beside it; None where it does not."""
    try:
        projects = parse_jsonc(tree, "angular.json").get("projects")
    except BuildError:
        projects = None
    for project in projects.values() if isinstance(projects, dict) else ():
        build = _record(_record(_record(project).get("architect")).get("build"))
        production = _record(_record(build.get("configurations")).get("production"))
        if _is_outside(_record(build.get("options"))):
            return ()
        if _is_outside(production):
            return () if build.get("defaultConfiguration") == _PRODUCTION[1] else _PRODUCTION
    texts = (without_comments(tree.text(name)) for name in CONFIGS if name in tree.contents and name != "angular.json")
    return () if any(_OUTSIDE.search(text) for text in texts) else None


def _is_outside(options: Mapping[str, Any]) -> bool:
    path = options.get("outputPath")
    path = path.get("base") if isinstance(path, dict) else path
    return isinstance(path, str) and path.startswith("../")


def _record(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _with_options(phase: Phase, options: tuple[str, ...]) -> Phase:
    """The build with options of its program, which npm takes after two dashes."""
    if phase.name != "frontend build" or not options:
        return phase
    dashes = ("--",) if phase.argv[0] == "npm" else ()
    return replace(phase, argv=(*phase.argv, *dashes, *options))


def _planned(
    tree: Tree, settings: BuildSettings, package: Package, build: str | None, *, folder: str, node: Need | None
) -> Frontend:
    manager = find_manager(tree, package, settings)
    node = node or wished_node(tree, manager.lock, (package,)) or Need(tool="node")
    lock = f"{folder}/{manager.lock}" if folder else manager.lock or ""
    lacks = lock_lacks(tree, manager, [package])
    phases = install_phases(tree, manager, [package], lacks)
    if build is not None:
        phases = (*phases, Phase(name="build", argv=manager.script(build)))
    place = f"{folder}/{PACKAGE}" if folder else PACKAGE
    does = f"its script {build}" if build is not None else "its dependencies"
    return Frontend(
        folder=folder,
        reason=f"{place}: {does}",
        needs=(node, manager.need),
        phases=tuple(_placed(phase, folder) for phase in phases),
        path=(f"{folder}/{BINS}" if folder else BINS,) if manager.has_bins else (),
        build_env={
            **_ENV,
            **known_to(node, old_webpack((package,))),
            **build_variables(tree, (package,), manager.told),
        },
        choices=(manager.choice,),
        programs=frozenset(each.partition(" ")[0] for each in commands(package.short(build or ""))),
        notes=(
            *manager.notes,
            *(manager.unlocked if package.own or package.developer else ()),
            *((out_of_step(lock, lacks, of_yarn=manager.is_classic),) if lacks else ()),
            *version_notes(tree, node),
        ),
    )


def _placed(phase: Phase, folder: str) -> Phase:
    """The phase as it is named and lies in the application."""
    named = replace(phase, name=f"frontend {phase.name}")
    if not folder:
        return named
    follows, makes = ([f"{folder}/{each}" for each in names] for names in (phase.follows, phase.makes))
    return replace(named, folder=folder, follows=tuple(follows), makes=tuple(makes))
