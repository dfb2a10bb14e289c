"""Where the toolchains of a host lie, who fetches them from where, and what a build is given of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.memory import Memory
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account, Limits
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret

UNDO = "toolchain"
_LIMITS = Limits(memory_bytes=1 << 30, processes=256, file_bytes=1 << 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The registries that the operator has set; where one is None it is the mirror that the machine's own npm or pip
    are configured for, else the public one. ``pythons`` is where python-build-standalone lies, if not at its home.
    """

    npm: Secret | None = None
    pypi: Secret | None = None
    pythons: Secret | None = None


class Turns:
    """One at a time fetches the same to the same host: who comes meanwhile waits, and finds it there."""

    def __init__(self) -> None:
        self._locks: defaultdict[tuple[str, str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, host_id: str, tool: str, version: str) -> asyncio.Lock:
        """The turn of a version."""
        return self._locks[host_id, tool, version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The toolchains of one host in ``folder``, one below the other by tool and version: root's, and read by every
    account. ``account`` fetches, within ``limits``; ``attempt`` is the run's own name for what it leaves half-made.
    ``home`` is the one of whom the panel is there, ``roots`` are variables that say where version managers lie, such as
    PYENV_ROOT; ``turns`` and ``memory`` are shared by all runs. No version is larger than ``most_bytes``, and none is
    fetched where fewer than ``least_free_bytes`` of the disk are free.
    """

    folder: str
    attempt: str
    account: Account | None
    turns: Turns
    memory: Memory = field(default_factory=Memory)
    sources: Sources = Sources()
    home: str = "/root"
    roots: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = _LIMITS
    step_seconds: float = 600.0
    most_bytes: int = 1 << 30
    least_free_bytes: int = 512 << 20

    def entry(self, tool: str, version: str) -> str:
        """The folder of a version; its programs are in ``bin`` below."""
        return f"{self.folder}/{tool}/{version}"

    def beside(self, tool: str, version: str) -> str:
        """Where this run makes a version: not yet under its name."""
        return f"{self.folder}/.{tool}-{version}.{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """What was asked for, on one host. ``path`` are absolute folders, in the order in which they come on PATH, ``env``
    the variables that keep tools from fetching others; both are there in the build and at run time. ``build_env`` is
    there in the build only, and tells tools what the machine is configured for. ``lines`` say what is used. ``uses``
    are the exact versions, which `provide` makes at the same paths on another host.
    """

    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    uses: tuple[Need, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What a release records of it, so that it is kept for as long as the release is: ``node/22.1.0``."""
        return tuple(f"{need.tool}/{need.wanted}" for need in self.uses)


async def undo(at: Callable[[str], Host], data: Mapping[str, Any]) -> None:
    """Removes what a run has left half-made, on the host where it did."""
    await at(data["host_id"]).remove_tree(data["folder"])
