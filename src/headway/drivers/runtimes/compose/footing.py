"""Whether what the paths of a compose file lead to can be exchanged for something else of the machine.

The engine follows a path as root, at every start of a container, and whoever writes in a folder can put a link to
anything in the place of what lies there. So no path leads through a folder that a container writes to; then it leads
where it led when it was looked at, also after a reboot, for as long as no other container comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.policy import Path, Use
from headway.drivers.runtimes.contract.machine import Machine
from headway.infra.hosts.guarded_files import Kind, Seen
from headway.kernel.errors import InvalidInput

_TASK = "com.docker.swarm.task.id"


class Exchangeable(InvalidInput):
    """A container could have a path lead to anything of the machine."""


def mounts_of(containers: Iterable[Container]) -> list[Path]:
    """What containers were given of the machine when they were made, whatever any file says. A swarm starts none again
    that has ended.
    """
    return [
        Path(
            path=str(mount["Source"]),
            use=Use.MOUNT,
            where=f"a mount of {container.service} as it was made",
            writable=bool(mount.get("RW", True)),
        )
        for container in containers
        for mount in container.mounts
        if mount.get("Type") == "bind" and (container.runs or _TASK not in container.labels)
    ]


async def look(machine: Machine, folder: str, paths: Iterable[str]) -> dict[str, Seen]:
    """What there is at the paths, by path."""
    asked = sorted(set(paths))
    return dict(zip(asked, await machine.look_beneath(folder, asked), strict=True))


def objections(asked: Sequence[Path], beside: Sequence[Path], seen: Mapping[str, Seen], folder: str) -> Iterator[str]:
    """What of the paths could be exchanged, each as the end of the sentence "The compose file …": by what is asked for
    itself, or by the containers ``beside``, whose own paths it could exchange in turn. Only what lies below the
    ``folder`` counts: who has more of the machine needs no link.
    """
    own = [each for each in asked if _is_below(folder, each)]
    others = [each for each in beside if _is_below(folder, each)]
    for inner in own:
        for outer in _written(own, others):
            if _leads_through(inner, outer, seen):
                yield (
                    f"uses {inner.path} ({inner.where}), which lies within {outer.path}, a folder that a container "
                    f"writes to ({outer.where}), who could put a link to anything in its place"
                )
                break
    for inner in others:
        for outer in _written(own):
            if _leads_through(inner, outer, seen):
                yield (
                    f"lets a container write to {outer.path} ({outer.where}), within which lies {inner.path} "
                    f"({inner.where}), in whose place it could put a link to anything"
                )
                break


def within(paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Each path with the writable mount that it lies in, as far as their names tell."""
    return [
        (inner, outer)
        for inner in paths
        for outer in _written(paths)
        if inner.path.startswith(outer.path.rstrip("/") + "/")
    ]


async def require(machine: Machine, folder: str, asked: Sequence[Path], beside: Sequence[Path]) -> None:
    """Returns where each path below the folder leads to something in it for good. Raises Exchangeable."""
    own = [each for each in asked if _is_below(folder, each)]
    if not own:
        return
    seen = await look(machine, folder, (each.path for each in (*own, *beside)))
    found = [
        f"uses {each.path} ({each.where}), which a symbolic link leads out of its files"
        for each in own
        if seen[each.path].kind is Kind.OUTSIDE
    ]
    ways = [WAY_OUT] if found else [*_read_only(own, beside, seen, folder), WAY_OUT]
    found += objections(own, beside, seen, folder)
    if found:
        told = f"The compose file {'; it '.join(found)}. {' '.join(ways)}"
        raise Exchangeable(told.replace(f"{folder}/", "../"))


WAY_OUT = (
    "Give such containers the same folder, or folders beside each other; where it is a container of before, deploy "
    "once without that mount, and wait until it has ended."
)


def _read_only(asked: Sequence[Path], beside: Sequence[Path], seen: Mapping[str, Seen], folder: str) -> Iterator[str]:
    """The way out of a container that writes to the files that it is built of, as while it is being developed: where
    nothing is wrong any more once such mounts are read only.
    """
    files = [each for each in asked if each.use is not Use.MOUNT]
    over = [outer for outer in _written(asked) if any(_leads_through(inner, outer, seen) for inner in files)]
    bare = [replace(each, writable=False) if each in over else each for each in asked]
    if over and not any(objections(bare, beside, seen, folder)):
        shown = " and ".join(sorted({f"{each.where} of {each.path}" for each in over}))
        yield (
            f"Make {shown} read only (:ro behind its line in volumes), or leave it out where the image has these files "
            "itself. Else:"
        )


def _written(*paths: Sequence[Path]) -> Iterator[Path]:
    return (each for some in paths for each in some if each.use is Use.MOUNT and each.writable)


def _leads_through(inner: Path, outer: Path, seen: Mapping[str, Seen]) -> bool:
    """Whether a name on the way to a path is looked up in a folder that is written to, or below it."""
    if inner.path.startswith(outer.path.rstrip("/") + "/"):
        return True
    written = seen[outer.path]
    return written.kind is Kind.FOLDER and written.itself in seen[inner.path].folders


def _is_below(folder: str, each: Path) -> bool:
    return each.path.startswith(f"{folder}/")
