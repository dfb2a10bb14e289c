"""What is asked of a machine beside its runtimes and its edge: small facts, and programs that end soon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, socket
from typing import Protocol

from headway.drivers.runtimes.contract.answer import AskedPort
from headway.infra.hosts import processes, sockets
from headway.infra.hosts.consumption import MachineReading, read_machine
from headway.infra.hosts.guarded_files import Seen, look_beneath
from headway.infra.hosts.program_input import feed
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of one of the machine's addresses, "" for any of them."""

    number: int
    address: str = ""
    datagrams: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A port of the loopback that a process of an account is connected to."""

    account: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended, and what it wrote to both its outputs."""

    status: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of asking a port: it ``answers`` HTTP, or is a server of something ``other``, or what is lacking."""

    answers: bool
    other: str = ""
    lacking: str = ""


class ProgramAway(Unavailable):
    """A program is not on the machine, or does not end."""


class Machine(Protocol):
    """A machine on which services run."""

    async def group_of(self, path: str) -> int | None:
        """The group that a file or socket belongs to, None where there is none."""
        ...

    async def is_folder(self, path: str) -> bool:
        """Whether there is a folder of that name."""
        ...

    async def look_beneath(self, folder: str, paths: Sequence[str]) -> list[Seen]:
        """What there is at each of the paths, found below the folder and nowhere else."""
        ...

    async def free(self, wanted: Sequence[int]) -> list[int]:
        """Those of the ports that nobody listens on."""
        ...

    async def taken(self, wanted: Sequence[Port]) -> list[Port]:
        """Those of the ports that somebody has."""
        ...

    async def reached(self) -> list[Reached]:
        """What is connected to services of the loopback now."""
        ...

    async def ask(self, port: Port, *, pid: int | None, expected: bool, within_seconds: float) -> Asked:
        """Asks for an answer in HTTP at a port of a container, whose first process is ``pid``, again and again for so
        long at most; where one is ``expected``, nothing else will do.
        """
        ...

    async def run(self, argv: Sequence[str], env: Mapping[str, str], text: str, within_seconds: float) -> Ran:
        """Runs a program that reads the text, outside of any deployment. Raises ProgramAway."""
        ...

    async def consumption(
        self, panel_id: str, releases: Collection[str], containers: Collection[str]
    ) -> MachineReading:
        """What it has used, and the groups of these releases of a panel and of these containers, as the kernel counts
        it.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnMachine:
    """The one that this process is on."""

    async def group_of(self, path: str) -> int | None:
        """See the contract."""
        try:
            return (await asyncio.to_thread(Path(path).stat)).st_gid
        except OSError:
            return None

    async def is_folder(self, path: str) -> bool:
        """See the contract."""
        return await asyncio.to_thread(Path(path).is_dir)

    async def look_beneath(self, folder: str, paths: Sequence[str]) -> list[Seen]:
        """See the contract."""
        return await asyncio.to_thread(lambda: [look_beneath(folder, path) for path in paths])

    async def free(self, wanted: Sequence[int]) -> list[int]:
        """See the contract."""
        return await asyncio.to_thread(lambda: [port for port in wanted if sockets.is_free("127.0.0.1", port)])

    async def taken(self, wanted: Sequence[Port]) -> list[Port]:
        """See the contract."""
        return await asyncio.to_thread(lambda: [port for port in wanted if not _is_free(port)])

    async def reached(self) -> list[Reached]:
        """See the contract."""
        found = await asyncio.to_thread(sockets.reached)
        return [Reached(account=account, port=port) for account, port in sorted(found)]

    async def ask(self, port: Port, *, pid: int | None, expected: bool, within_seconds: float) -> Asked:
        """See the contract."""
        asked = AskedPort(
            host=port.address,
            port=port.number,
            number=port.number,
            expected=expected,
            living=lambda: processes.with_descendants([pid] if pid else []),
            untaken=lambda: None if pid is None else sockets.untaken(port.number, pid),
        )
        end, pause = time.monotonic() + within_seconds, _FIRST_PAUSE
        while (lacking := await asked.lacking()) is not None and time.monotonic() < end:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        if lacking and pid is not None and not asked.takes_connections:
            lacking += await asyncio.to_thread(_listening_instead, pid, port.number)
        return Asked(answers=asked.answers, other=asked.other, lacking=lacking or "")

    async def run(self, argv: Sequence[str], env: Mapping[str, str], text: str, within_seconds: float) -> Ran:
        """See the contract."""
        process = await _begun(argv, env)
        try:
            async with asyncio.timeout(within_seconds):
                (output, _), _ = await asyncio.gather(process.communicate(), feed(process, text.encode()))
        except TimeoutError as error:
            raise ProgramAway(f"{argv[0]} did not end within {within_seconds:g} s.") from error
        finally:
            await _end(process)
        return Ran(status=process.returncode or 0, output=output.decode(errors="replace"))

    async def consumption(
        self, panel_id: str, releases: Collection[str], containers: Collection[str]
    ) -> MachineReading:
        """See the contract."""
        return await asyncio.to_thread(read_machine, panel_id, releases, containers)


def _listening_instead(pid: int, port: int) -> str:
    """Where the processes of a container listen, as the end of a sentence."""
    others = sockets.listening_in(pid)
    if others is None:
        return ""
    if not others:
        return " It listens on no port."
    is_bound = any(int(other.rpartition(":")[2]) == port for other in others)
    how = "Let it bind to 0.0.0.0." if is_bound else f"Give its domain that port, or let it listen on {port}."
    return f" It listens on {', '.join(others)} instead. {how}"


async def _begun(argv: Sequence[str], env: Mapping[str, str]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ProgramAway(f"There is no program {argv[0]}.") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _is_free(port: Port) -> bool:
    family = AF_INET6 if ":" in port.address else AF_INET
    with ExitStack() as stack:
        probe = stack.enter_context(socket(family, SOCK_DGRAM if port.datagrams else SOCK_STREAM))
        try:
            probe.bind((port.address, port.number))
        except OSError:
            return False
    return True
