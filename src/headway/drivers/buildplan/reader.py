"""Looks at the files of a workspace as far as detection needs it; nothing is read from outside of it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.tree import Tree
from headway.infra.hosts.base import LeadsOutside
from headway.infra.hosts.file_listing import Listed, Listing
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.own_threads import OwnThreads, TookTooLong

MOST_NAMES: Final = 20_000
DEEPEST: Final = 8
LARGEST: Final = 256 << 10
LARGEST_LOCK: Final = 64 << 10
LARGEST_TOLD: Final = 3 << 20
MOST_FILES: Final = 200
MOST_BYTES: Final = 8 << 20
MOST_FURTHER: Final = 40
MOST_BYTES_IN_ALL: Final = 12 << 20

_MOST_LINKS: Final = 100
_MOST_ROUNDS: Final = 4
PRUNED: Final = (".git", "node_modules", ".venv", "venv", "__pycache__", "site-packages", ".tox", ".headway", ".hg")
_LOCKS: Final = frozenset(
    {
        *(
            "bun.lock",
            "deno.lock",
            "uv.lock",
            "poetry.lock",
            "pdm.lock",
            "Pipfile.lock",
            "pylock.toml",
            "go.sum",
            "go.work.sum",
        ),
    }
)
# Those that say of each package which Node it asks for, or what it asks for, beside what is at their head.
_TOLD: Final = frozenset({"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"})
_WILD: Final = frozenset("*?[")
# The largest trees take a few seconds of a processor.
THREADS: Final = OwnThreads(2, "detection", seconds=30.0)
T = TypeVar("T")


def refers_to_none(tree: Tree) -> Collection[str]:  # noqa: ARG001 - as those of detection
    """No further file."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What is known of a tree by its list: the names with their ``sizes``, of which some are ``links`` and what those
    say, and the names of those that are read.
    """

    names: frozenset[str]
    sizes: Mapping[str, int]
    links: dict[str, str]
    wanted: Sequence[str]
    is_cut: bool


async def read_tree(
    work: Work,
    workspace: Workspace,
    reads: Sequence[str],
    further: Callable[[Tree], Collection[str]] = refers_to_none,
    threads: OwnThreads = THREADS,
) -> Tree:
    """The names of the files below the build path, and the contents of those that match ``reads``, and of those that
    these refer to by ``further``, within bounds. Raises BuildError for one of those that leads out of the workspace by
    a symbolic link.
    """
    listing = await work.host.list_files(workspace.folder, without=PRUNED, deepest=DEEPEST)
    named = await on_own_threads(partial(_named, listing, workspace, reads), threads)
    tree = Tree(names=named.names, contents=await _contents(work, workspace, named.wanted), is_cut=named.is_cut)
    for _ in range(_MOST_ROUNDS):  # what one of these says may name another
        more = await on_own_threads(partial(_more, tree, named, workspace, further), threads)
        if not more:
            break
        tree = replace(tree, contents={**tree.contents, **await _contents(work, workspace, more)})
    return tree


async def on_own_threads(work: Callable[[], T], threads: OwnThreads = THREADS) -> T:
    """What goes through a tenant's files, in threads that nothing else of the panel waits for. Raises BuildError where
    that takes too long.
    """
    try:
        return await threads.run(work)
    except TookTooLong as error:
        raise BuildError(
            f"Looking through this repository took more than {threads.seconds:g} seconds of a processor and was given "
            "up, so nothing says how it is built. Name the folder of the application (headway deploy --build-path "
            "FOLDER), or have it built by a Dockerfile (headway apps set APP --builder dockerfile)."
        ) from error


def _named(listing: Listing, workspace: Workspace, reads: Sequence[str]) -> _Named:
    entries, is_more = _bounded(listing.files)
    links = {each.name: each.target for each in entries if each.target is not None}
    _require_inside(links, workspace, reads)
    names = frozenset((*(each.name for each in entries), *_aliases(entries, links)))
    sizes = {each.name: each.size for each in entries if each.target is None}
    wanted = chosen(names, sizes, reads)
    return _Named(names=names, sizes=sizes, links=links, wanted=wanted, is_cut=listing.is_cut or is_more)


def _more(tree: Tree, named: _Named, workspace: Workspace, further: Callable[[Tree], Collection[str]]) -> Sequence[str]:
    more = chosen_further(tree, further(tree), len(named.wanted), named.sizes)
    _require_inside(named.links, workspace, more)
    return more


def chosen_further(tree: Tree, named: Collection[str], first: int, sizes: Mapping[str, int]) -> list[str]:
    """Those of the names that files refer to which are read too, where ``first`` files were read before any of them."""
    left = max(first + MOST_FURTHER - len(tree.contents), 0)
    bytes_left = MOST_BYTES_IN_ALL - sum(len(data) for data in tree.contents.values())
    taken = list[str]()
    for name in sorted(name for name in named if name in tree.names and name not in tree.contents):
        cost = _cost(name, sizes)
        if len(taken) < left and cost <= bytes_left:
            taken.append(name)
            bytes_left -= cost
    return taken


def chosen(names: Collection[str], sizes: dict[str, int], reads: Sequence[str]) -> list[str]:
    """The names whose contents are read: those that are asked for by their whole name, then those of patterns, the
    shallowest first, until there are enough.
    """
    tree = Tree(names=frozenset(names))
    plain = [name for name in reads if not _WILD & set(name) and name in names]
    found = {name for pattern in reads if _WILD & set(pattern) for name in tree.matching(pattern)}
    taken, left = list[str](), MOST_BYTES
    for name in dict.fromkeys((*plain, *sorted(found, key=lambda each: (each.count("/"), each)))):
        cost = _cost(name, sizes)
        if len(taken) == MOST_FILES:
            break
        if cost <= left:
            taken.append(name)
            left -= cost
    return taken


def limit_of(name: str) -> int:
    """How many bytes of a file are read."""
    base = posixpath.basename(name)
    return LARGEST_TOLD if base in _TOLD else LARGEST_LOCK if base in _LOCKS else LARGEST


def _cost(name: str, sizes: Mapping[str, int]) -> int:
    return min(sizes.get(name, LARGEST), limit_of(name))


def _bounded(entries: Sequence[Listed]) -> tuple[list[Listed], bool]:
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


def _aliases(entries: Sequence[Listed], links: dict[str, str]) -> Iterator[str]:
    """The files that are seen through links to folders of the same tree."""
    for name, target in list(links.items())[:_MOST_LINKS]:
        led = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if target.startswith("/") or led in {"", "."} or led.startswith("..") or name.startswith(f"{led}/"):
            continue
        behind = (each.name.removeprefix(f"{led}/") for each in entries if each.name.startswith(f"{led}/"))
        yield from (f"{name}/{each}" for _, each in zip(range(1_000), behind, strict=False))


async def _contents(work: Work, workspace: Workspace, names: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for limit in (LARGEST, LARGEST_LOCK, LARGEST_TOLD):
        mine = [name for name in names if limit_of(name) == limit]
        paths = [f"{workspace.folder}/{name}" for name in mine]
        try:
            data = await work.host.read_files(paths, limit, below=workspace.root) if paths else []
        except LeadsOutside as error:
            raise _leads_out(error.path.removeprefix(f"{workspace.folder}/")) from error
        found |= {name: each for name, each in zip(mine, data, strict=True) if each is not None}
    return {name: found[name] for name in names if name in found}
