"""The machine's table of processes: who lives, who carries a run's marks, and signals that cannot hit a reused pid."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_KERNEL_THREAD = 0x00200000


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """An entry of the table; ``start_time`` is in clock ticks since boot and tells a reused pid apart."""

    pid: int
    parent: int
    start_time: int
    dead: bool


def look(pid: int) -> Process | None:
    """The process with this pid, None when there is none; one that is dead but not yet buried counts as found."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name stands in brackets and may hold brackets and blanks itself.
    fields = text.rpartition(")")[2].split()
    return Process(pid=pid, parent=int(fields[1]), start_time=int(fields[19]), dead=is_over(fields))


def is_over(fields: Sequence[str]) -> bool:
    """Whether a process has ended of which the table says this behind its name: one whose first thread has left while
    others go on stands there in the state of one that has, with the number of its threads.
    """
    return fields[0] in "ZX" and int(fields[17]) <= 1


def folder_of(pid: int) -> Path:
    """Where the kernel tells of a process what it has in hand: its files, mounts, root, network and groups. Of one
    whose first thread has left another thread tells that, for as long as it goes on itself.
    """
    own = PROC / str(pid)
    fields = _fields(own)
    if fields and fields[0] in b"ZX" and int(fields[17]) > 1:
        for thread in sorted(threads_of(pid) - {pid}):
            told = _fields(found := own / "task" / str(thread))
            if told and told[0] not in b"ZX":
                return found
    return own


def threads_of(pid: int) -> set[int]:
    """The threads of a process, that it begins with among them; none when it is gone."""
    with suppress(OSError):
        return {int(name) for name in os.listdir(PROC / str(pid) / "task")}  # noqa: PTH208 - names are wanted
    return set()


def is_alive(pid: int, start_time: int) -> bool:
    """Whether the very process that had this pid and start time still runs."""
    process = look(pid)
    return process is not None and process.start_time == start_time and not process.dead


def send(number: signal.Signals, pid: int, start_time: int) -> bool:
    """Signals a process if it still is the one that was seen; whether it was."""
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # Looked at while the pid is held: it cannot become another process between the look and the signal.
        process = look(pid)
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
    process = look(pid)
    if process is not None and process.start_time == start_time and process.parent == os.getpid():
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def initial_environment(pid: int) -> bytes:
    """The variables that the process was started with, each ended by a NUL; empty when it is gone or hides them.

    The kernel shows none for the moment in which a process becomes another program (``env_end`` in proc_pid_stat(5) is
    0 then): this waits until it is over, so that nobody is overlooked.
    """
    for _ in range(100):
        try:
            environment = (PROC / str(pid) / "environ").read_bytes()
        except ProcessLookupError:  # it has ended, or its first thread has
            return _environment_of_others(pid)
        except OSError:
            return b""
        if environment:
            return environment
        fields = _fields(PROC / str(pid))
        if fields[:1] == [b"Z"]:
            return _environment_of_others(pid)
        if not _is_becoming_a_program(fields):
            return b""
        time.sleep(0.0005)
    return b""


def end_marked(marks: Mapping[str, str], seconds: float) -> bool:
    """Kills every process that has all the marks in its environment, and all below such a process, until none is left.

    Blocks for at most ``seconds``; gives whether none is left.
    """
    deadline = time.monotonic() + seconds
    while marked := find_marked(marks):
        _freeze(marks, marked)
        for process in find_marked(marks):
            send(signal.SIGKILL, process.pid, process.start_time)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def find_marked(marks: Mapping[str, str]) -> list[Process]:
    """The living processes that have all the marks in their environment, and those below such a process."""
    table = [process for path in PROC.glob("[0-9]*") if (process := look(int(path.name)))]
    wanted = [f"{name}={value}".encode() for name, value in marks.items()]
    # What is dead has no environment left, and there are many of them amid a kill.
    found = {process.pid for process in table if not process.dead and _carries(process.pid, wanted)}
    grew = True
    while grew:
        below = {process.pid for process in table if process.parent in found} - found
        found |= below
        grew = bool(below)
    return [process for process in table if process.pid in found and not process.dead]


def _freeze(marks: Mapping[str, str], found: Sequence[Process]) -> None:
    """Stops the processes until a look finds no new one: none can fork while the others are killed."""
    stopped: set[tuple[int, int]] = set()
    for _ in range(50):
        new = [process for process in found if (process.pid, process.start_time) not in stopped]
        if not new:
            return
        for process in new:
            send(signal.SIGSTOP, process.pid, process.start_time)
            stopped.add((process.pid, process.start_time))
        found = find_marked(marks)


def _carries(pid: int, wanted: Sequence[bytes]) -> bool:
    environment = initial_environment(pid).split(b"\0")
    return all(mark in environment for mark in wanted)


def _environment_of_others(pid: int) -> bytes:
    """That of a process whose first thread has left, which says nothing of it any more."""
    for thread in threads_of(pid) - {pid}:
        with suppress(OSError):
            if environment := (PROC / str(pid) / "task" / str(thread) / "environ").read_bytes():
                return environment
    return b""


def _is_becoming_a_program(fields: Sequence[bytes]) -> bool:
    return bool(fields) and fields[0] not in b"ZX" and not int(fields[6]) & _KERNEL_THREAD and fields[48] == b"0"


def _fields(folder: Path) -> list[bytes]:
    with suppress(OSError):
        return (folder / "stat").read_bytes().rpartition(b")")[2].split()
    return []
