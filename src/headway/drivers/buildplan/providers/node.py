"""Node: any package manager, a workspace or one package, a framework, a server, a worker or a site."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.foreign_sites import WRANGLER
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase, Site
from headway.drivers.buildplan.providers import (
    deno,
    node_managers,
    node_nodemon,
    node_nx,
    node_prisma,
    node_program,
    node_secrets,
    node_typescript,
    node_versions,
    node_workspaces,
)
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.node_address import led, led_outside, own_port, started
from headway.drivers.buildplan.providers.node_data import Data, find_data
from headway.drivers.buildplan.providers.node_databases import Lines
from headway.drivers.buildplan.providers.node_engines import wished_node
from headway.drivers.buildplan.providers.node_framework import ENDINGS
from headway.drivers.buildplan.providers.node_frontend import NO_FRONT_END
from headway.drivers.buildplan.providers.node_frontend_folder import beside
from headway.drivers.buildplan.providers.node_installation import BINS, install_phases, lock_lacks
from headway.drivers.buildplan.providers.node_lock import out_of_step
from headway.drivers.buildplan.providers.node_managers import Manager, find_manager, named_manager
from headway.drivers.buildplan.providers.node_natives import Natives, find_natives
from headway.drivers.buildplan.providers.node_package import (
    PACKAGE,
    PACKAGE_JSON5,
    Package,
    has_package,
    read_package,
    seen_package,
)
from headway.drivers.buildplan.providers.node_part_builds import unbuilt
from headway.drivers.buildplan.providers.node_program import Ground, Program
from headway.drivers.buildplan.providers.node_scripts import called_lines, mentions, read_start, shell_files
from headway.drivers.buildplan.providers.node_secrets import Variables, find_variables
from headway.drivers.buildplan.providers.node_sources import begun, unread
from headway.drivers.buildplan.providers.node_turborepo import turbo_environment, with_git_folder
from headway.drivers.buildplan.providers.node_variables import BUILT, build_variables
from headway.drivers.buildplan.providers.node_versions import pinned_major, version_notes, wanted_version
from headway.drivers.buildplan.providers.node_webpack import known_to, old_webpack
from headway.drivers.buildplan.providers.node_workspaces import Served, build_phases, find_served, reached, read_members
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process
from headway.kernel.release_facts import DATA

WEB: Final = "web"
WORKER: Final = "worker"
ENV: Final[Mapping[str, str]] = {"NODE_ENV": "production"}

_CONFIGS: Final = (
    "next.config", "nuxt.config", "svelte.config", "vite.config", "astro.config", "react-router.config", "app.config",
    "eleventy.config", ".eleventy", "vue.config", "webpack.config", "docusaurus.config", "config", ".umirc",
    ".dumirc", "rspress.config", "rsbuild.config", "stencil.config",
)  # fmt: skip
READS: Final = (
    "**/package.json",
    *deno.CONFIGS,
    PACKAGE_JSON5,
    *node_managers.FILES,
    *node_versions.FILES,
    *node_workspaces.FILES,
    *node_nx.FILES,
    *node_prisma.READS,
    *node_secrets.READS,
    *(f"**/{stem}.{ending}" for stem in _CONFIGS for ending in ENDINGS),
    *("**/angular.json", "**/nest-cli.json", "**/tsconfig.json", "tsconfig.*.json", "app.json"),
    f"**/{node_nodemon.FILE}",
    *(f"**/{name}" for name in WRANGLER),
    *node_program.ENTRIES,
    *node_typescript.TYPED_ENTRIES,
)
# By the `engines` of their own packages.
_NODE_OF: Final[Mapping[tuple[str, int], str]] = {
    ("pnpm", 11): ">=22.13",
    ("npm", 12): "^22.22.2 || ^24.15.0 || >=26.0.0",
}
_REQUIREMENTS: Final = "requirements.txt"
_DOCUMENTS: Final = ("mkdocs.yml", "mkdocs.yaml", "conf.py", "pelicanconf.py", "docs/conf.py")
_SEVERAL: Final = re.compile(r"[&;|\n]")
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w*=")
_MAINS: Final = (*node_program.ENTRIES, *node_typescript.TYPED_ENTRIES)
_MOST_PACKAGES: Final = 30
_NX: Final[Mapping[str, str]] = {"NX_DAEMON": "false", "NX_NO_CLOUD": "true"}


def recognise(tree: Tree) -> str | None:
    """A package.json, unless Bun or Deno is what runs it."""
    if not has_package(tree) or deno.recognise(tree) is not None:
        return None
    package = seen_package(tree)
    if package is None:
        return PACKAGE  # a broken one, of which the plan says so
    return None if named_manager(tree, package)[0] == "bun" else package.file


def plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    """What is installed, built and started. Raises BuildError where nothing says how, with what would."""
    root = read_package(tree)
    return plan_packages(tree, settings, root, find_manager(tree, root, settings), provider="node")


def plan_packages(tree: Tree, settings: BuildSettings, root: Package, manager: Manager, *, provider: str) -> BuildPlan:
    """The plan of a package, or of the one of its workspace that serves."""
    members = read_members(tree, root)
    served = _led(tree, find_served(tree, manager, root, members, settings))
    program = served.program
    is_told = settings.start is not None or settings.publish is not None
    if program.refusal is not None and not is_told:
        raise BuildError(program.refusal)
    parts = reached(root, members, served)
    natives = find_natives(tree, manager, (root, *members), served.package, parts, settings=settings)
    lacks = lock_lacks(tree, manager, (root, *members)) if settings.install is None else ""
    installed = install_phases(tree, manager, (root, *members), lacks)
    installed = installed if program.is_said or program.script or program.start or is_told else ()
    is_started = (program.start is not None and program.refusal is None) or settings.start is not None
    given = find_variables(_inner(tree, served), parts, manager.told) if is_started else Variables()
    data = _data(tree, settings, served, parts, natives) if is_started else Data()
    own = _own_port(tree, program, served)
    line = program.start or settings.start or ""
    front = beside(tree, settings, (root, *members), line) if is_started else NO_FRONT_END
    needs = _both(_needs(tree, settings, root, served, manager), front.needs)
    build_env = {**front.build_env, **_build_env(tree, root, needs[0], served, manager)}
    said = (
        *manager.notes,
        *_python(tree, manager, settings),
        *(manager.unlocked if installed else ()),
        *((out_of_step(manager.lock or "", lacks, of_yarn=manager.is_classic),) if installed and lacks else ()),
        *version_notes(tree, needs[0]),
        *(unbuilt(served.package, manager) if settings.build is None and not program.is_built else ()),
    )
    processes = _processes(program, served, f"{data.stay.links}{natives.before}")
    return BuildPlan(
        provider=provider,
        framework=program.framework,
        confidence=program.confidence if served.question is None else Confidence.GUESSED,
        needs=needs,
        phases=(*installed, *natives.phases, *front.phases, *_builds(tree, manager, root, members, served)),
        processes=processes,
        release_command=natives.release,
        site=_site(program.site, served),
        path=_path(manager, served),
        env={**ENV, **_linked(manager), **program.env, **natives.env},
        build_env={**build_env, **given.build_env, **natives.build_env},
        run_env={**data.run_env, **program.run_env, **given.run_env, **natives.run_env} if is_started else {},
        keep=data.keep,
        port=None if own is None else own[0],
        takes_requests=program.takes_requests,
        packages=natives.packages,
        choices=(*_choices(provider, root, manager, needs, served, natives, processes), *_of_port(own), *front.chosen),
        questions=() if served.question is None else (served.question,),
        notes=tuple(dict.fromkeys((*said, *front.notes, *program.notes, *given.notes, *data.notes, *natives.notes))),
    )


def _builds(
    tree: Tree, manager: Manager, root: Package, members: Sequence[Package], served: Served
) -> tuple[Phase, ...]:
    return with_git_folder(tree, build_phases(tree, manager, root, members, served))


def _data(tree: Tree, settings: BuildSettings, served: Served, parts: Sequence[Package], natives: Natives) -> Data:
    """Where what is started keeps its data, with what Turborepo is told where it starts it."""
    folder = "" if served.is_at_root else served.package.folder
    texts = (settings.start or served.program.start or "", *called_lines(served.package, ("start",)))
    lines = Lines(
        told=settings.start or "",
        starts="\n".join(texts),
        built="\n".join((settings.build or "", *called_lines(served.package, BUILT))),
        led=frozenset(natives.run_env),
        is_led=any(DATA in text for text in (natives.before, *natives.run_env.values())),
    )
    found = find_data(tree, folder, [each.folder for each in parts], settings.keep, lines)
    return replace(found, run_env={**turbo_environment(tree, " ".join(texts)), **found.run_env})


def _needs(tree: Tree, settings: BuildSettings, root: Package, served: Served, manager: Manager) -> tuple[Need, ...]:
    """Node, what installs, and what scripts of the build and the start call beside."""
    node = wanted_version(tree, root, settings, "node")
    if node is None and served.package.folder:
        node = wanted_version(tree.below(served.package.folder), served.package, settings, "node")
    if node is None or (node.source.endswith("(engines.node)") and pinned_major(node.wanted) is None):
        node = wished_node(tree, manager.lock, (root, served.package), node or _node_of(manager))
    found = [node or Need(tool="node"), manager.need]
    lines = ("build", "prebuild", "postbuild", "start", "prestart", "preinstall", "postinstall", "prepare")
    for tool in ("bun", "pnpm", "yarn", "deno"):
        if tool == manager.name:
            continue
        caller = next((each for each in (root, served.package) if mentions(each, lines, tool)), None)
        if caller is not None:
            source = f"the scripts of {caller.path(caller.file)}"
            found.append(wanted_version(tree, root, settings, tool) or Need(tool=tool, source=source))
    return tuple(dict.fromkeys(found))


def _both(mine: tuple[Need, ...], others: tuple[Need, ...]) -> tuple[Need, ...]:
    """The tools of the program and of its front end, which may ask for a Node where the other does not."""
    node = next((each for each in others if each.tool == "node" and each.wanted), mine[0])
    first = mine[0] if mine[0].wanted else node
    known = {each.tool for each in mine}
    return (first, *mine[1:], *(each for each in others if each.tool not in known))


def _build_env(tree: Tree, root: Package, node: Need, served: Served, manager: Manager) -> Mapping[str, str]:
    found = {**old_webpack((root, served.package)), **served.program.build_env}
    of_scripts = build_variables(tree, (root, served.package), manager.told)
    of_runners = {**(_NX if "nx.json" in tree else {}), **turbo_environment(tree)}
    return {**of_scripts, **of_runners, **known_to(node, found)}


def _node_of(manager: Manager) -> Need | None:
    """The Node that a version of a package manager needs, where that is newer than many machines have."""
    line = (manager.name, pinned_major(manager.need.wanted) or 0)
    return Need(tool="node", wanted=_NODE_OF[line], source=f"{line[0]} {line[1]}") if line in _NODE_OF else None


def _processes(program: Program, served: Served, before: str) -> tuple[Process, ...]:
    if program.start is None or program.refusal is not None:
        return ()
    name = WEB if program.takes_requests else WORKER
    folder = "" if served.is_at_root else served.package.folder
    # What has variables before it, or several commands, is no program that a shell could become.
    is_plain = _SEVERAL.search(program.start) is None and not _VARIABLE.match(program.start)
    start = f"exec {program.start}" if before and is_plain else program.start
    start = f"cd {shlex.quote(folder)} && {start}" if folder else start
    return (Process(name=name, command=f"{before}{start}"),)


def _own_port(tree: Tree, program: Program, served: Served) -> tuple[int, str] | None:
    """The port that is in the program itself; None for a framework's own server, which reads PORT."""
    if program.start is None or not program.takes_requests or program.refusal is not None:
        return None
    return own_port(_inner(tree, served), program.start, _MAINS)


def _of_port(own: tuple[int, str] | None) -> tuple[Choice, ...]:
    return () if own is None else (Choice.of_port(*own),)


def _led(tree: Tree, served: Served) -> Served:
    """What serves, with what leads it to PORT where a variable of its own does."""
    program = served.program
    if program.start is None or not program.takes_requests or program.refusal is not None:
        return served
    inner = _inner(tree, served)
    found = led(inner, program.start, _MAINS)
    if found is None and program.ground in {Ground.SCRIPT, Ground.FILE}:
        outer = led_outside(tree, inner, program.start)
        found = outer if outer is not None and _own_port(tree, program, served) is None else None
    if found is None:
        return served
    reason = f"{program.reason}, which listens where {found[1]} says"
    return replace(served, program=replace(program, start=found[0], reason=reason))


def _inner(tree: Tree, served: Served) -> Tree:
    return tree if served.is_at_root or not served.package.folder else tree.below(served.package.folder)


def further(tree: Tree) -> frozenset[str]:
    """The files that others name: configurations that are extended, and what scripts start, with what that loads."""
    found, roots = set(node_typescript.extended(tree)), list[tuple[str, str]]()
    for name in islice(tree.matching("**/package.json"), _MOST_PACKAGES):
        folder = posixpath.dirname(name)
        try:
            package = read_package(tree, folder)
        except BuildError:
            continue
        inner = tree.below(folder) if folder else tree
        found |= {package.path(file) for file in islice(node_nodemon.configurations(package), 2)}
        found |= {package.path(file) for file in islice(shell_files(package, inner), 2)}
        line = read_start(package, inner).line
        mains = (package.text(field) for field in ("main", "module"))
        lines = (line.text if line is not None else "", *(f"node {shlex.quote(main or '.')}" for main in mains))
        first = {package.path(file): None for text in lines for file in islice(started(text, inner), 1)}
        first |= {file: None for text in lines for file in islice(begun(tree, text, folder), 2)}
        found |= first.keys()
        roots += [(file, folder) for file in first]
    return frozenset((*found, *unread(tree, roots)))


def _python(tree: Tree, manager: Manager, settings: BuildSettings) -> tuple[str, ...]:
    """What is to be said of packages of Python that the program may call, and that are not installed."""
    if _REQUIREMENTS not in tree or settings.install is not None or any(name in tree for name in _DOCUMENTS):
        return ()
    line = f"{manager.name} install && python3 -m venv .venv && .venv/bin/pip install -r {_REQUIREMENTS}"
    told = f"{_REQUIREMENTS} is for Python, and is not installed. Where the program calls Python: headway apps set APP"
    return (f"{told} --install '{line}', and call .venv/bin/python3.",)


def _site(site: Site | None, served: Served) -> Site | None:
    folder = "" if served.is_at_root else served.package.folder
    if site is None or not folder:
        return site
    return replace(site, folders=tuple(posixpath.normpath(f"{folder}/{each}") for each in site.folders))


def _path(manager: Manager, served: Served) -> tuple[str, ...]:
    if not manager.has_bins:
        return ()
    folder = "" if served.is_at_root else served.package.folder
    return (f"{folder}/{BINS}", BINS) if folder else (BINS,)


def _linked(manager: Manager) -> dict[str, str]:
    """How a later Yarn lays packages down, which it has to know when it runs a script too."""
    is_later = manager.name == "yarn" and not manager.is_classic
    return {"YARN_NODE_LINKER": manager.linker} if is_later else {}


def _choices(  # noqa: PLR0917 - one of each thing that was decided
    provider: str,
    root: Package,
    manager: Manager,
    needs: tuple[Need, ...],
    served: Served,
    natives: Natives,
    processes: Sequence[Process],
) -> tuple[Choice, ...]:
    program = served.program
    found = [Choice(name="provider", value=provider, reason=root.file), manager.choice]
    found += [
        Choice(
            name=f"versions.{need.tool}", value=need.wanted, reason=need.source, is_set=need.source == "the settings"
        )
        for need in needs
        if need.wanted
    ]
    if served.reason:
        value = served.package.folder or "."
        found.append(Choice(name="package", value=value, reason=served.reason, is_set=served.is_set))
    site = _site(program.site, served)
    if processes:
        after = "; after the migrations, by one copy at a time" if natives.before else ""
        found.append(Choice(name="start", value=processes[0].command, reason=f"{program.reason}{after}"))
    elif site is not None:
        found.append(Choice(name="publish", value=site.folders[0], reason=program.reason))
    if natives.release is not None:
        reason = "prisma/migrations: it runs before each release; the setting release takes its place"
        found.append(Choice(name="release", value=natives.release, reason=reason))
    return tuple(found)


PROVIDER: Final = Provider(name="node", reads=READS, recognise=recognise, plan=plan, further=further)
