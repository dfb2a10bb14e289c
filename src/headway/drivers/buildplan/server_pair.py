"""Two servers in one repository, a program in Python and one in Node that makes pages: which one answers is asked."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BUILD_PATH, BuildPlan, Confidence, Question
from headway.drivers.buildplan.procfile import WEB
from headway.drivers.buildplan.providers import node, python
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.node_package import PACKAGE
from headway.drivers.buildplan.providers.python_code import in_folder
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_NODE: Final = frozenset({"node", "bun"})
_OF_PAGES: Final = frozenset(
    {"Next", "Nuxt", "Nuxt 2", "SvelteKit", "Remix", "React Router", "Astro", "Qwik", "Angular", "SolidStart"}
)
_PYTHONS: Final = ("requirements.txt", "pyproject.toml", "Pipfile", "manage.py")
_ASIDE: Final = frozenset({"test", "tests", "docs", "doc", "examples", "vendor", "fixtures", "scripts", "dist", "e2e"})
_MOST: Final = 10  # folders that are looked into
# What starts both by itself, or leads from one to the other.
_BOTH: Final = re.compile(r"\b(?:concurrently|npm-run-all|run-p|uvicorn|gunicorn|fastapi|manage\.py|python3?)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    folder: str
    framework: str
    line: str


def with_question(plan: BuildPlan, tree: Tree) -> BuildPlan:
    """The plan of one of two servers, with the question which of them answers at the address; as it is where there is
    one alone.
    """
    own = _served(plan, "")
    if own is None or plan.site is not None or _runs_both(plan, tree):
        return plan
    if plan.provider == python.NAME:
        other = next(_pages(tree), None)
    elif plan.provider in _NODE and plan.framework in _OF_PAGES:
        other = next(_programs(tree), None)
    else:
        other = None
    if other is None:
        return plan
    question = _asked(plan, own, other)
    return replace(plan, confidence=Confidence.GUESSED, questions=(*plan.questions, question))


def told(tree: Tree, folders: Collection[str]) -> str:
    """How each of the two is started, where these folders hold such a pair; "" where they do not."""
    pages = next((each for each in _pages(tree) if each.folder in folders), None)
    program = next((each for each in _programs(tree) if each.folder in folders), None)
    if pages is None or program is None:
        return ""
    named = " and ".join(f"{each.framework} in {each.folder}/ ({each.line})" for each in (program, pages))
    return f"Two of them are servers, {named}: for both, make an application of each."


def _asked(plan: BuildPlan, own: _Server, other: _Server) -> Question:
    place = f"{other.folder}/" if other.folder else "the build path too"
    named = f"{own.framework} ({own.line}) and {other.framework} in {place} ({other.line})"
    if not other.folder:
        named = f"{own.framework} ({own.line}) and {other.framework} ({other.line}), both at the build path"
    means = (
        f"{own.framework} answers, and {other.framework} does not run",
        f"{other.framework} answers, and {own.framework} does not run",
    )
    text = f"There are two servers, and one answers at the address: {named}. Which is it?"
    is_built = not other.folder or any(phase.folder == other.folder for phase in plan.phases)
    if is_built:
        second = in_folder(other.folder, other.line) if other.folder else other.line
        apart = f", with --build-path {other.folder}" if other.folder else ", with the other start command"
        return Question(
            name="start",
            text=f"{text} For both, make an application of each{apart} for the second.",
            choices=(own.line, second),
            means=means,
        )
    return Question(
        name=BUILD_PATH,
        text=f"{text} For both, make an application of each; to stay with {own.framework}: --provider {plan.provider}.",
        choices=("/", f"/{other.folder}"),
        means=means,
    )


def _runs_both(plan: BuildPlan, tree: Tree) -> bool:
    """Whether what is started is for both, as far as its line and the script behind it tell."""
    if plan.provider == python.NAME:
        return len(plan.processes) > 1
    try:
        scripts = tree.json(PACKAGE).get("scripts") if PACKAGE in tree else None
    except BuildError:
        return False
    start = scripts.get("start") if isinstance(scripts, dict) else None
    lines = [*(each.command for each in plan.processes), start if isinstance(start, str) else ""]
    return any(_BOTH.search(line) for line in lines)


def _pages(tree: Tree) -> Iterator[_Server]:
    for folder in _folders(tree, (PACKAGE,)):
        found = _server(tree, folder, node.PROVIDER)
        if found is not None and found.framework in _OF_PAGES:
            yield found


def _programs(tree: Tree) -> Iterator[_Server]:
    for folder in _folders(tree, _PYTHONS):
        found = _server(tree, folder, python.PROVIDER)
        if found is not None and found.framework:
            yield found


def _folders(tree: Tree, names: tuple[str, ...]) -> list[str]:
    """The build path and folders up to two below it that have a file of one of these names, the shallowest first."""
    found = [each for above in ("", "*/", "*/*/") for name in names for each in tree.matching(f"{above}{name}")]
    folders = dict.fromkeys(posixpath.dirname(each) for each in found)
    return [each for each in folders if not _ASIDE & set(each.split("/"))][:_MOST]


def _server(tree: Tree, folder: str, provider: Provider) -> _Server | None:
    inner = tree.below(folder) if folder else tree
    try:
        is_it = folder == "" or provider.recognise(inner) is not None
        return _served(provider.plan(inner, BuildSettings()), folder) if is_it else None
    except BuildError:
        return None


def _served(plan: BuildPlan, folder: str) -> _Server | None:
    """What takes requests of a plan that starts something; None for a site, and for what nobody asks."""
    line = next((each.command for each in plan.processes if each.name == WEB), None)
    if line is None or not plan.takes_requests:
        return None
    return _Server(folder=folder, framework=plan.framework or plan.provider.capitalize(), line=line)
