"""A stream from a program on one machine to a program on another, which passes through the panel's and lies nowhere.

OpenSSH's client carries it, one for each end that is a server, as stages of one command on the panel's machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_address

from headway.core.deployments.run import Run
from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.base import Exit, Host, HostUnreachable
from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_client import BROKEN, Way, argv_of, client_files, far_words
from headway.infra.hosts.ssh_target import SshTarget, judged
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

_MARK = "HEADWAY_MOVE"
_TRIES = 3
_PACE_BYTES = 1 << 20
_SLOW_SECONDS = 0.5  # a link that takes so long for as much as that is slower than compressing is


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs at an end, as root or another account."""

    host: Host
    argv: tuple[str, ...]
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedStream:
    """From ``out`` to ``into``, through what is ``between`` on the panel's machine, ``here``. ``files`` is a folder
    there for what opens both ends while it lasts; ``auxiliary`` opens what carries there; ``make_way`` is done
    before each try.
    """

    run: Run
    here: Host
    files: str
    auxiliary: Callable[[], AbstractAsyncContextManager[Work]]
    out: Program
    into: Program
    make_way: Callable[[], Awaitable[None]]
    between: tuple[Stage, ...] = ()

    async def carry(self, what: str) -> None:
        """Returns once both programs have ended well. A connection that breaks is tried again, and where an end does
        not answer any more HostUnreachable is raised: it is repeated when that answers. Raises RunFailed.
        """
        ways = {name: await way_to(host, reads=name == "build") for name, host in self._servers.items()}
        slow = " and ".join(way.target.name for way in ways.values() if way.compressed)
        await self.run.say(phrase("Moving {}, compressed for {}.", what, slow) if slow else phrase("Moving {}.", what))
        began = time.monotonic()
        await self.here.make_folder(self.files)
        try:
            for name, data in client_files(self.files, ways).items():  # laid out anew by whoever begins it again
                await self.here.write_file(f"{self.files}/{name}", data, lasting=False)
            await self._tried()
        finally:
            await self.here.remove_tree(self.files)
        await self.run.say(phrase("Moved in {} s.", f"{time.monotonic() - began:.1f}"))

    async def _tried(self) -> None:
        async with self.auxiliary() as work:
            for number in range(1, _TRIES + 1):
                await end_move(self._servers.values(), self._id)
                await self.make_way()
                name = f"move {number}"
                ended = await work.command(name, self._command, check=False)
                if ended.succeeded:
                    return
                for host in self._servers.values():
                    await host.boot_id()
                if number == _TRIES or not _is_broken(ended):
                    await work.command(name, self._command)  # is not started again: tells how it ended
                await self.run.say(phrase("The connection broke off; once more, from the beginning."))

    @property
    def _command(self) -> Command:
        return Command(
            stages=(self._stage("build", self.out), *self.between, self._stage("release", self.into)),
            env={"PATH": CLEAN_PATH, "LC_ALL": "C.UTF-8", "HOME": "/"},
            inactivity_seconds=self.run.deadlines.step.total_seconds(),  # they say nothing until it is there
        )

    def _stage(self, name: str, program: Program) -> Stage:
        host = program.host
        if not isinstance(host, SshHost):
            return Stage(argv=program.argv, account=program.account)
        words = far_words(host.target, program.argv, mark=_marked(self._id), account=program.account)
        return Stage(argv=argv_of(self.files, name, words))

    @property
    def _servers(self) -> Mapping[str, SshHost]:
        ends = {"build": self.out.host, "release": self.into.host}
        return {name: host for name, host in ends.items() if isinstance(host, SshHost)}

    @property
    def _id(self) -> str:
        return self.run.deployment.deployment_id


async def end_move(hosts: Iterable[Host], deployment_id: str) -> None:
    """Ends what a move still does on servers: where a link broke, nobody there may have heard yet that it is over."""
    for host in hosts:
        if isinstance(host, SshHost):
            await host.end_marked(_marked(deployment_id))


def _marked(deployment_id: str) -> str:
    return f"{_MARK}={deployment_id}"


async def way_to(host: SshHost, *, reads: bool) -> Way:
    """How a server is entered for a stream, which is compressed where the link is slow; ``reads``: it comes from there.
    Raises HostUnreachable.
    """
    target = await _judged(host.target)
    if is_near(target):
        return Way(target=target)
    taken = min([await _pace(host, reads=reads) for _ in range(2)])
    return Way(target=target, compressed=taken > _SLOW_SECONDS)


async def _judged(target: SshTarget) -> SshTarget:
    """At the address that ssh is to connect to, which looks up none itself then. Raises HostUnreachable."""
    try:
        return await judged(target)
    except (OSError, TimeoutError) as error:
        raise HostUnreachable(f"The address of {target.place} cannot be found.") from error


def is_near(target: SshTarget) -> bool:
    """Whether the way leads to an address of a private network, and through nobody else. What a measure would take for
    a slow link there is a busy machine, on which compressing would take longest.
    """
    try:
        return target.jump is None and ip_address(target.address).is_private
    except ValueError:  # a name
        return False


def _is_broken(ended: Exit) -> bool:
    return ended.cause is None and BROKEN in ended.statuses


async def _pace(host: SshHost, *, reads: bool) -> float:
    """Seconds for a megabyte that cannot be compressed, in one direction."""
    path, data = f"{host.root}/pace", os.urandom(_PACE_BYTES)
    began = time.monotonic()
    await host.write_file(path, data, lasting=False)
    written = time.monotonic()
    if not reads:
        return written - began
    await host.read_file(path, limit=_PACE_BYTES)
    return time.monotonic() - written
