"""What the kernel tells in ``/proc``: who and whose processes are, what they have in hand, and what they have mounted.

Launchers import this with the standard library alone, at each start of a process: so paths are texts here, and records
are written out, since a named tuple alone takes a millisecond to make.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress

PROC = "/proc"
SELF = f"{PROC}/self"
BOOT_ID = f"{PROC}/sys/kernel/random/boot_id"
_KERNEL_THREAD = 0x00200000
_ESCAPED = r"\\([0-7]{3})"


class Process:
    """An entry of the table; ``start_time`` is in clock ticks since boot and tells a reused pid apart."""

    __slots__ = ("dead", "parent", "pid", "start_time")

    def __init__(self, *, pid: int, parent: int, start_time: int, dead: bool) -> None:
        self.pid, self.parent = pid, parent
        self.start_time, self.dead = start_time, dead


class Mount:
    """What is mounted at ``place``, and which part of it is seen there; the options are those of its file system."""

    __slots__ = ("device", "filesystem", "options", "place", "root")

    def __init__(self, *, device: str, root: str, place: str, filesystem: str, options: str) -> None:
        self.device, self.root, self.place = device, root, place
        self.filesystem, self.options = filesystem, options


def pids() -> list[int]:
    """Every process of the machine."""
    return [int(entry.name) for entry in os.scandir(PROC) if entry.name.isdecimal()]


def look(pid: int) -> Process | None:
    """The process with this pid, None when there is none; one that is dead but not yet buried counts as found."""
    try:
        fields = _stat(f"{PROC}/{pid}")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(pid=pid, parent=int(fields[1]), start_time=int(fields[19]), dead=_is_over(fields))


def start_time(pid: int) -> int | None:
    """When the process was started, in clock ticks since boot; None when it is gone or has ended."""
    with suppress(OSError):
        process = look(pid)
        return None if process is None or process.dead else process.start_time
    return None


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped the process by a signal, and nobody let it go on since."""
    return _stat_if_there(f"{PROC}/{pid}")[:1] == [b"T"]


def argv(pid: int) -> tuple[str, ...]:
    """The argument list of the process; empty when it is gone."""
    return tuple(_told(pid, "cmdline").decode(errors="surrogateescape").split("\0")[:-1])


def name(pid: int) -> str:
    """The short name of the process, for a sentence; empty when it is gone."""
    return _told(pid, "comm").decode(errors="replace").strip()


def owner(pid: int) -> int | None:
    """The uid that the process acts with; None when it is gone."""
    found = status(pid, "Uid")
    return int(found[1]) if found else None


def status(pid: int, line: str) -> list[str]:
    """The words of a line of the process' status, by how that begins; none when it is gone."""
    # The kernel keeps a process from a new line in its name, and from nothing else that str.splitlines() would part at.
    lines = _told(pid, "status").split(b"\n")
    return next((each.decode().split()[1:] for each in lines if each.startswith(f"{line}:".encode())), [])


def threads_of(pid: int) -> set[int]:
    """The threads of a process, that it begins with among them; none when it is gone."""
    with suppress(OSError):
        return {int(entry.name) for entry in os.scandir(f"{PROC}/{pid}/task")}
    return set()


def folder_of(pid: int) -> str:
    """Where the kernel tells of a process what it has in hand: its files, mounts, root, network and groups. Of one
    whose first thread has left another thread tells that, for as long as it goes on itself.
    """
    own = f"{PROC}/{pid}"
    fields = _stat_if_there(own)
    if fields and fields[0] in b"ZX" and not _is_over(fields):
        for thread in sorted(threads_of(pid) - {pid}):
            told = _stat_if_there(found := f"{own}/task/{thread}")
            if told and told[0] not in b"ZX":
                return found
    return own


def namespace(folder: str, kind: str) -> int:
    """The number of the namespace that a process, by its folder, is in. Raises OSError."""
    return os.stat(f"{folder}/ns/{kind}").st_ino  # noqa: PTH116 - pathlib is one import more


def counts_with_us(pid: int) -> bool:
    """Whether a process is in the namespace of numbers that we are in, as what runs in a container is not."""
    with suppress(OSError):
        return namespace(folder_of(pid), "pid") == namespace(SELF, "pid")
    return False


def is_of_container(pid: int, container_id: str) -> bool:
    """Whether a process is one of the container, by its control groups, which are called after that."""
    with suppress(OSError):
        return any(container_id in group for group in groups(folder_of(pid)).values())
    return False


def initial_environment(pid: int) -> bytes:
    """The variables that the process was started with, each ended by a NUL; empty when it is gone or hides them.

    The kernel shows none for the moment in which a process becomes another program (``env_end`` in proc_pid_stat(5) is
    0 then): this waits until it is over, so that nobody is overlooked.
    """
    for _ in range(100):
        try:
            environment = _read(f"{PROC}/{pid}/environ")
        except ProcessLookupError:  # it has ended, or its first thread has
            return _environment_of_others(pid)
        except OSError:
            return b""
        if environment:
            return environment
        fields = _stat_if_there(f"{PROC}/{pid}")
        if fields[:1] == [b"Z"]:
            return _environment_of_others(pid)
        if not _is_becoming_a_program(fields):
            return b""
        time.sleep(0.0005)
    return b""


def groups(folder: str = SELF) -> dict[str, str]:
    """The control groups that a process, by its folder, is in: see ``read_groups``. Raises OSError."""
    return read_groups(os.fsdecode(_read(f"{folder}/cgroup")))


def read_groups(text: str) -> dict[str, str]:
    """The groups in the text of such a file, by v1 controller; that of v2 under ""."""
    found: dict[str, str] = {}
    for line in filter(None, text.split("\n")):
        _, controllers, path = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), path)
    return found


def mounts(folder: str = SELF) -> list[Mount]:
    """What a process, by its folder, has mounted. Raises OSError."""
    return read_mounts(os.fsdecode(_read(f"{folder}/mountinfo")))


def read_mounts(text: str) -> list[Mount]:
    """What is mounted by the text of a mountinfo file."""
    found = []
    for line in filter(None, text.split("\n")):
        before, _, after = line.partition(" - ")
        _, _, device, root, place, *_ = before.split(" ")
        filesystem, _, options = after.split(" ", 2)  # between the two is the source, which may be empty
        found.append(
            Mount(
                device=device,
                root=_unescaped(root),
                place=_unescaped(place),
                filesystem=filesystem,
                options=options.rpartition(" ")[2],
            )
        )
    return found


def boot_id(file: str = BOOT_ID) -> str:
    """The kernel's identifier of this boot."""
    return _read(file).decode().strip()


def busy_ticks() -> int:
    """For how many clock ticks the processors of the machine were at work since it began, all of them together."""
    user, nice, system, _idle, _waiting, *others = map(int, _read(f"{PROC}/stat").partition(b"\n")[0].split()[1:])
    return user + nice + system + sum(others[:3])  # of guests it is counted under user already


def memory_sizes() -> tuple[int, int]:
    """How much memory the machine has, and how much of it could be had now, in bytes."""
    found = {}
    for line in _read(f"{PROC}/meminfo").splitlines():
        name, _, size = line.partition(b":")
        if name in {b"MemTotal", b"MemAvailable"}:
            found[name] = int(size.split()[0]) * 1024
    return found[b"MemTotal"], found[b"MemAvailable"]


def opened(descriptor: int) -> str:
    """The path by which a process finds what it has open, wherever that lies by now."""
    return f"{SELF}/fd/{descriptor}"


def _is_over(fields: Sequence[bytes]) -> bool:
    """Whether a process has ended: one whose first thread has left while others go on stands in the table in the state
    of one that has, with the number of its threads.
    """
    return fields[0] in b"ZX" and int(fields[17]) <= 1


def _is_becoming_a_program(fields: Sequence[bytes]) -> bool:
    return bool(fields) and fields[0] not in b"ZX" and not int(fields[6]) & _KERNEL_THREAD and fields[48] == b"0"


def _environment_of_others(pid: int) -> bytes:
    """That of a process whose first thread has left, which says nothing of it any more."""
    for thread in threads_of(pid) - {pid}:
        with suppress(OSError):
            if environment := _read(f"{PROC}/{pid}/task/{thread}/environ"):
                return environment
    return b""


def _stat(folder: str) -> list[bytes]:
    """The fields of proc_pid_stat(5) from the state on. The program's name before them stands in brackets, and may hold
    brackets and blanks itself. Raises OSError.
    """
    return _read(f"{folder}/stat").rpartition(b")")[2].split()


def _stat_if_there(folder: str) -> list[bytes]:
    with suppress(OSError):
        return _stat(folder)
    return []


def _told(pid: int, file: str) -> bytes:
    with suppress(OSError):
        return _read(f"{PROC}/{pid}/{file}")
    return b""


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is one import more
        return file.read()


def _unescaped(path: str) -> str:
    return re.sub(_ESCAPED, lambda found: chr(int(found[1], 8)), path) if "\\" in path else path
