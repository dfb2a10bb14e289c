"""What the kernel says of processes: who and whose they are; and ending them without ever hitting a reused pid."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from headway.infra.hosts.processes import initial_environment, is_over
from headway.kernel.errors import HeadwayError

PROC = Path("/proc")
_PARENT = 1
_START_TIME = 19


class WontDie(HeadwayError):
    """Processes are still there after they were sent SIGKILL again and again."""


def boot_id() -> str:
    """The kernel's identifier of this boot."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def all_pids() -> list[int]:
    """Every process of the machine."""
    return [int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit()]


def start_time(pid: int) -> int | None:
    """When the process was started, in clock ticks since boot; None when it is gone or has ended."""
    stat = _stat(pid)
    return None if stat is None or is_over(stat) else int(stat[_START_TIME])


def argv(pid: int) -> tuple[str, ...]:
    """The argument list of the process; empty when it is gone."""
    return tuple(_read(pid, "cmdline").decode(errors="surrogateescape").split("\0")[:-1])


def name(pid: int) -> str:
    """The short name of the process, for a sentence; empty when it is gone."""
    return _read(pid, "comm").decode(errors="replace").strip()


def owner(pid: int) -> int | None:
    """The uid that the process acts with; None when it is gone."""
    lines = _read(pid, "status").decode(errors="replace").splitlines()
    return next((int(line.split()[2]) for line in lines if line.startswith("Uid:")), None)


def carrying(variable: str) -> dict[int, str]:
    """The living processes whose initial environment has the variable, and its value there."""
    name = f"\0{variable}=".encode()
    found: dict[int, str] = {}
    for pid in all_pids():
        environment = b"\0" + initial_environment(pid)
        if name in environment:
            value = environment.partition(name)[2].partition(b"\0")[0]
            found[pid] = value.decode(errors="surrogateescape")
    return found


def called_with(*arguments: str) -> set[int]:
    """The living processes whose argument list holds all of these one after the other."""
    wanted = len(arguments)
    return {
        pid
        for pid in all_pids()
        if any(given[at : at + wanted] == arguments for given in [argv(pid)] for at in range(len(given) - wanted + 1))
    }


def with_descendants(pids: Iterable[int]) -> set[int]:
    """These processes, as far as they live, and all that they have started and that is still below them."""
    parents = {pid: int(stat[_PARENT]) for pid in all_pids() if (stat := _stat(pid)) and not is_over(stat)}
    family = set(pids) & parents.keys()
    while True:
        grown = family | {pid for pid, parent in parents.items() if parent in family}
        if grown == family:
            return family
        family = grown


def kill_until_gone(find: Callable[[], set[int]], *, deadline_seconds: float = 10.0) -> None:
    """Sends SIGKILL to whatever ``find`` finds until it finds nothing. Raises WontDie after the deadline."""
    deadline = time.monotonic() + deadline_seconds
    while found := find():
        _kill(found, find)
        if time.monotonic() > deadline:
            pids = ", ".join(map(str, sorted(found)))
            raise WontDie(f"The processes {pids} do not end although they were killed; look at what holds them.")
        time.sleep(0.002)


def _kill(pids: set[int], find: Callable[[], set[int]]) -> None:
    # A pidfd names one process for good; looking again after it is open leaves no room for a reused pid.
    held: dict[int, int] = {}
    try:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                held[pid] = os.pidfd_open(pid)
        still = find()
        for pid, descriptor in held.items():
            if pid in still:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    finally:
        for descriptor in held.values():
            os.close(descriptor)


def _stat(pid: int) -> list[str] | None:
    """The fields of proc(5) stat from the state on; the name before them may itself hold spaces and brackets."""
    text = _read(pid, "stat").decode(errors="replace")
    return text.rpartition(")")[2].split() or None


def _read(pid: int, file: str) -> bytes:
    try:
        return (PROC / str(pid) / file).read_bytes()
    except OSError:
        return b""
