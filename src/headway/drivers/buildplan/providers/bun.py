"""Bun: as a package manager it is one of Node's, and here it runs the program too."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan, Choice, Need
from headway.drivers.buildplan.providers import node
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.node import WEB
from headway.drivers.buildplan.providers.node_managers import find_manager, named_manager
from headway.drivers.buildplan.providers.node_package import Package, has_package, read_package, seen_package
from headway.drivers.buildplan.providers.node_typescript import TYPED_ENTRIES, WITH_MARKUP
from headway.drivers.buildplan.providers.node_versions import wanted_version
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process

_ENTRIES: Final = (*TYPED_ENTRIES, *WITH_MARKUP, "index.js", "server.js", "app.js", "main.js")


def recognise(tree: Tree) -> str | None:
    """What of Bun's is there: its lock file or settings, or package.json names it."""
    if has_package(tree):
        package = seen_package(tree)
        name, reason = named_manager(tree, package) if package is not None else ("", "")
        return reason if name == "bun" else None
    return next((name for name in ("bun.lock", "bun.lockb", "bunfig.toml", ".bun-version") if name in tree), None)


def plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    """As for Node, with Bun in its place where no package asks for Node. Raises BuildError."""
    if not has_package(tree):
        return _bare(tree, settings)
    root = read_package(tree)
    found = find_manager(tree, root, settings)
    manager = found if found.name == "bun" else replace(found, name="bun", need=_need(tree, root, settings))
    whole = node.plan_packages(tree, settings, root, manager, provider="bun")
    if _needs_node(whole, root):
        return whole
    kept = tuple(need for need in whole.needs if need.tool != "node")
    return replace(whole, needs=kept, choices=tuple(each for each in whole.choices if each.name != "versions.node"))


def _needs_node(whole: BuildPlan, root: Package) -> bool:
    """Programs of packages begin with a line that asks for Node, and so do scripts that say it."""
    says = any("node" in line.split() for line in root.scripts.values())
    return bool(says or root.own or root.developer or any(need.tool == "node" and need.wanted for need in whole.needs))


def _need(tree: Tree, root: Package | None, settings: BuildSettings) -> Need:
    return wanted_version(tree, root, settings, "bun") or Need(tool="bun")


def _bare(tree: Tree, settings: BuildSettings) -> BuildPlan:
    """A program without a package.json: there is nothing to install."""
    entry = next((name for name in _ENTRIES if name in tree), None)
    if entry is None and settings.start is None and settings.publish is None:
        raise BuildError(
            "This is a Bun application, but nothing says how it is started. Add a package.json with a start script "
            '("start": "bun server.ts"), or set the start command (headway apps set APP --start LINE).'
        )
    need = _need(tree, None, settings)
    start = f"bun {entry}"
    choices = [Choice(name="provider", value="bun", reason=recognise(tree) or "the setting provider")]
    if entry is not None:
        choices.append(Choice(name="start", value=start, reason="the main file"))
    return BuildPlan(
        provider="bun",
        needs=(need,),
        processes=(Process(name=WEB, command=start),) if entry is not None else (),
        env=node.ENV,
        choices=tuple(choices),
    )


PROVIDER: Final = Provider(
    name="bun",
    reads=(*node.READS, *WITH_MARKUP),
    recognise=recognise,
    plan=plan,
    further=node.further,
)
