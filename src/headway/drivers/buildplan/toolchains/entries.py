"""Makes versions in the store: beside their names first, and under them once all is on the disk."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.toolchains.inventory import ENV, PYTHON, Installed
from headway.drivers.buildplan.toolchains.store import UNDO, Store
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.infra.hosts.command import Account, Command, Stage, command
from headway.infra.hosts.work import Work
from headway.kernel.errors import Conflict
from headway.kernel.failures.explanation import on_own_threads, told
from headway.kernel.failures.rule import Phase

MADE = ".made"
USED = ".used"
_CHECK_SECONDS = 60.0
_MERGED = ("/bin/sh", "-c", 'exec "$@" 2>&1', "try")
RELOCATION = Path(__file__).with_name("relocation_script.py").read_text()
# Of what somebody else's version manager has installed, that which is the language and no package that was added to it.
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "python": (
        *("./bin/[!p]*", "./bin/p[!y]*", "./bin/py[!t]*", "./bin/pyt[!h]*", "./share"),
        *("./lib/python*/site-packages/*", "./lib/python*/test", "./lib/python*/config-*/*.a"),
    ),
    "node": ("./bin/[!n]*", "./bin/n[!o]*", "./lib", "./share"),
    "bun": ("./[!b]*", "./bin/[!b]*"),
    "deno": ("./[!b]*", "./bin/[!d]*"),
}


async def link(work: Work, store: Store, installed: Installed) -> None:
    """An entry that points at what the machine has, under the version that it has now."""
    tool, version = installed.tool, installed.version
    async with store.turns.of(work.host.host_id, tool, version):
        there = await _note(work, store, tool, version)
        if there is not None and (there["attempt"] == store.attempt or not there["links"]):
            return
        beside = await begin(work, store, tool, version, owner=None)
        stage = Stage(argv=("tar", "--extract", "--file=-", "--no-same-owner"))
        made = Command(stages=(stage,), env=ENV, cwd=beside, stdin=_links(installed.programs), step_seconds=60)
        await work.command(f"link {tool} {version}", made)
        await place(work, store, tool, version, links=True)


async def copy(work: Work, store: Store, installed: Installed) -> None:
    """An entry with a copy of what a version manager has where no other account gets at it, such as root's home. What
    is read there is root's; only the language itself is copied, no package that was added to it.
    """
    tool, version = installed.tool, installed.version
    async with store.turns.of(work.host.host_id, tool, version):
        if await is_there(work, store, tool, version):
            return
        beside = await begin(work, store, tool, version, owner=store.account)
        without = (f"--exclude={each}" for each in _LEFT_OUT.get(tool, ()))
        read = ("tar", "--create", "--file=-", f"--directory={installed.prefix}", *without, ".")
        write = ("tar", "--extract", "--file=-", "--no-same-owner", f"--directory={beside}")
        stages = (Stage(argv=read), Stage(argv=write, account=store.account))
        copying = Command(stages=stages, env=ENV, limits=store.limits, step_seconds=store.step_seconds)
        await work.command(f"copy {tool} {version}", copying)
        if tool == "python":
            words = (RELOCATION, installed.prefix, beside, store.entry(tool, version))
            moved = Stage(argv=(PYTHON, "-I", "-c", *words), account=store.account)
            await work.command(f"move {tool} {version}", Command(stages=(moved,), env=ENV, limits=store.limits))
        await finish(work, store, tool, version, argv=("--version",))


async def begin(work: Work, store: Store, tool: str, version: str, *, owner: Account | None) -> str:
    """A folder in which this run makes a version, and which goes with the run where that fails. It is not emptied: a
    run that goes on after a crash of the panel has its commands' results there, and starts none of them again.
    """
    beside = store.beside(tool, version)
    await work.undo(UNDO, {"host_id": work.host.host_id, "folder": beside})
    await work.host.make_folder(f"{store.folder}/{tool}", mode=0o755)
    await work.host.make_folder(beside, owner=owner, mode=0o755)
    return beside


async def finish(work: Work, store: Store, tool: str, version: str, *, argv: Sequence[str]) -> None:
    """Seals what was fetched, has it say its version once (``argv``), and gives it its name. Raises BuildError for a
    program that does not run on this machine.
    """
    beside = store.beside(tool, version)
    await work.command(f"seal {tool} {version}", seal(store, beside))
    if argv:
        trying = command(
            *_MERGED,
            *(f"{beside}/bin/{TOOLS[tool].programs[0]}", *argv),
            account=store.account,
            env={**ENV, "HOME": "/nonexistent", "GOTOOLCHAIN": "local"},
            capture=True,
            limits=replace(store.limits, memory_bytes=None),
            step_seconds=_CHECK_SECONDS,
        )
        ended = await work.command(f"try {tool} {version}", trying, check=False)
        if not ended.succeeded:
            await work.host.remove_tree(beside)
            output = ended.output.decode(errors="replace").strip()
            await work.say(output)
            said = await on_own_threads(lambda: told(output, Phase.BUILD))
            raise BuildError(
                f"{TOOLS[tool].label} {version} does not run on this machine; the log has what it says."
                f"{said.advice or ' Ask for an older version, or use a newer system.'}"
            )
    await place(work, store, tool, version)


def seal(store: Store, folder: str) -> Command:
    """Makes what was fetched root's, to be read and started by all and changed by nobody. The account that fetched
    opens the modes, so that nothing but its own files changes; then what it owns is root's.
    """
    modes = Stage(argv=("chmod", "-R", "u=rwX,go=rX,ug-s,o-t", "--", folder), account=store.account)
    stages: tuple[Stage, ...] = (modes,)
    if store.account is not None:
        owner = f"--from={store.account.uid}"
        stages = (modes, Stage(argv=("xargs", "chown", "-R", "-h", "-P", owner, "0:0", "--", folder)))
    return Command(stages=stages, env=ENV, step_seconds=store.step_seconds)


async def place(work: Work, store: Store, tool: str, version: str, *, links: bool = False) -> None:
    """Gives it its name. What has the name already and only points elsewhere makes way; a version of its own stays."""
    beside, entry = store.beside(tool, version), store.entry(tool, version)
    note = json.dumps({"attempt": store.attempt, "links": links}).encode()
    await work.host.write_file(f"{beside}/{MADE}", note, mode=0o644)
    await work.host.sync(store.folder)
    async with work.fence():
        there = await _note(work, store, tool, version)
        if there is not None and there["links"]:
            await work.host.remove_tree(entry)
        try:
            await work.host.rename(beside, entry)
        except Conflict:  # another run has made it meanwhile
            await work.host.remove_tree(beside)


async def note_use(work: Work, store: Store, tool: str, version: str) -> bool:
    """Notes that a version is used, so that it is not cleaned away; False where it is gone by now."""
    async with store.turns.of(work.host.host_id, tool, version):
        if await _note(work, store, tool, version) is None:
            return False
        await work.host.write_file(f"{store.entry(tool, version)}/{USED}", b"", mode=0o644, lasting=False)
        return True


async def is_there(work: Work, store: Store, tool: str, version: str) -> bool:
    """Whether the store has a version of its own by now: another run may have made it while this one waited."""
    there = await _note(work, store, tool, version)
    return there is not None and not there["links"]


async def _note(work: Work, store: Store, tool: str, version: str) -> dict[str, Any] | None:
    """What was written down of an entry when it was made, None where there is none."""
    data = await work.host.read_file(f"{store.entry(tool, version)}/{MADE}", limit=4096)
    return None if data is None else json.loads(data)


def _links(programs: Mapping[str, str]) -> bytes:
    """An archive of a folder of links."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        folder = tarfile.TarInfo("bin")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name, target in programs.items():
            one = tarfile.TarInfo(f"bin/{name}")
            one.type, one.linkname = tarfile.SYMTYPE, target
            archive.addfile(one)
    return data.getvalue()
