"""Finds processes of this machine by marks, arguments and ancestry, and ends them by signals that cannot hit a reused
pid.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from headway.infra.hosts import procfs
from headway.infra.hosts.procfs import Process
from headway.kernel.errors import HeadwayError


class WontDie(HeadwayError):
    """Processes are still there after they were sent SIGKILL again and again."""


def is_alive(pid: int, start_time: int) -> bool:
    """Whether the very process that had this pid and start time still runs."""
    process = procfs.look(pid)
    return process is not None and process.start_time == start_time and not process.dead


def send(number: signal.Signals, pid: int, start_time: int) -> bool:
    """Signals a process if it still is the one that was seen; whether it was."""
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # Looked at while the pid is held: it cannot become another process between the look and the signal.
        process = procfs.look(pid)
        if process is None or process.start_time != start_time:
            return False
        signal.pidfd_send_signal(held, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(held)
    return True


def await_death(pid: int, start_time: int, seconds: float) -> bool:
    """Blocks until the process has ended, at most for ``seconds``; whether it has."""
    deadline = time.monotonic() + seconds
    pause = 0.0005
    while is_alive(pid, start_time):
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    return True


def bury(pid: int, start_time: int) -> None:
    """Takes the status of a dead process if that is ours to take: if it is our child, or an orphan and we are init."""
    process = procfs.look(pid)
    if process is not None and process.start_time == start_time and process.parent == os.getpid():
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def find_marked(marks: Mapping[str, str], among: Callable[[int], bool] = lambda _: True) -> list[Process]:
    """The living processes that have all the marks in their environment, and those below such a process; ``among``
    says of a process whether it can be one of them, where that is known.
    """
    table = _table()
    wanted = [f"{name}={value}".encode() for name, value in marks.items()]
    # What is dead has no environment left, and there are many of them amid a kill.
    found = {process.pid for process in table if not process.dead and _carries(process.pid, wanted)}
    found = _with_those_below(found, table)
    return [process for process in table if process.pid in found and not process.dead and among(process.pid)]


def end_marked(marks: Mapping[str, str], seconds: float, among: Callable[[int], bool] = lambda _: True) -> bool:
    """Kills every process that has all the marks in its environment, and all below such a process, until none is left;
    ``among`` as above.

    Blocks for at most ``seconds``; gives whether none is left.
    """
    deadline = time.monotonic() + seconds
    find = partial(find_marked, marks, among)
    while marked := find():
        _freeze(find, marked)
        for process in find():
            send(signal.SIGKILL, process.pid, process.start_time)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def marked_with(variable: str) -> dict[int, str]:
    """The living processes whose initial environment has the variable, and its value there."""
    name = f"\0{variable}=".encode()
    found: dict[int, str] = {}
    for pid in procfs.pids():
        environment = b"\0" + procfs.initial_environment(pid)
        if name in environment:
            value = environment.partition(name)[2].partition(b"\0")[0]
            found[pid] = value.decode(errors="surrogateescape")
    return found


def called_with(*arguments: str) -> set[int]:
    """The living processes whose argument list holds all of these one after the other."""
    wanted = len(arguments)
    return {
        pid
        for pid in procfs.pids()
        if any(
            given[at : at + wanted] == arguments
            for given in [procfs.argv(pid)]
            for at in range(len(given) - wanted + 1)
        )
    }


def with_descendants(pids: Iterable[int]) -> set[int]:
    """These processes, as far as they live, and all that they have started and that is still below them."""
    living = [process for process in _table() if not process.dead]
    return _with_those_below({process.pid for process in living} & set(pids), living)


def kill_until_gone(find: Callable[[], set[int]], *, deadline_seconds: float = 10.0) -> None:
    """Sends SIGKILL to whatever ``find`` finds until it finds nothing. Raises WontDie after the deadline."""
    deadline = time.monotonic() + deadline_seconds
    while found := find():
        _kill(found, find)
        if time.monotonic() > deadline:
            pids = ", ".join(map(str, sorted(found)))
            raise WontDie(f"The processes {pids} do not end although they were killed; look at what holds them.")
        time.sleep(0.002)


def _table() -> list[Process]:
    found = []
    for pid in procfs.pids():
        with suppress(PermissionError):  # the kernel was told to show each account its own
            if process := procfs.look(pid):
                found.append(process)
    return found


def _with_those_below(found: set[int], table: Sequence[Process]) -> set[int]:
    while below := {process.pid for process in table if process.parent in found} - found:
        found = found | below
    return found


def _carries(pid: int, wanted: Sequence[bytes]) -> bool:
    environment = procfs.initial_environment(pid).split(b"\0")
    return all(mark in environment for mark in wanted)


def _freeze(find: Callable[[], list[Process]], found: Sequence[Process]) -> None:
    """Stops the processes until a look finds no new one: none can fork while the others are killed."""
    stopped: set[tuple[int, int]] = set()
    for _ in range(50):
        new = [process for process in found if (process.pid, process.start_time) not in stopped]
        if not new:
            return
        for process in new:
            send(signal.SIGSTOP, process.pid, process.start_time)
            stopped.add((process.pid, process.start_time))
        found = find()


def _kill(pids: set[int], find: Callable[[], set[int]]) -> None:
    # A pidfd names one process for good; looking again after it is open leaves no room for a reused pid.
    held: dict[int, int] = {}
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                held[pid] = os.pidfd_open(pid)
        still = find()
        for pid, descriptor in held.items():
            if pid in still:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    finally:
        for descriptor in held.values():
            os.close(descriptor)
