"""Looks at a workspace and its host for what tells how an application is built; nothing is read from outside of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headway.infra.hosts.base import Host, LeadsOutside
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.seams.builders import detect
from headway.seams.builders.base import BuildError, BuildSpec
from headway.seams.builders.languages import node, node_locks
from headway.seams.builders.plan import Listing

PATH = "/usr/local/bin:/usr/bin:/bin"

_LARGEST = 256 * 1024
_LARGEST_LOCK = 16 << 20


async def read_listing(work: Work, workspace: Workspace, spec: BuildSpec) -> Listing:
    """The files that tell what an application is, and the programs of the host that would build it. Raises BuildError
    for a file that leads out of the workspace by a symbolic link.
    """
    files = await _read_all(work.host, workspace, detect.FILES)
    if node.PACKAGE not in files:
        return Listing(files=files)
    main = node.main_file(Listing(files=files))
    if main is not None and ".." not in main.split("/"):
        files |= await _read_all(work.host, workspace, [main], limit=1)
    return Listing(files=files, programs=await _programs(work, spec))


async def read_inside(host: Host, workspace: Workspace, name: str, limit: int = _LARGEST) -> bytes | None:
    """At most ``limit`` bytes of a file at the build path, None where there is none. Raises BuildError."""
    try:
        return await host.read_file(f"{workspace.folder}/{name}", limit, below=workspace.root)
    except LeadsOutside as error:
        raise BuildError(
            f"{name} is a symbolic link that leads out of the repository, and is not read. Put the file itself there."
        ) from error


async def is_there(host: Host, program: str, path: str = PATH) -> bool:
    """Whether the host has a program in one of the folders of a PATH."""
    folders = [folder for folder in path.split(":") if folder.startswith("/")]
    return any([await host.read_file(f"{folder}/{program}", limit=1) is not None for folder in folders])


async def _read_all(
    host: Host, workspace: Workspace, names: Sequence[str], limit: int | None = None
) -> dict[str, bytes]:
    limits = [limit or (_LARGEST_LOCK if name in node_locks.FILES else _LARGEST) for name in names]
    reads = (read_inside(host, workspace, name, most) for name, most in zip(names, limits, strict=True))
    contents = await asyncio.gather(*reads)
    return {name: data for name, data in zip(names, contents, strict=True) if data is not None}


async def _programs(work: Work, spec: BuildSpec) -> dict[str, str]:
    found = {name: "" for name in node.PROGRAMS if await is_there(work.host, name, _path(spec))}
    if "node" in found:
        stage = Stage(argv=("node", "--version"), account=spec.account)
        command = Command(stages=(stage,), env={"PATH": _path(spec)}, capture=True, step_seconds=30)
        ended = await work.command("node-version", command, check=False)
        if not ended.succeeded:
            return {}
        found["node"] = ended.output.decode(errors="replace").strip()
    return found


def _path(spec: BuildSpec) -> str:
    own = spec.variables.get("PATH")
    return (own.reveal() if own else "") or PATH
