"""Becomes a program that handles what strangers send: under an account of its own, in an empty folder, with the sockets
that it is handed, no capability, and no way to any.

It also runs as a script and imports nothing but the standard library: ``python -I -S confined.py TERMS PROGRAM …``.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

_WRONG = 78
_FIRST_HANDED = 3  # as systemd hands sockets over
_OUT_OF_THE_WAY = 64
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_SYS_PIDFD_GETFD = 438
_CAPABILITY_VERSION = 0x20080522
_START_TIME = 19
_ANYBODY_RUNS = 0o005


def main(arguments: Sequence[str]) -> None:
    """Does not return, unless something is wrong: that is said on standard error."""
    terms, *argv = arguments
    try:
        # Python itself says that to its children.
        env = {name: value for name, value in os.environ.items() if name != "LC_CTYPE"}
        become(json.loads(terms), tuple(argv), env)
    except OSError as error:
        sys.stderr.write(f"error: {argv[0]} could not be started: {error}\n")
        sys.stderr.flush()
        os._exit(_WRONG)


def become(terms: Mapping[str, Any], argv: tuple[str, ...], env: Mapping[str, str]) -> NoReturn:
    """Turns this process into the program. ``terms`` are its ``uid``, the ``folder`` it is in, the ``entrances`` that
    it is handed, each by name, address and port; ``holding``, a file that says who holds such sockets already;
    ``dies_with_parent``; and ``memory``, in bytes or null. Raises OSError.
    """
    parent = os.getppid()
    # Opened while we may: it can lie where the account cannot look it up.
    program = _aside(os.open(argv[0], os.O_RDONLY | os.O_CLOEXEC))
    is_script = os.pread(program, 2, 0) == b"#!"
    _let_run(program)
    handed = [_aside(_listening(terms, *entrance)) for entrance in terms["entrances"]]
    os.chdir(terms["folder"])
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if terms["memory"] is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (terms["memory"], terms["memory"]))
    _drop_rights(terms["uid"])
    if terms["dies_with_parent"]:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # last: a change of account takes it back
        if os.getppid() != parent:
            os._exit(_WRONG)
    for number, descriptor in enumerate(handed, _FIRST_HANDED):
        os.dup2(descriptor, number, inheritable=True)
    told = {
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": str(len(handed)),
        "LISTEN_FDNAMES": ":".join(name for name, _, _ in terms["entrances"]),
    }
    # What interprets a script looks it up by its name.
    os.execve(argv[0] if is_script else program, argv, {**env, **(told if handed else {})})  # noqa: S606 - to become it is the point


def taken(pid: int, descriptor: int) -> int:
    """An open file of another process, as one of ours. Raises OSError where the kernel does not give it."""
    process = os.pidfd_open(pid)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        found: int = libc.syscall(_SYS_PIDFD_GETFD, process, descriptor, 0)
        if found < 0:
            raise OSError(ctypes.get_errno(), "the kernel does not give an open file of another process")
        return found
    finally:
        os.close(process)


def _listening(terms: Mapping[str, Any], name: str, host: str, port: int) -> int:
    """A socket that listens there: the one that is held, else a new one."""
    family, address = _address(host, port)
    with contextlib.suppress(OSError, ValueError, KeyError):
        with open(terms["holding"], encoding="utf-8") as file:  # noqa: PTH123 - as above
            held = json.load(file)
        if _start_time(held["pid"]) == held["start_time"]:
            found = socket.socket(fileno=taken(held["pid"], held["sockets"][name]))
            if found.family == family and found.getsockname()[:2] == address:
                return found.detach()
            found.close()
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
    made.bind(address)
    made.listen(_longest_queue())
    return made.detach()


def _start_time(pid: int) -> int | None:
    """When a process was started, in ticks since the boot; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib is one import more
            return int(file.read().rpartition(")")[2].split()[_START_TIME])
    except (OSError, IndexError):
        return None


def _address(host: str, port: int) -> tuple[int, tuple[str, int]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, (str(address[0]), int(address[1]))


def _longest_queue() -> int:
    with open("/proc/sys/net/core/somaxconn", encoding="utf-8") as file:  # noqa: PTH123 - as above
        return int(file.read())


def _let_run(program: int) -> None:
    """A program that was installed for root alone can be run by others from now on; what its folder says stays."""
    mode = os.fstat(program).st_mode
    if mode & _ANYBODY_RUNS != _ANYBODY_RUNS:
        with contextlib.suppress(OSError):
            os.fchmod(program, (mode & 0o7777) | _ANYBODY_RUNS)


def _drop_rights(uid: int) -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    capability = 0
    while _may(_PR_CAPBSET_DROP, capability):
        capability += 1
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None, use_errno=True)
    head, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(head, none) != 0:
        raise OSError(ctypes.get_errno(), "the kernel does not take all capabilities back")


def _prctl(option: int, value: int) -> None:
    if not _may(option, value):
        raise OSError(ctypes.get_errno(), f"the kernel refuses prctl({option})")


def _may(option: int, value: int) -> bool:
    done: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    return done == 0


def _aside(descriptor: int) -> int:
    """The same open file by a number above those that are handed over."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
    os.close(descriptor)
    return moved


if __name__ == "__main__":
    main(sys.argv[1:])
