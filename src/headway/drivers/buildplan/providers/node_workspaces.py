"""Workspaces: the packages of a repository, which of them serves, and how it is built among the others."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.image_stages import dockerfile, whole
from headway.drivers.buildplan.plan import Phase, Question
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.providers.node_calls import enters
from headway.drivers.buildplan.providers.node_framework import ENDINGS, Subject, folder, option
from headway.drivers.buildplan.providers.node_managers import PNPM_WORKSPACE, Manager
from headway.drivers.buildplan.providers.node_nx import default_project, nx_projects
from headway.drivers.buildplan.providers.node_package import PACKAGE, Package, read_package, texts
from headway.drivers.buildplan.providers.node_program import Ground, Program, find_program
from headway.drivers.buildplan.providers.node_scripts import called_lines, read_start
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

FILES: Final = ("lerna.json", "turbo.json", "nx.json")

_MOST: Final = 100
_NEXT = re.compile(r"^packages:\s*\n((?:[ \t]*-.*\n?|[ \t]*#.*\n?|[ \t]*\n)*)", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*+-[ \t]*+[\"']?([^\"'#\n]{1,200}?)[\"']?[ \t]*+(?:#.*)?$", re.MULTILINE)
_INLINE = re.compile(r"^packages:\s*\[([^\]\n]*)\]", re.MULTILINE)
_ASIDE = re.compile(
    r"(?:^|/|-|@)(?:e2e|examples?|playgrounds?|templates?|fixtures?|tests?|benchmarks?|starters?|demos?)(?:$|/|-)"
)
_DOCUMENTS = re.compile(r"(?:^|[/-])(?:docs?|documentation|storybook|website-docs)$")
_USUAL: Final = ("web", "app", "www", "site", "website", "frontend", "client", "main", "server", "api", "backend")
# A line that calls the start script of one package, as each manager writes it.
_RUN = r"(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?start"
_CALL = re.compile(
    rf"cd\s+(?P<place>\S+?)/?\s*&&\s*{_RUN}|(?:npm|yarn|pnpm|bun)\s+(?:--cwd|--prefix|-C|--filter|-F|--workspace|-w|"
    r"workspace)[=\s]\s*(?P<last>\S+?)/?\s+(?:run\s+)?(?P<script>start(?:[:-]prod(?:uction)?)?)|"
    r"npm\s+(?:run\s+)?start\s+(?:--workspace|-w|--prefix)[=\s]\s*(?P<end>\S+?)/?|"
    r"(?:(?:npx|pnpm|yarn|bunx)\s+)?turbo\s+(?:run\s+)?start\s+(?:--filter|-F)[=\s]\s*(?P<turbo>\S+)"
)
# What a Dockerfile installs or builds alone.
_ALONE = re.compile(
    r"(?<!\S)(?:--filter|-F|--scope)[=\s]\s*[\"']?(?P<filter>[@\w./{}-]{1,200})|\bturbo\s+prune\s+(?P<pruned>[@\w./-]{1,200})"
)
_OVER_ALL = re.compile(
    r"\b(?:turbo|nx|lerna|wsrun|ultra|moon)\b|pnpm\s.{0,200}(?:-r|--recursive|--filter)\b|"
    r"--workspaces?\b|\s-ws?\b|workspaces?\s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The package that serves and what is run of it; ``reason`` says why it is that one, ``question`` which others
    could be meant. With ``is_at_root`` its program's paths are those of the build path; with ``is_built_by_root`` the
    build script there is run, which may build what it does not depend on (the pages that it serves).
    """

    package: Package
    program: Program
    reason: str = ""
    is_set: bool = False
    is_at_root: bool = False
    is_built_by_root: bool = False
    question: Question | None = None


def read_members(tree: Tree, root: Package) -> tuple[Package, ...]:
    """The packages of the workspace, without the root; () where there is none."""
    patterns = _patterns(tree, root)
    out = [each.removeprefix("!").strip("/") for each in patterns if each.startswith("!")]
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.startswith("!") or len(pattern) > 200:
            continue
        place = posixpath.normpath(pattern.strip().removeprefix("./").rstrip("/"))
        found |= dict.fromkeys(tree.matching(PACKAGE if place == "." else f"{place}/{PACKAGE}"))
    excluded = {name for each in out for name in tree.matching(f"{each}/{PACKAGE}")}
    folders = [posixpath.dirname(name) for name in found if name not in excluded and "node_modules/" not in name]
    return tuple(read_package(tree, folder) for folder in folders if folder)[:_MOST]


def find_served(
    tree: Tree, manager: Manager, root: Package, members: Sequence[Package], settings: BuildSettings
) -> Served:
    """The package that the settings name; else the root, where it says how it is started; else the only package that
    does; else the likeliest, with a question. Raises BuildError for a package that is not there.
    """
    own = find_program(Subject(tree=tree, package=root, manager=manager))
    projects = nx_projects(tree, manager)
    wanted = posixpath.normpath((settings.package or "").strip().strip("/") or ".")
    if settings.package is not None and wanted != ".":
        return _named(_programs(tree, manager, members, projects), wanted)
    if not members and not projects:
        return Served(package=root, program=own)
    programs = _programs(tree, manager, members, projects)
    if settings.package is not None:
        return Served(package=root, program=own, reason="the setting package", is_set=True)
    at_root = next((each for each in projects if not each[0].folder), None)
    if at_root is not None and own.ground is not Ground.SCRIPT:
        return _served(at_root, "project.json at the build path")
    if own.refusal is None and own.is_said and not _is_shared(tree, root, own):
        line = own.start or root.short("start")
        called = _called(line, tree, programs)
        is_developers = called is not None and _begins_developers(tree, called[0])
        if called is not None and called[1].refusal is None and (called[1].is_said or is_developers):
            reason = own.reason if own.ground is Ground.SCRIPT else f"the start script of {root.file}"
            served = _served(_built_there(root, called), f"{reason} starts it")
            return replace(served, is_built_by_root=_OVER_ALL.search(line) is not None and root.build is not None)
        if called is None or not is_developers:
            return Served(package=root, program=own, reason="the package at the build path says how it is started")
        own = called[1]
    found = [each for each in programs if _is_candidate(tree, *each)]
    if not found:
        built = _mentioned(root.short("build"), members)
        called = next((each for each in programs if built is not None and each[0].folder == built.folder), None)
        if called is not None and called[1].framework:
            return _served(called, f"the build script of {root.file} builds it")
        return Served(package=root, program=own, reason="no package of the workspace says how it is started")
    return _likeliest(tree, root, found, settings)


def _likeliest(tree: Tree, root: Package, found: Sequence[tuple[Package, Program]], settings: BuildSettings) -> Served:
    """One of the packages that could be meant."""
    told = next((each for each in found if _is_told(each[0], settings)), None)
    if told is not None:
        return _served(told, "the settings speak of it")
    alone = {_place(each["filter"] or each["pruned"]) for each in _ALONE.finditer(whole(tree))}
    imaged = [each for each in found if alone & {each[0].folder, each[0].name}]
    if len(imaged) == 1:
        return _served(imaged[0], f"{dockerfile(tree)} has it alone")
    default = default_project(tree)
    named = next((each for each in found if default is not None and each[0].name == default), None)
    if named is not None:
        return _served(named, "defaultProject in nx.json")
    first = min(found, key=lambda each: _rank(each[0], root.short("start")))
    if len(found) == 1:
        return _served(first, "the only one that says how it is started")
    choices = tuple(sorted(package.folder for package, _ in found))
    text = "The repository holds several packages that could be started or served: which is meant?"
    question = Question(name="package", text=text, choices=choices)
    return replace(_served(first, f"one of {len(found)} packages"), question=question)


def _served(found: tuple[Package, Program], reason: str, *, is_set: bool = False) -> Served:
    package, program = found
    is_at_root = program.ground is Ground.PROJECT
    return Served(package=package, program=program, reason=reason, is_set=is_set, is_at_root=is_at_root)


def _called(
    line: str | None, tree: Tree, programs: Sequence[tuple[Package, Program]]
) -> tuple[Package, Program] | None:
    """The package whose start script a line does no more than call; one of its other scripts for a start, where that is
    the one that is started of it.
    """
    match = _CALL.fullmatch(line or "")
    if match is None:
        return None
    place = _place(match["place"] or match["last"] or match["end"] or match["turbo"])
    found = next((each for each in programs if place in {each[0].folder, each[0].name}), None)
    if found is None or match["script"] in {None, "start"}:
        return found
    said = read_start(found[0], tree.below(found[0].folder)).line
    return found if said is not None and said.script == match["script"] else None


def _place(name: str) -> str:
    """The folder or name of a package as a filter has it, without what it says of its dependencies."""
    return posixpath.normpath(name.strip("\"'{}").removesuffix("...").removesuffix("^"))


def _begins_developers(tree: Tree, package: Package) -> bool:
    """Whether the start script of a package is a developer's server, and no other is there."""
    said = read_start(package, tree.below(package.folder))
    return said.line is None and said.developer is not None


def _built_there(root: Package, found: tuple[Package, Program]) -> tuple[Package, Program]:
    """A package that is a site, with the folder that the build script of the root has it written to."""
    package, program = found
    lines = (line for line in called_lines(root, ("build",)) if enters((line,), package.folder))
    out = next((told for line in lines if (told := option(line, "--out-dir", "--outDir")) is not None), None)
    if program.site is None or out is None:
        return found
    folders = tuple(dict.fromkeys((folder(out, program.site.folders[0]), *program.site.folders)))
    return package, replace(program, site=replace(program.site, folders=folders))


def build_phases(
    tree: Tree, manager: Manager, root: Package, members: Sequence[Package], served: Served
) -> tuple[Phase, ...]:
    """The build of the package that serves: those of the workspace that it needs first."""
    package, program = served.package, served.program
    if served.is_at_root:
        return () if program.build is None else (Phase(name="build", argv=program.build),)
    if not package.folder:
        named = None if program.script else _mentioned(program.start, members)
        if named is None:
            return _own_build(manager, package, program)
        inner = find_program(Subject(tree=tree.below(named.folder), package=named, manager=manager))
        return build_phases(tree, manager, root, members, replace(served, package=named, program=inner))
    if served.is_built_by_root and root.build is not None:
        return (Phase(name="build", argv=manager.script(root.build)),)
    before: tuple[Phase, ...] = ()
    line, lines = root.short("build"), tuple(called_lines(root, ("build",)))
    if line and not _OVER_ALL.search(line):
        if any(package.folder in each or (package.name and package.name in each) for each in lines):
            return (Phase(name="build", argv=manager.script("build")),)
        before = (Phase(name="build root", argv=manager.script("build")),)
    argv = _by_runner(tree, manager, root, package, program)
    if argv is not None:
        after = tuple(Phase(name="build after", argv=each, folder=package.folder) for each in program.after)
        return (*before, Phase(name="build", argv=argv), *after)
    needed = _needed(package, members)
    builds = (
        Phase(name=f"build {each.folder}", argv=manager.script("build"), folder=each.folder)
        for each in needed
        if each.script("build")
    )
    return (*before, *builds, *_own_build(manager, package, program))


def reached(root: Package, members: Sequence[Package], served: Served) -> tuple[Package, ...]:
    """The packages that what serves is made of, it first; all of them where the root serves and names none."""
    package = served.package
    if not package.folder:
        named = _mentioned(served.program.start, members)
        if named is None:
            return (root, *members)
        package = named
    return (package, *_needed(package, members), root)


def _own_build(manager: Manager, package: Package, program: Program) -> tuple[Phase, ...]:
    argv = manager.script(program.script) if program.script is not None else program.build
    first = () if argv is None else (Phase(name="build", argv=argv, folder=package.folder),)
    return (*first, *(Phase(name="build after", argv=each, folder=package.folder) for each in program.after))


def _by_runner(
    tree: Tree, manager: Manager, root: Package, package: Package, program: Program
) -> tuple[str, ...] | None:
    """The build by what knows the order of the packages; None where nothing does."""
    name, script = package.name or f"./{package.folder}", program.script
    by_nx = root.has("nx", "@nrwl/cli", "@nrwl/workspace") and "nx.json" in tree
    if by_nx and (script == "build" or (script is None and program.build is not None)):
        return manager.program("nx", "build", _project(tree, package))
    if script is None:
        return None
    if root.has("turbo") and "turbo.json" in tree and script == "build":
        return manager.program("turbo", "run", "build", f"--filter={name}")
    if root.has("lerna") and "lerna.json" in tree and package.name:
        return manager.program("lerna", "run", script, f"--scope={package.name}", "--include-dependencies")
    if manager.name == "pnpm":
        chosen = f"{package.name}..." if package.name else f"{{{package.folder}}}..."
        return ("pnpm", "--filter", chosen, "run", script)
    return None


def _project(tree: Tree, package: Package) -> str:
    try:
        name = parse_jsonc(tree, f"{package.folder}/project.json").get("name")
    except BuildError:
        name = None
    nx = package.record("nx").get("name")
    return next((each for each in (name, nx, package.name) if isinstance(each, str) and each), package.folder)


def _patterns(tree: Tree, root: Package) -> list[str]:
    found = root.fields.get("workspaces")
    patterns = list(texts(found.get("packages") if isinstance(found, dict) else found))
    settings = tree.text(PNPM_WORKSPACE)
    if (block := _NEXT.search(settings)) is not None:
        patterns = _ITEM.findall(block[1])
    elif (inline := _INLINE.search(settings)) is not None:
        patterns = [each.strip().strip("\"'") for each in inline[1].split(",")]
    if not patterns and "lerna.json" in tree:
        patterns = list(texts(parse_jsonc(tree, "lerna.json").get("packages"))) or ["packages/*"]
    return list(dict.fromkeys(each for each in patterns if each.strip()))[:50]


def _programs(
    tree: Tree, manager: Manager, members: Sequence[Package], projects: Sequence[tuple[Package, Program]]
) -> list[tuple[Package, Program]]:
    """The packages with what is run of each; of one that is a project of Nx too, what Nx makes of it."""
    known = {package.folder for package, _ in projects}
    plain = [each for each in members if each.folder not in known]
    subjects = (Subject(tree=tree.below(each.folder), package=each, manager=manager) for each in plain)
    return [*((subject.package, find_program(subject)) for subject in subjects), *projects]


def _is_candidate(tree: Tree, package: Package, program: Program) -> bool:
    """Whether it is there to be started or served: no library, no example, and more than a main file says so."""
    if program.refusal is not None or not program.is_said or _ASIDE.search(package.folder):
        return False
    if program.ground is Ground.FILE and program.framework in {"", "TypeScript"}:
        return False
    if program.framework not in {"Vite", "Storybook"}:
        return True
    is_library = any(package.fields.get(name) for name in ("main", "module", "exports", "types"))
    texts_of = (tree.text(f"{package.folder}/vite.config.{ending}") for ending in ENDINGS)
    bundles = any(re.search(r"\blib\s*:", text) for text in texts_of)
    return not bundles and (not is_library or f"{package.folder}/index.html" in tree)


def _rank(package: Package, start: str) -> tuple[bool, int, bool, int, str]:
    """How likely it is meant: no documents, what the root's start script names first, what lies among applications,
    what has a usual name.
    """
    place = package.folder
    last = posixpath.basename(place)
    named = start.find(package.name) if package.name else -1
    usual = _USUAL.index(last) if last in _USUAL else len(_USUAL)
    return bool(_DOCUMENTS.search(place)), named if named >= 0 else len(start), "apps/" not in place, usual, place


def _is_shared(tree: Tree, root: Package, own: Program) -> bool:
    """Whether a framework at the root is there for the packages below it: it has neither a script nor files there."""
    if own.ground is not Ground.FRAMEWORK:
        return False
    stems = ("next.config", "nuxt.config", "svelte.config", "astro.config", "vite.config", "react-router.config")
    has_files = any(f"{stem}.{ending}" in tree for stem in stems for ending in ("js", "mjs", "ts", "cjs"))
    line = root.short("build")
    return not has_files and (not line or bool(_OVER_ALL.search(line))) and "index.html" not in tree


def _named(found: Sequence[tuple[Package, Program]], wanted: str) -> Served:
    """The package of that folder or name, or of the last part of either."""
    exact = (each for each in found if wanted in {each[0].folder, each[0].name})
    last = (each for each in found if wanted in {posixpath.basename(each[0].folder), each[0].name.rpartition("/")[2]})
    match = next(iter([*exact, *last]), None)
    if match is None:
        known = ", ".join(package.folder for package, _ in found[:20]) or "none"
        raise BuildError(
            f"There is no package {wanted[:100]} in the workspace (headway apps set APP --package FOLDER). There "
            f"are: {known}."
        )
    return _served(match, "the setting package", is_set=True)


def _is_told(package: Package, settings: BuildSettings) -> bool:
    """Whether a command or folder of the settings speaks of it."""
    publish = (settings.publish or "").strip().strip("/")
    return publish.startswith(f"{package.folder}/") or _mentioned(settings.start, [package]) is not None


def _mentioned(line: str | None, members: Sequence[Package]) -> Package | None:
    """The package whose folder or name stands in a command line."""
    words = set(re.split(r"[\s=&|;\"']+", line or ""))
    for member in members:
        names = {member.folder, f"./{member.folder}", member.name} - {""}
        if words & names or any(word.removeprefix("./").startswith(f"{member.folder}/") for word in words):
            return member
    return None


def _needed(package: Package, members: Sequence[Package]) -> list[Package]:
    """The packages of the workspace that a package depends on, each after those that it depends on itself."""
    by_name = {member.name: member for member in members if member.name}
    order: list[Package] = []
    seen = {package.name}

    def visit(each: Package) -> None:
        for name in sorted((*each.own, *each.developer)):
            if name in by_name and name not in seen:
                seen.add(name)
                visit(by_name[name])
                order.append(by_name[name])

    visit(package)
    return order
