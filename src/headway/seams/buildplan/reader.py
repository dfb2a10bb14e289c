"""Looks at the files of a workspace as far as detection needs it; nothing is read from outside of it."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from headway.infra.hosts.base import LeadsOutside
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.seams.builders.base import BuildError
from headway.seams.buildplan.tree import Tree

MOST_NAMES: Final = 20_000
DEEPEST: Final = 8
LARGEST: Final = 256 << 10
LARGEST_LOCK: Final = 64 << 10
MOST_FILES: Final = 200
MOST_BYTES: Final = 8 << 20

_SHALLOW: Final = 2  # of which all names are known, however many there are further below
_MOST_OUTPUT: Final = "1000000"
_MOST_LINKS: Final = 100
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
PRUNED: Final = (".git", "node_modules", ".venv", "venv", "__pycache__", "site-packages", ".tox", ".headway", ".hg")
_LOCKS: Final = frozenset(
    {
        *("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "deno.lock"),
        *("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "go.sum", "go.work.sum"),
    }
)
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file or a link (``target``: where it leads) by its path below the build path, and how long it is."""

    name: str
    size: int
    target: str | None


async def read_tree(
    work: Work,
    workspace: Workspace,
    reads: Sequence[str],
    *,
    account: Account | None,
    limits: Limits,
    step_seconds: float | None = None,
) -> Tree:
    """The names of the files below the build path, listed by the build account, and the contents of those that match
    ``reads``, within bounds. Raises BuildError for one of those that leads out of the workspace by a symbolic link.
    """

    async def listed(name: str, *depths: str) -> tuple[list[_Entry], bool]:
        command = Command(
            stages=tuple(Stage(argv=argv, account=account) for argv in _listing(depths)),
            env={"PATH": _PATH, "LC_ALL": "C"},
            cwd=workspace.folder,
            capture=True,
            limits=limits,
            step_seconds=step_seconds,
        )
        return _entries((await work.command(name, command, check=False)).output)

    entries, is_cut = await listed("look")
    if is_cut:
        near, _ = await listed("look-near", "-maxdepth", str(_SHALLOW))
        entries = [*near, *(each for each in entries if each.name.count("/") >= _SHALLOW)]
    entries, is_more = _bounded(entries)
    links = {each.name: each.target for each in entries if each.target is not None}
    _require_inside(links, workspace, reads)
    names = frozenset((*(each.name for each in entries), *_aliases(entries, links)))
    sizes = {each.name: each.size for each in entries if each.target is None}
    wanted = await asyncio.to_thread(chosen, names, sizes, reads)  # of a large tree it takes a second
    contents = await _contents(work, workspace, wanted)
    return Tree(names=names, contents=contents, is_cut=is_cut or is_more)


def chosen(names: Collection[str], sizes: dict[str, int], reads: Sequence[str]) -> list[str]:
    """The names whose contents are read: those that are asked for by their whole name, then those of patterns, the
    shallowest first, until there are enough.
    """
    tree = Tree(names=frozenset(names))
    plain = [name for name in reads if not _WILD & set(name) and name in names]
    found = {name for pattern in reads if _WILD & set(pattern) for name in tree.matching(pattern)}
    taken, left = list[str](), MOST_BYTES
    for name in dict.fromkeys((*plain, *sorted(found, key=lambda each: (each.count("/"), each)))):
        cost = min(sizes.get(name, LARGEST), _limit(name))
        if len(taken) == MOST_FILES:
            break
        if cost <= left:
            taken.append(name)
            left -= cost
    return taken


def _listing(depths: Iterable[str]) -> Iterator[tuple[str, ...]]:
    pruned = [part for name in PRUNED for part in ("-o", "-name", name)][1:]
    told = ("-type", "f", "-o", "-type", "l")
    depth = () if depths else ("-maxdepth", str(DEEPEST))
    yield (
        *("find", ".", *depths, *depth, "(", "-type", "d", "(", *pruned, ")", ")", "-prune", "-o", "(", *told, ")"),
        *("-printf", r"%s %P\0%l\0"),
    )
    yield ("head", "-c", _MOST_OUTPUT)


def _entries(output: bytes) -> tuple[list[_Entry], bool]:
    """What was listed, and whether the list was cut."""
    parts = output.split(b"\0")
    found = []
    for told, target in zip(parts[0:-1:2], parts[1:-1:2], strict=False):
        size, _, name = told.decode(errors="replace").partition(" ")
        if size.isdecimal() and name:
            found.append(_Entry(name, int(size), target.decode(errors="replace") or None))
    return found, len(output) >= int(_MOST_OUTPUT)


def _bounded(entries: list[_Entry]) -> tuple[list[_Entry], bool]:
    ordered = sorted(entries, key=lambda each: (each.name.count("/"), each.name))
    return ordered[:MOST_NAMES], len(ordered) > MOST_NAMES


def _require_inside(links: dict[str, str], workspace: Workspace, reads: Sequence[str]) -> None:
    """Raises BuildError for a link out of the workspace that would be looked at, or behind which something would."""
    above = posixpath.relpath(workspace.folder, workspace.root).split("/")
    depth = 0 if above == ["."] else len(above)
    for name, target in links.items():
        led = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        is_out = target.startswith("/") or led.split("/")[: depth + 1] == [".."] * (depth + 1)
        one = Tree(names=frozenset((name,)))
        if is_out and any(one.matching(each) or each.startswith(f"{name}/") for each in reads):
            raise _leads_out(name)


def _leads_out(name: str) -> BuildError:
    return BuildError(
        f"{name} is a symbolic link that leads out of the repository, and is not read. Put the file itself there."
    )


def _aliases(entries: Sequence[_Entry], links: dict[str, str]) -> Iterator[str]:
    """The files that are seen through links to folders of the same tree."""
    for name, target in list(links.items())[:_MOST_LINKS]:
        led = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if target.startswith("/") or led in {"", "."} or led.startswith("..") or name.startswith(f"{led}/"):
            continue
        behind = (each.name.removeprefix(f"{led}/") for each in entries if each.name.startswith(f"{led}/"))
        yield from (f"{name}/{each}" for _, each in zip(range(1_000), behind, strict=False))


async def _contents(work: Work, workspace: Workspace, names: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for limit in (LARGEST, LARGEST_LOCK):
        mine = [name for name in names if _limit(name) == limit]
        paths = [f"{workspace.folder}/{name}" for name in mine]
        try:
            data = await work.host.read_files(paths, limit, below=workspace.root) if paths else []
        except LeadsOutside as error:
            raise _leads_out(error.path.removeprefix(f"{workspace.folder}/")) from error
        found |= {name: each for name, each in zip(mine, data, strict=True) if each is not None}
    return {name: found[name] for name in names if name in found}


def _limit(name: str) -> int:
    return LARGEST_LOCK if posixpath.basename(name) in _LOCKS else LARGEST
