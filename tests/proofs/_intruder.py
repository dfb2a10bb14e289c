"""Tries all that a build or an application must not do, and writes a line for each try: its name and what came of it.

A program of its own that needs nothing but Python; ``TARGETS`` in its environment is JSON that says what there is. With
the argument ``look`` it does only what harms nobody where it is allowed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

T = TypeVar("T")

MARK = "try"
ALLOWED = "ALLOWED"
REFUSED = "refused"

Attempt = tuple[str, Callable[[], object]]
Targets = dict[str, list[str]]

_PTRACE_SEIZE = 0x4206
_PIDFD_GETFD = 438
_CLONE_NEWNS = 0x20000
_SECONDS_PER_COMMAND = 20
_OWN_GROUP = {
    "cgroup.procs": "0",
    "cgroup.kill": "1",
    "cgroup.freeze": "1",
    "pids.max": "max",
    "memory.limit_in_bytes": "-1",
    "memory.max": "max",
    "memory.oom_control": "1",
}
_GROUP_OF_OTHERS = {"cgroup.procs": "0", "cgroup.kill": "1", "cgroup.freeze": "1"}

libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """What was tried did not come about."""


def main() -> None:
    """Tries everything, one line each."""
    targets: Targets = json.loads(os.environ["TARGETS"])
    for name, attempt in look(targets) if sys.argv[1:] == ["look"] else everything(targets):
        sys.stdout.write(f"{MARK}\t{name}\t{outcome(attempt)}\n")
        sys.stdout.flush()


def outcome(attempt: Callable[[], object]) -> str:
    """``refused`` and why, or ``ALLOWED`` and what it gave."""
    try:
        given = attempt()
    except OSError as error:
        return f"{REFUSED} {errno.errorcode.get(error.errno or 0, error)}"
    except Refused as refusal:
        return f"{REFUSED} {refusal}"
    return f"{ALLOWED} {given!r}"[:160].replace("\n", " ")


def everything(targets: Targets) -> Iterator[Attempt]:
    """All tries, what would end somebody last."""
    yield from look(targets)
    yield from changes(targets)
    if "HEADWAY_RELEASE_ID" in os.environ:  # a build may write where it builds
        yield from changes_of_own_release()
    yield from links(targets)
    yield from rights(targets)
    yield from groups(targets)
    yield from namespaces(targets)
    yield from attacks(targets)


def look(targets: Targets) -> Iterator[Attempt]:
    """What changes nothing: reading, listing, connecting, looking at processes."""
    for path in [*targets["files"], *own_files(targets)]:
        yield f"read {path}", partial(read, path)
    for path in targets["folders"]:
        yield f"list {path}", partial(listed, path)
    for path in [*targets["sockets"], *own_sockets(targets)]:
        yield f"connect to {path}", partial(connect, path)
    for pid in targets["pids"]:
        for name in ("environ", "mem", "maps", "io"):
            yield f"open /proc/{pid}/{name}", partial(opened, f"/proc/{pid}/{name}", os.O_RDONLY)
        for name in ("cwd", "root", "exe", "ns/mnt"):
            yield f"follow /proc/{pid}/{name}", partial(Path(f"/proc/{pid}/{name}").readlink)
        yield f"list /proc/{pid}/fd", partial(listed, f"/proc/{pid}/fd")
        yield f"signal {pid} with nothing", partial(os.kill, int(pid), 0)


def changes(targets: Targets) -> Iterator[Attempt]:
    """Changing what belongs to the panel or to another application."""
    for path in targets["files"]:
        yield f"append to {path}", partial(opened, path, os.O_WRONLY | os.O_APPEND)
        yield f"remove {path}", Path(path).unlink
        yield f"rename {path}", partial(Path(path).rename, f"{path}.moved")
        yield f"open {path} to all", partial(Path(path).chmod, 0o666)
    for path in targets["folders"]:
        new = Path(path) / "intruder"
        yield f"write into {path}", partial(new.write_text, "x")
        yield f"make a folder in {path}", new.mkdir
        yield f"put a link into {path}", partial(new.symlink_to, "/")
        yield f"open {path} to all", partial(Path(path).chmod, 0o777)


def changes_of_own_release() -> Iterator[Attempt]:
    """What a process changes in its release lies in a layer of its own; what is around both is not its to change."""
    here = Path.cwd()
    layers = here.parents[2] / "native/layers"
    yield "own release: its place", partial(here.rename, here.parent / "moved")
    yield "own release: another beside it", (here.parent / "beside").mkdir
    yield "own release: the layers of all", partial(listed, str(layers))
    yield "own release: its layers", partial(listed, str(layers / here.name))
    yield "own release: a layer more", (layers / here.name / "web+1-1-1").mkdir


def links(targets: Targets) -> Iterator[Attempt]:
    """Reading what is closed by another name, and what the own start may have left open."""
    home = Path(os.environ["HOME"])
    for number, path in enumerate(targets["secrets"]):
        yield f"read {path} by a symbolic link", partial(by_link, home / f"symbolic{number}", path)
        yield f"make a hard link to {path}", partial((home / f"hard{number}").hardlink_to, path)
        yield f"read {path} below /proc/self/root", partial(read, f"/proc/self/root{path}")
        yield f"read {path} below /proc/1/root", partial(read, f"/proc/1/root{path}")
    yield "find a descriptor that was left open", strangers
    yield "move the own home", partial(home.rename, home.parent / "moved")


def rights(targets: Targets) -> Iterator[Attempt]:
    """Being or becoming more than the account."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        yield f"have {name}", partial(some_of, int(status[name], 16))
    yield "gain rights by exec", partial(some_of, status["NoNewPrivs"].strip() != "1")
    yield "be in another group", partial(some_of, set(status["Groups"].split()) - {str(os.getgid())})
    for program in targets["setuid"]:
        yield f"be root by {program}", partial(is_said, "euid=0", [program])
    yield "become root", partial(os.setuid, 0)
    yield "become root's group", partial(os.setgid, 0)
    yield "become another account", partial(os.setresuid, 1, 1, 1)
    yield "choose groups", partial(os.setgroups, [0])
    yield "be nicer to oneself", partial(os.nice, -5)
    yield "lower the own oom score", partial(put, "/proc/self/oom_score_adj", "-1000")
    yield "raise a hard limit", raise_limit
    yield "change root", partial(os.chroot, "/tmp")
    yield "make a device", partial(os.mknod, f"{os.environ['HOME']}/device", 0o020666, os.makedev(1, 1))
    yield "name the machine", partial(socket.sethostname, "intruded")
    yield "set the clock", partial(time.clock_settime, time.CLOCK_REALTIME, time.time())
    for device in targets["devices"]:
        yield f"read {device}", partial(read, device)


def groups(targets: Targets) -> Iterator[Attempt]:
    """Leaving the own control groups, widening their bounds, ending those of others."""
    for mount, own in own_groups():
        yield f"leave {own}", partial(put, f"{mount}/cgroup.procs", "0")
        yield f"make a group in {own}", (Path(own) / "intruder").mkdir
        yield from writes(own, _OWN_GROUP)
    for path in targets["groups"]:
        yield from writes(path, _GROUP_OF_OTHERS)


def writes(group: str, files: dict[str, str]) -> Iterator[Attempt]:
    """Not every tree has each of them."""
    for file, text in files.items():
        if may_be_there(Path(group) / file):
            yield f"write {group}/{file}", partial(put, f"{group}/{file}", text)


def namespaces(targets: Targets) -> Iterator[Attempt]:
    """Entered or made: in none of them is anything allowed that was not before."""
    key, panel = targets["secrets"][0], targets["pids"][0]
    for pid in ("1", panel):
        yield f"enter the namespaces of {pid}", partial(said, ["nsenter", "-t", pid, "-m", "-p", "cat", key])
    users = ["unshare", "--user", "--map-root-user"]
    deep = [*users, "--mount", "--pid", "--fork", "--mount-proc"]
    cgroups = [*users, "--mount", "--cgroup", "sh", "-c"]
    yield "make a mount namespace", partial(said, ["unshare", "--mount", "true"])
    yield "read the key as root of a user namespace", partial(said, [*users, "cat", key])
    yield "read the key in namespaces of every kind", partial(said, [*deep, "cat", key])
    yield "own the key in a user namespace", partial(said, [*users, "chown", "0:0", key])
    yield "signal the panel from a user namespace", partial(said, [*users, "kill", "-0", panel])
    yield "become a second account in a user namespace", partial(said, [*users, "setpriv", "--reuid", "1", "true"])
    yield (
        "leave the group by a mount",
        partial(said, [*cgroups, "mount -t cgroup2 none /mnt && echo 0 > /mnt/cgroup.procs"]),
    )


def attacks(targets: Targets) -> Iterator[Attempt]:
    """What would take hold of a process, slow it or end it."""
    foreign = [int(pid) for pid in targets["pids"]]
    for pid in [*foreign, *ancestors()]:
        yield f"trace {pid}", partial(called, "ptrace", _PTRACE_SEIZE, pid, 0, 0)
        yield f"take a descriptor of {pid}", partial(take_descriptor, pid)
        yield f"enter {pid} by descriptor", partial(enter, pid)
        yield f"bound {pid}", partial(resource.prlimit, pid, resource.RLIMIT_NOFILE, (8, 8))
        yield f"slow {pid}", partial(os.setpriority, os.PRIO_PROCESS, pid, 19)
        yield f"pin {pid}", partial(os.sched_setaffinity, pid, {0})
        yield f"offer {pid} to the oom killer", partial(put, f"/proc/{pid}/oom_score_adj", "1000")
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
            yield f"send {number.name} to {pid}", partial(os.kill, pid, number)
            if pid in foreign:  # one's own group may be that of an ancestor
                yield f"send {number.name} to the group of {pid}", partial(os.killpg, pid, number)


def own_files(targets: Targets) -> list[str]:
    """What Headway keeps of this very run or release."""
    found = []
    if deployment := os.environ.get("HEADWAY_DEPLOYMENT_ID"):
        found += [
            f"{runs}/{deployment}.1/{name}" for runs in targets["runs"] for name in ("spool", "handle", "cgroups")
        ]
        found += [f"{logs}/{deployment}.log" for logs in targets["logs"]]
    if release := os.environ.get("HEADWAY_RELEASE_ID"):
        found += [f"{native}/releases/{release}/release.json" for native in targets["native"]]
    return found


def own_sockets(targets: Targets) -> list[str]:
    """The own anchor's."""
    deployment = os.environ.get("HEADWAY_DEPLOYMENT_ID")
    return [f"{runs}/{deployment}.1/socket" for runs in targets["runs"]] if deployment else []


def own_groups() -> Iterator[tuple[str, str]]:
    """Each mounted tree of control groups in which there is a folder of one's own, and that folder."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own.update(dict.fromkeys(controllers.split(","), path))
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, mount = before.split(" ")[3:5]
        names = {"cgroup": options.rpartition(" ")[2].split(","), "cgroup2": [""]}.get(kind, [])
        for path in {own[name] for name in names if name in own}:
            below = os.path.relpath(path, root)
            if below != "." and not below.startswith(".."):
                yield mount, f"{mount}/{below}"


def ancestors() -> list[int]:
    """The processes above this one that are somebody else's: a first process and its anchor, or the supervisor."""
    found, pid = [], os.getppid()
    while pid > 0:
        status = Path(f"/proc/{pid}/status").read_text()
        (uid,) = re.findall(r"^Uid:\s+(\d+)", status, re.MULTILINE)
        (parent,) = re.findall(r"^PPid:\s+(\d+)", status, re.MULTILINE)
        if int(uid) != os.getuid():
            found.append(pid)
        pid = int(parent)
    return found


def strangers() -> list[int]:
    """Descriptors beside the three that every program has."""
    found = []
    for path in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):  # the one by which the folder was listed
            os.fstat(int(path.name))
            found.append(int(path.name))
    return some_of(sorted(set(found) - {0, 1, 2}))


def read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(16)


def opened(path: str, flags: int) -> str:
    os.close(os.open(path, flags))
    return path


def listed(path: str) -> int:
    return len(list(Path(path).iterdir()))


def by_link(link: Path, target: str) -> bytes:
    with contextlib.suppress(FileExistsError):
        link.symlink_to(target)
    return read(str(link))


def connect(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
    return path


def put(path: str, text: str) -> int:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        return os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def said(argv: list[str]) -> str:
    ended = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS_PER_COMMAND, check=False
    )
    if ended.returncode != 0:
        words = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise Refused(words[:100] or f"exit status {ended.returncode}")
    return ended.stdout.decode(errors="replace")


def is_said(words: str, argv: list[str]) -> str:
    return words if words in said(argv) else refuse("somebody else")


def called(name: str, *arguments: int) -> int:
    result: int = getattr(libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def may_be_there(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except PermissionError:  # of a folder above it
        return True
    return True


def raise_limit() -> None:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))
    except ValueError as error:  # which is how Python says EPERM here
        raise Refused(str(error)) from error


def take_descriptor(pid: int) -> int:
    return called("syscall", _PIDFD_GETFD, os.pidfd_open(pid), 0, 0)


def enter(pid: int) -> int:
    return called("setns", os.pidfd_open(pid), _CLONE_NEWNS)


def some_of(given: T) -> T:
    return given or refuse("none")


def refuse(why: str) -> NoReturn:
    raise Refused(why)


if __name__ == "__main__":
    main()
