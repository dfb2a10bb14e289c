"""What the process that tells by Apprise gives up before it hears to whom: rights, memory, and the machine's files.

Apprise's services are made for whoever owns the machine: some read a file that an address names, and one writes it.
Here addresses are other people's.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import sys
import sysconfig
import zoneinfo
from pathlib import Path
from typing import Any

from headway.infra.hosts import procfs

MEMORY_BYTES = 256 << 20
_CPU_SECONDS = 60
_SECONDS = 90  # the panel ends it sooner; this is for when there is no panel any more
_OPEN_FILES = 256
_TASKS = 512  # of the account, in all its processes
_FIRST_TO_GO = 1000  # oom_score_adj of what is ended first where memory runs short
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS, _CAP_AMBIENT, _CLEAR_ALL = 1, 24, 38, 47, 4
_MOST_CAPABILITIES = 64
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_READ = ("/etc/resolv.conf", "/etc/hosts", "/etc/mime.types", "/etc/localtime", "/dev/null")
_NEVER = (
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "pty.spawn"),
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"),
    *("os.setxattr", "os.utime"),
)


def become(uid: int, group: int | None = None) -> None:
    """Becomes this account, with its own group or another one, no capability and no way to one. Raises
    PermissionError.
    """
    gid = uid if group is None else group
    _keep_open_who_is_trusted()
    libc = ctypes.CDLL(None, use_errno=True)
    for each in range(_MOST_CAPABILITIES):
        libc.prctl(_CAPBSET_DROP, each, 0, 0, 0)  # those that this kernel does not have, it refuses
    libc.prctl(_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NPROC, (_TASKS, _TASKS))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (gid,) * 3 or os.getgroups():
        raise PermissionError(errno.EPERM, "the account cannot be changed")


def bound() -> None:
    """Bounds what the process may take, and ends it with the panel."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise PermissionError(errno.EPERM, "new privileges cannot be given up")
    libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.alarm(_SECONDS)
    for kind, most in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        hard = resource.getrlimit(kind)[1]
        held = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (held, held))


def be_ended_first() -> None:
    """Where memory runs short, this is ended before what anybody runs."""
    with contextlib.suppress(OSError):  # a machine that has no such order ends what it likes
        Path(procfs.SELF, "oom_score_adj").write_text(str(_FIRST_TO_GO))


def close_files() -> None:
    """From now on the process opens no file but the code that it is made of and what names are looked up in, writes
    none, and starts nothing.
    """
    code = tuple({os.path.realpath(each) for each in (*sysconfig.get_paths().values(), *zoneinfo.TZPATH)})
    _add_hook(tuple(f"{each}/" for each in code), frozenset(_READ))


def _add_hook(below: tuple[str, ...], alone: frozenset[str]) -> None:
    def judge(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NEVER:
            raise PermissionError(errno.EACCES, "no channel changes this machine, or starts anything")
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int) and not _is_read(path, flags):
                raise PermissionError(errno.EACCES, "no channel reads or writes a file of this machine")

    def _is_read(path: Any, flags: int) -> bool:  # noqa: ANN401 - as whoever opens it names it
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            return False
        real = os.path.realpath(os.fsdecode(path))
        return real in alone or real.startswith(below)

    sys.addaudithook(judge)


def _keep_open_who_is_trusted() -> None:
    """Which is read when something is sent, and may lie where the account does not get."""
    named = {name: os.environ[name] for name in _BUNDLES if os.environ.get(name)}
    if not named.keys() & set(_BUNDLES[:2]):
        named[_BUNDLES[0]] = sys.modules["certifi"].where()  # of what Apprise sends by, which has been loaded
    for name, given in named.items():
        path = Path(given).resolve()
        if path.is_file() and not _is_open_to_all(path):
            os.environ[name] = procfs.opened(os.open(path, os.O_RDONLY))


def _is_open_to_all(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o004) and all(each.stat().st_mode & 0o001 for each in path.parents)
