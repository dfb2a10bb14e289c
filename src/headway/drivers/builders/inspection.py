"""Looks at a workspace and its host for what tells how an application is built; nothing is read from outside of it."""

from __future__ import annotations

from collections.abc import Sequence

from headway.drivers.builders import first_rules
from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.languages import node, node_locks
from headway.drivers.builders.plan import Listing
from headway.infra.hosts.base import Host, LeadsOutside
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace

PATH = "/usr/local/bin:/usr/bin:/bin"

_LARGEST = 256 * 1024
_LARGEST_LOCK = 16 << 20


async def read_listing(work: Work, workspace: Workspace, spec: BuildSpec) -> Listing:
    """The files that tell what an application is, and the programs of the host that would build it. Raises BuildError
    for a file that leads out of the workspace by a symbolic link.
    """
    small = [name for name in first_rules.FILES if name not in node_locks.FILES]
    files = await _read_all(work.host, workspace, small, _LARGEST)
    if node.PACKAGE not in files:
        return Listing(files=files)
    files |= await _read_all(work.host, workspace, node_locks.FILES, _LARGEST_LOCK)
    main = node.main_file(Listing(files=files))
    if main is not None and ".." not in main.split("/"):
        files |= await _read_all(work.host, workspace, [main], limit=1)
    return Listing(files=files, programs=await _programs(work, spec))


async def read_inside(host: Host, workspace: Workspace, name: str, limit: int = _LARGEST) -> bytes | None:
    """At most ``limit`` bytes of a file at the build path, None where there is none. Raises BuildError."""
    return (await _read_all(host, workspace, [name], limit)).get(name)


async def is_there(host: Host, program: str) -> bool:
    """Whether the host has a program in one of the folders of a PATH."""
    return bool(await _those_there(host, [program], PATH))


async def _those_there(host: Host, programs: Sequence[str], path: str) -> list[str]:
    folders = [folder for folder in path.split(":") if folder.startswith("/")]
    places = [(program, f"{folder}/{program}") for program in programs for folder in folders]
    found = await host.read_files([place for _, place in places], limit=1)
    return list(dict.fromkeys(program for (program, _), byte in zip(places, found, strict=True) if byte is not None))


async def _read_all(host: Host, workspace: Workspace, names: Sequence[str], limit: int) -> dict[str, bytes]:
    try:
        found = await host.read_files([f"{workspace.folder}/{name}" for name in names], limit, below=workspace.root)
    except LeadsOutside as error:
        name = error.path.removeprefix(f"{workspace.folder}/")
        raise BuildError(
            f"{name} is a symbolic link that leads out of the repository, and is not read. Put the file itself there."
        ) from error
    return {name: data for name, data in zip(names, found, strict=True) if data is not None}


async def _programs(work: Work, spec: BuildSpec) -> dict[str, str]:
    found = dict.fromkeys(await _those_there(work.host, node.PROGRAMS, _path(spec)), "")
    # A look is nobody's turn, and another deployment may be closing what its build left: nothing runs that users chose.
    if "node" in found and _path(spec) == PATH:
        stage = Stage(argv=("node", "--version"), account=spec.account)
        command = Command(stages=(stage,), env={"PATH": PATH}, limits=spec.limits, capture=True, step_seconds=30)
        ended = await work.command("node-version", command, check=False)
        if not ended.succeeded:
            return {}
        found["node"] = ended.output.decode(errors="replace").strip()
    return found


def _path(spec: BuildSpec) -> str:
    own = spec.variables.get("PATH")
    return (own.reveal() if own else "") or PATH
