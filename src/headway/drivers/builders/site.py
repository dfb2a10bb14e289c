"""Which folder of a built site is served: one that the build has written, never what was there before."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.inspection import PATH, read_inside
from headway.drivers.builders.languages.static import INDEX, ROOT
from headway.drivers.buildplan import site_rules
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase
from headway.kernel.site_rules import SiteRules

_OF_NO_BUILD = ("node_modules", ".git", ".venv", ".headway")  # installed, or Headway's own
_MOST_LINES = "20000"
_REMOVER = Path(__file__).with_name("leftover_remover.py").read_text()
_SHOWN = 5
_LONGEST_PAGE = 256 << 10


@dataclass(frozen=True, slots=True)
class Written:
    """What a build wrote, relative to the build path: the folders of all files, and those of pages (index.html)."""

    folders: frozenset[str]
    pages: frozenset[str]

    def is_in(self, folder: str, *, is_named: bool) -> bool:
        """Whether it wrote into the folder; at the build path itself, where the repository is, a page, unless the user
        has named it.
        """
        if folder == ROOT:
            return bool(self.folders) if is_named else ROOT in self.pages
        return any(each == folder or each.startswith(f"{folder}/") for each in self.folders)


async def newest_change(work: Work, workspace: Workspace, spec: BuildSpec) -> str:
    """When something in the workspace was changed last, by its file system: what a build writes is newer."""
    stages = (
        Stage(argv=("find", ".", "-printf", "%C@\\n"), account=spec.account),
        Stage(argv=("sort", "-n"), account=spec.account),
        Stage(argv=("tail", "-n", "1"), account=spec.account),
    )
    ended = await work.command("site-before", _look(stages, workspace, spec))
    return ended.output.decode(errors="replace").strip() or "0"


async def written_since(work: Work, workspace: Workspace, spec: BuildSpec, moment: str) -> Written:
    """What was written after that."""
    names = [part for name in _OF_NO_BUILD for part in ("-o", "-name", name)][1:]
    told = (
        "-type",
        "l",
        "-printf",
        "%p/\\n",
        "-o",
        "-name",
        INDEX,
        "-printf",
        "%h/index\\n",
        "-o",
        "-printf",
        "%h/\\n",
    )
    argv = ("find", ".", "(", *names, ")", "-prune", "-o", "-newerct", f"@{moment}", "(", "-type", "f", "-o", "-type")
    stages = (
        Stage(argv=(*argv, "l", ")", "(", *told, ")"), account=spec.account),
        Stage(argv=("sort", "-u"), account=spec.account),
        Stage(argv=("head", "-n", _MOST_LINES), account=spec.account),
    )
    ended = await work.command("site-after", _look(stages, workspace, spec), check=False)
    return read_written(ended.output)


def read_written(said: bytes) -> Written:
    """What a look said that was written."""
    lines = said.decode(errors="replace").splitlines()
    places = [(posixpath.normpath(line.rpartition("/")[0]), line.rpartition("/")[2]) for line in lines if "/" in line]
    return Written(frozenset(place for place, _ in places), frozenset(place for place, name in places if name))


async def rules_of(work: Work, workspace: Workspace, folder: str, spec: BuildSpec, fallback: bool | None) -> SiteRules:  # noqa: FBT001 - as the setting has it
    """How the site in a folder below the build path answers what none of its files does; what is not heeded is said.
    Raises BuildError for a file of rules that leads outside.
    """
    places = [posixpath.normpath(f"{folder}/{name}") for name in site_rules.IN_SITE]
    places += site_rules.IN_REPOSITORY
    read = [await read_inside(work.host, workspace, place) for place in places]
    names = (*site_rules.IN_SITE, *site_rules.IN_REPOSITORY)
    files = {n: data.decode(errors="replace") for n, data in zip(names, read, strict=True) if data is not None}
    for note in site_rules.unheeded(files):
        await work.say(phrase("{}", note))
    missing = await read_inside(work.host, workspace, posixpath.normpath(f"{folder}/404.html"), limit=1)
    pages = await _count_pages(work, workspace, folder, spec)
    rules = site_rules.read_rules(files, pages=pages, has_not_found=missing is not None, fallback=fallback)
    return await _with_base(work, workspace, folder, rules)


async def _with_base(work: Work, workspace: Workspace, folder: str, rules: SiteRules) -> SiteRules:
    """The rules with the path that the site was built for, which is said."""
    page = await read_inside(work.host, workspace, posixpath.normpath(f"{folder}/{INDEX}"), limit=_LONGEST_PAGE) or b""
    names = site_rules.loaded(page.decode(errors="replace"))
    places = [posixpath.normpath(f"{folder}/{name}") for name in names]
    try:
        read = [await read_inside(work.host, workspace, place, limit=1) for place in places]
    except BuildError:
        return rules  # a link that leads out is no file of the site
    found = site_rules.with_base(rules, names, {n for n, data in zip(names, read, strict=True) if data is not None})
    if found.base:
        told = "was built to lie below {}/ ({} loads /{}): it is served there, and visitors of / are sent there."
        await work.say(phrase(f"The site {told}", found.base, INDEX, names[0]))
    return found


async def _count_pages(work: Work, workspace: Workspace, folder: str, spec: BuildSpec) -> int:
    """How many pages there are; more than one is enough to know."""
    names = [part for name in _OF_NO_BUILD for part in ("-o", "-name", name)][1:]
    pages = ("-type", "f", "-name", "*.html", "-printf", "x\\n")
    stages = (
        Stage(argv=("find", f"./{folder}", "(", *names, ")", "-prune", "-o", *pages), account=spec.account),
        Stage(argv=("head", "-n", "2"), account=spec.account),
    )
    ended = await work.command("site-pages", _look(stages, workspace, spec), check=False)
    return len(ended.output.split())


async def keep_served(work: Work, workspace: Workspace, folder: str, spec: BuildSpec) -> None:
    """Removes what nobody is served: the source, and what was installed to build the site."""
    inside = posixpath.relpath(workspace.folder, workspace.root)
    argv = ("/usr/bin/python3", "-I", "-c", _REMOVER, posixpath.normpath(f"{inside}/{folder}"))
    stages = (Stage(argv=argv, account=spec.account),)
    await work.command("site-only", replace(_look(stages, workspace, spec), cwd=workspace.root), check=False)


async def published(
    work: Work, workspace: Workspace, folders: Sequence[str], written: Written | None, *, is_named: bool
) -> str:
    """The first of the folders with a page, relative to the build path, into which the build has written (None: nothing
    is built). Raises BuildError.
    """
    stale = []
    for folder in folders:
        if await read_inside(work.host, workspace, posixpath.normpath(f"{folder}/{INDEX}"), limit=1) is None:
            continue
        if written is None or written.is_in(folder, is_named=is_named):
            return folder
        stale.append(folder)
    before = f" What is in {_named(stale)} was there before it, and is not served." if stale else ""
    raise BuildError(
        f"The build left no {INDEX} in {_named(folders, last='or')}, so there is nothing to serve.{before}"
        f"{_told(written)} Set the output folder (headway apps set APP --publish FOLDER) to the one that the "
        "build writes, or, if this is "
        "no static site, the start command (headway apps set APP --start LINE) or a Procfile."
    )


def _told(written: Written | None) -> str:
    if written is None:
        return ""
    if written.pages:
        return f" It wrote {INDEX} in {_named(sorted(written.pages))}."
    tops = sorted({each.partition("/")[0] for each in written.folders})
    return f" It wrote files in {_named(tops)}." if tops else " It wrote nothing at all."


def _named(folders: Iterable[str], *, last: str = "and") -> str:
    names = ["the build path itself" if each == ROOT else f"{each[:100]}/" for each in folders]
    shown = names[:_SHOWN] + ([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN + 1 else names[_SHOWN:])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _look(stages: tuple[Stage, ...], workspace: Workspace, spec: BuildSpec) -> Command:
    return Command(
        stages=stages,
        env={"PATH": PATH, "LC_ALL": "C", "TZ": "UTC"},
        cwd=workspace.folder,
        capture=True,
        limits=spec.limits,
        step_seconds=spec.step_seconds,
    )
