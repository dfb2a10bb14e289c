"""What a host has of the tools that are needed: its own, those of version managers, and those in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.toolchains.store import Store
from headway.drivers.buildplan.toolchains.tools import TOOLS, Tool
from headway.drivers.buildplan.toolchains.version_requests import VersionRequest, sort_key
from headway.infra.hosts.command import Account, command
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass

PYTHON = "/usr/bin/python3"
ENV: Mapping[str, str] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
SCRIPT = Path(__file__).with_name("inventory_script.py").read_text()
_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A version that the machine has by itself. ``programs`` are absolute, by the names that they shall have;
    ``is_open`` says whether every account may start them, ``is_first`` whether its PATH has this one; ``label`` is who
    installed it and ``prefix`` where.
    """

    tool: str
    version: str
    label: str
    prefix: str
    programs: Mapping[str, str]
    is_open: bool
    is_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A version in the store; ``links`` are its programs where they are the machine's, None for one of its own.
    ``idle`` is how long ago a build was last noted to use it, in seconds.
    """

    tool: str
    version: str
    links: Mapping[str, str] | None = None
    idle: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What there is, and the machine that it is for: its processor (``x86_64``), whether that has AVX2, and whether its
    C library is glibc.
    """

    machine: str
    has_glibc: bool
    has_avx2: bool
    found: tuple[Installed, ...]
    kept: tuple[Kept, ...]

    def of(self, tool: str) -> list[Installed]:
        """What the machine has of a tool, the one that its PATH has first, then the newest first."""
        mine = [each for each in self.found if each.tool == tool and sort_key(TOOLS[tool].form, each.version)]
        mine.sort(key=lambda each: (sort_key(TOOLS[tool].form, each.version), each.is_open), reverse=True)
        return sorted(mine, key=lambda each: not each.is_first)

    def has(self, tool: str, version: str) -> Kept | None:
        """The version in the store, None where it is not there or has come to point at something else."""
        kept = next((each for each in self.kept if (each.tool, each.version) == (tool, version)), None)
        if kept is None or kept.links is None:
            return kept
        same = [each for each in self.of(tool) if each.version == version and dict(each.programs) == dict(kept.links)]
        return kept if same else None


def choose(wish: VersionRequest, inventory: Inventory) -> Installed | None:
    """What the machine itself has of what is asked for: the one on its PATH where that will do, else the newest."""
    return next((each for each in inventory.of(wish.need.tool) if wish.holds(each.version)), None)


async def look(work: Work, store: Store, tools: Sequence[str]) -> Inventory:
    """Looks at the host of the run, or remembers it. Raises BuildError where it has no Python to look with."""
    asked = question(tools, store=store.folder, roots=store.roots, account=store.account)
    known = await store.memory.recall(work.host, asked)
    if known is not None:
        return parse(known)
    looking = command(
        *(PYTHON, "-I", "-c", SCRIPT),
        env=ENV,
        stdin=asked,
        capture=True,
        step_seconds=_SECONDS,
    )
    ended = await work.command("toolchains", looking, check=False)
    if not ended.succeeded:
        raise BuildError(
            f"It could not be found out which languages {work.host.host_id} has: {PYTHON} is not there or does not "
            "run. Install it (apt-get install python3), then deploy again."
        )
    said = json.loads(ended.output)
    if said.get("places") is not None:  # a run that an earlier version began was told of none
        await store.memory.keep(work.host, asked, ended.output, places=said["places"], began=said["began"])
    return parse(ended.output)


def question(
    tools: Sequence[str], *, store: str = "", roots: Mapping[str, str] | None = None, account: Account | None = None
) -> bytes:
    """What the script is asked, which has programs say their version as the account."""
    asked = {
        "tools": {name: _told_of(TOOLS[name]) for name in tools},
        "store": store or "/nonexistent",
        "roots": dict(roots or {}),
        "uid": None if account is None else account.uid,
        "gid": None if account is None else account.gid,
    }
    return json.dumps(asked).encode()


def _told_of(tool: Tool) -> dict[str, object]:
    return {"programs": tool.programs, "packages": tool.packages, "asked": tool.asked}


def parse(output: bytes) -> Inventory:
    """What the script has answered."""
    said = json.loads(output)
    seen: set[str] = set()
    found = []
    for each in said["found"]:
        is_first = each["first"] and each["tool"] not in seen
        seen.add(each["tool"])
        found.append(
            Installed(
                tool=each["tool"],
                version=each["version"],
                label=each["label"],
                prefix=each["prefix"],
                programs=each["programs"],
                is_open=each["open"],
                is_first=is_first,
            )
        )
    return Inventory(
        machine=said["machine"],
        has_glibc=said["glibc"],
        has_avx2=said["avx2"],
        found=tuple(found),
        kept=tuple(Kept(**each) for each in said["kept"]),
    )
