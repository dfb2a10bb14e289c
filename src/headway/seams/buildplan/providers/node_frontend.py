"""The front end in JavaScript that an application in another language has: installed and built before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from headway.seams.buildplan.plan import Choice, Need, Phase
from headway.seams.buildplan.providers import node_managers, node_versions
from headway.seams.buildplan.providers.node_engines import wished_node
from headway.seams.buildplan.providers.node_installation import BINS, install_phases
from headway.seams.buildplan.providers.node_managers import find_manager
from headway.seams.buildplan.providers.node_package import PACKAGE, Package, read_package
from headway.seams.buildplan.providers.node_versions import version_notes, wanted_version
from headway.seams.buildplan.settings import BuildSettings
from headway.seams.buildplan.tree import Tree

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
FILES: Final = tuple(
    f"{folder}/{name}" if folder else name
    for folder in FOLDERS
    for name in (PACKAGE, *node_managers.FILES, *node_versions.FILES)
)

_BUILDS: Final = ("build", "production", "prod", "build:prod", "build:css", "build-css", "css:build", "compile")
_ENV: Final[Mapping[str, str]] = {"NODE_ENV": "production", "NEXT_TELEMETRY_DISABLED": "1", "NG_CLI_ANALYTICS": "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """What is to be done for it: ``folder`` is where it lies, "" at the build path; ``reason`` says why it is built."""

    folder: str
    reason: str
    needs: tuple[Need, ...]
    phases: tuple[Phase, ...]
    path: tuple[str, ...]
    build_env: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    notes: tuple[str, ...] = ()


def frontend(tree: Tree, settings: BuildSettings) -> Frontend | None:
    """The front end at the build path, or in one of the folders where it is kept by custom; None where there is none:
    one whose packages are for developers alone, with nothing to build, is left alone. Its phases are named ``frontend
    install`` and ``frontend build``. Raises BuildError where its package.json is broken.
    """
    for folder in FOLDERS:
        place = f"{folder}/{PACKAGE}" if folder else PACKAGE
        if place not in tree:
            continue
        inner = tree.below(folder) if folder else tree
        package = read_package(inner)
        build = next((name for name in _BUILDS if package.script(name)), None)
        if build is not None or package.own:
            node = wanted_version(inner, package, settings, "node") or wanted_version(tree, None, settings, "node")
            return _planned(inner, settings, package, build, folder=folder, node=node)
    return None


def _planned(
    tree: Tree, settings: BuildSettings, package: Package, build: str | None, *, folder: str, node: Need | None
) -> Frontend:
    manager = find_manager(tree, package, settings)
    node = node or wished_node(tree, manager.lock, (package,)) or Need(tool="node")
    phases = install_phases(tree, manager, [package])
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
        build_env=_ENV,
        choices=(manager.choice,),
        notes=(
            *manager.notes,
            *(manager.unlocked if package.own or package.developer else ()),
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
