"""What a process writes in its release, kept apart from the release and thrown away with the process.

Launchers import this with the standard library alone, before they drop their rights. Three forms, the first that the
kernel lets be: an overlay whose lower layer shows the files of root as the account's own; an overlay in which their
owners are changed at the start, but for what was installed; a copy of all but what was installed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headway.drivers.runtimes.launch.overlay import INSTALLED, bind, lay_over
from headway.infra.hosts import procfs

FOLDER = "layers"
TOLD = "layer.json"
BYTES = 1 << 30
SETTING = "HEADWAY_APPLICATION_LAYER"
OVERLAY, OWNERS, COPY = "overlay", "owners", "copy"

_BEGUN = ".headway-begun"
_FICLONE = 0x40049409
_PIECE = 8 << 20
_RM = "/bin/rm"
_MOST_ATTEMPTS = 500  # of some microseconds each


class NotLaid(Exception):
    """There can be no layer over this, or a folder in it cannot stay."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def lay(root: str, release_id: str, terms: Mapping[str, Any], *, parted: bool) -> str:
    """Makes the layer of this process; gives the folder that it is to be in. ``terms`` are the release's ``folder``,
    the account's ``uid`` and ``gid`` (None: its own), its ``home``, the folders to ``keep``, the ``program`` (empty for
    what runs beside the release's own), ``app_name`` and ``bytes``. It is ``parted`` in mounts of its own. Raises
    NotLaid, and OSError.
    """
    began = time.monotonic()
    place = own_folder(root, release_id, terms["program"])
    with _of_release(root, terms["folder"]) as (lower, real):
        terms = {**terms, "folder": real}
        form, folder = _laid(place, lower, terms, parted=parted)
    _tell(place, {**terms, "form": form})
    if form != OVERLAY:
        took = time.monotonic() - began
        os.write(2, f"headway: {SENTENCES[form]} This took {took:.1f} s at the start.\n".encode())
    for path in terms["keep"]:
        _keep(path, folder, terms, bound=form != COPY)
    return folder


# Told by no failure as what a program said: kernel/failures/explanation.py knows how they begin.
SENTENCES: Mapping[str, str] = {
    OWNERS: "The kernel lends no file under another owner here, so each file of the release was given to the process "
    "in its layer; what is in node_modules and .venv can be read only.",
    COPY: "The kernel refuses an overlay here, so this process works in a copy of its release; node_modules and .venv "
    "are the release's own, for reading only.",
}


def is_alive(name: str, started: Callable[[], Mapping[int, tuple[int, int]]]) -> bool:
    """Whether the process that a layer is called after lives. ``started`` gives, by pid, when each process of the
    machine was started, and the namespace that it counts processes in.
    """
    return pid_of(name, started) is not None


def pid_of(name: str, started: Callable[[], Mapping[int, tuple[int, int]]]) -> int | None:
    """The pid of the process that a layer is called after, as this process counts; None where it has ended."""
    with contextlib.suppress(ValueError):
        pid, begun, namespace = name.rpartition("+")[2].split("-")
        if int(namespace) == procfs.namespace(procfs.SELF, "pid"):
            return int(pid) if procfs.start_time(int(pid)) == int(begun) else None
        alike = (each for each, seen in started().items() if seen == (int(begun), int(namespace)))
        return next((each for each in alike if procfs.status(each, "NSpid")[-1:] == [pid]), None)
    return None


def all_started() -> dict[int, tuple[int, int]]:
    """See ``is_alive``."""
    found = {}
    for pid in procfs.pids():
        with contextlib.suppress(OSError):
            begun = procfs.start_time(pid)
            if begun is not None:
                found[pid] = (begun, _counted_in(pid))
    return found


def clear(place: str) -> None:
    """Removes a layer whose process has ended."""
    for above, folders, _ in os.walk(place) if os.geteuid() != 0 else ():
        for path in (f"{above}/{name}" for name in folders):
            if not os.path.islink(path):  # noqa: PTH114 - pathlib is one import more
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)  # noqa: PTH101 - as above; the kernel closes some to all, and programs others
    # In a program of its own, which is stopped by no depth.
    pid = os.posix_spawn(_RM, ("rm", "-rf", "--one-file-system", "--", place), {})
    os.waitpid(pid, 0)


# ---- the three forms


@contextlib.contextmanager
def _of_release(root: str, folder: str) -> Iterator[tuple[int, str]]:
    """The folder of a release, opened, and its path without links: nothing but what lies in the release, whatever its
    build has put in its place, and nothing that anybody but root can change. Root shows all that is in it as the
    account's own, and finds it by that path. Raises NotLaid.
    """
    releases = f"{os.path.dirname(root)}/releases/"  # noqa: PTH120 - as above
    parts = folder.removeprefix(releases).split("/")
    release = f"{releases}{'/'.join(parts[:2])}" if folder.startswith(releases) else os.path.dirname(folder)  # noqa: PTH120 - as above
    real, own = os.path.realpath(folder), os.path.realpath(release)
    if real != own and not real.startswith(f"{own}/"):
        raise NotLaid(
            "The build path leads out of the release by a symbolic link, which its build has put there. Let the build "
            "leave a folder, and deploy again."
        )
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(own, flags)
    try:
        for part in ("", *(each for each in real.removeprefix(own).split("/") if each)):
            if part:
                below = os.open(part, flags, dir_fd=opened)
                os.close(opened)
                opened = below
            seen = os.fstat(opened)
            if os.geteuid() == 0 and (seen.st_uid != 0 or seen.st_mode & 0o022):
                raise NotLaid("A folder of the release is not closed to its build: deploy again.")
        yield opened, real
    finally:
        os.close(opened)


def _laid(place: str, lower: int, terms: Mapping[str, Any], *, parted: bool) -> tuple[str, str]:
    """The form that could be, and the folder to be in."""
    account = _account(terms)
    forms: list[tuple[str, Callable[[], str]]] = [
        (OVERLAY, lambda: lay_over(place, lower, terms["folder"], account, lent=True)),
        (OWNERS, lambda: lay_over(place, lower, terms["folder"], account, lent=False)),
    ]
    for form, lay_form in forms if parted else ():
        if form == OWNERS and account is None:
            break
        try:
            return form, lay_form()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
    return COPY, _copied(place, terms["folder"], account, terms["bytes"])


def _copied(place: str, folder: str, account: tuple[int, int] | None, most: int) -> str:
    """A copy of the release as the account's own, made by it."""
    target = f"{place}/upper"
    if not os.path.isdir(target):  # noqa: PTH112 - as above
        os.mkdir(target, 0o700)  # noqa: PTH102 - as above
    if account is not None and os.geteuid() == 0:
        os.chown(target, *account)
    os.chmod(place, 0o711)  # noqa: PTH101, S103 - its account passes through
    _by(account, lambda: _copy(folder, target, [most]))
    return target


def _copy(source: str, target: str, left: list[int]) -> None:
    for entry in os.scandir(source):
        to = f"{target}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), to)  # noqa: PTH115, PTH211 - as above
        elif entry.is_dir(follow_symlinks=False) and entry.name in INSTALLED:
            os.symlink(entry.path, to)  # noqa: PTH211 - as above
        elif entry.is_dir(follow_symlinks=False):
            os.mkdir(to, 0o700)  # noqa: PTH102 - as above
            _copy(entry.path, to, left)
            _alike(entry, to)
        elif entry.is_file(follow_symlinks=False):
            left[0] -= entry.stat(follow_symlinks=False).st_size
            if left[0] < 0:
                raise OSError(errno.ENOSPC, f"a copy of the release is larger than {SETTING} lets it be; raise that")
            _copy_file(entry.path, to)
            _alike(entry, to)


def _copy_file(source: str, target: str) -> None:
    """Shares the blocks where the file system can."""
    import fcntl  # noqa: PLC0415 - no overlay needs it

    with open(source, "rb") as given, open(target, "xb") as made:  # noqa: PTH123 - as above
        try:
            fcntl.ioctl(made, _FICLONE, given.fileno())
        except OSError:
            while os.sendfile(made.fileno(), given.fileno(), None, _PIECE):
                pass


def _alike(entry: os.DirEntry[str], target: str) -> None:
    seen = entry.stat(follow_symlinks=False)
    os.chmod(target, (seen.st_mode & 0o777) | 0o600)  # noqa: PTH101 - as above
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))


# ---- what stays


def _keep(path: str, folder: str, terms: Mapping[str, Any], *, bound: bool) -> None:
    """Puts a folder of the application's data in the place of one of the release; what that held is copied there once.
    All that reads what others may have made of both is done by the account. Raises NotLaid.
    """
    inner, stays = f"{folder}/{path}", f"{terms['home']}/{path}"
    try:
        _by(_account(terms), lambda: _seed(inner, stays, link=not bound))
        if bound:
            with _beneath(terms["home"], path) as source, _beneath(folder, path) as target:
                bind(source, target)
    except OSError as error:
        raise NotLaid(
            f"The folder {path} cannot be kept in {stays}: {error.strerror or error}. It has to be a folder, and no "
            "link (headway apps set APP --keep FOLDER)."
        ) from error


def _seed(inner: str, stays: str, *, link: bool) -> None:
    above, _, name = stays.rpartition("/")
    os.makedirs(above, exist_ok=True)  # noqa: PTH103 - as above
    begun = f"{above}/.{name}{_BEGUN}"
    while os.path.lexists(begun) or not os.path.isdir(stays):  # noqa: PTH112 - as above
        _fill(inner, begun, stays)
    if not link:
        os.makedirs(inner, exist_ok=True)  # noqa: PTH103 - as above
        return
    if os.path.isdir(inner) and not os.path.islink(inner):  # noqa: PTH112, PTH114 - as above
        clear(inner)
    os.makedirs(inner.rpartition("/")[0], exist_ok=True)  # noqa: PTH103 - as above
    os.symlink(stays, inner)  # noqa: PTH211 - as above


def _fill(inner: str, begun: str, stays: str) -> None:
    """Copies the folder and gives it its name, for the one start that holds it; another one waits until that has ended.
    What one that was killed has left there goes first.
    """
    import fcntl  # noqa: PLC0415 - few starts copy

    with contextlib.suppress(FileExistsError):
        os.mkdir(begun, 0o750)  # noqa: PTH102 - as above
    try:
        held = os.open(begun, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # whoever held it has just given it its name
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not _is_at(begun, held):
            return
        for name in os.listdir(held):  # noqa: PTH208 - as above
            clear(f"{begun}/{name}")
        if os.path.isdir(stays):  # noqa: PTH112 - as above
            os.rmdir(begun)  # noqa: PTH106 - as above
            return
        try:
            if os.path.isdir(inner):  # noqa: PTH112 - as above
                _copy(inner, begun, [1 << 62])
            os.rename(begun, stays)  # noqa: PTH104 - as above
        except OSError:
            clear(begun)
            if not os.path.isdir(stays):  # noqa: PTH112 - as above; the application may have made it meanwhile
                raise
    finally:
        os.close(held)


def _is_at(path: str, held: int) -> bool:
    """Whether a folder that is open still has this name."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(held))


@contextlib.contextmanager
def _beneath(folder: str, path: str) -> Iterator[int]:
    """A folder below another, by no link."""
    found = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for part in path.split("/"):
            below = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found)
            os.close(found)
            found = below
        yield found
    finally:
        os.close(found)


# ---- small things


def own_folder(root: str, release_id: str, program: str) -> str:
    """The folder of this process' layer, called after the process; what an earlier copy of it has left goes."""
    above = f"{root}/{FOLDER}/{release_id}"
    place = folder_of(root, release_id, program, os.getpid())
    for attempt in range(_MOST_ATTEMPTS):
        try:
            _begin(above, program)
            if os.path.lexists(place):
                clear(place)
            os.mkdir(place, 0o700)  # noqa: PTH102 - as above
        except FileNotFoundError:  # whoever looks after layers took the folder away while it was empty
            if attempt == _MOST_ATTEMPTS - 1:
                raise
        else:
            break
    return place


def folder_of(root: str, release_id: str, program: str, pid: int) -> str:
    """The folder of the layer of a process."""
    return f"{root}/{FOLDER}/{release_id}/{program}+{pid}-{procfs.start_time(pid)}-{_counted_in(pid)}"


def _begin(above: str, program: str) -> None:
    """Makes the folder of a release's layers, and takes away what earlier copies of the program have left there."""
    for folder in (os.path.dirname(above), above):  # noqa: PTH120 - as above
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o711)  # noqa: PTH102 - as above
            os.chmod(folder, 0o711)  # noqa: PTH101, S103 - the umask may close it, and a copy is worked in below it
    for name in os.listdir(above) if program else ():  # noqa: PTH208 - as above
        if name.startswith(f"{program}+") and not is_alive(name, all_started):
            clear(f"{above}/{name}")


def _tell(place: str, told: Mapping[str, Any]) -> None:
    descriptor = os.open(f"{place}/{TOLD}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
        json.dump(told, file)


def _account(terms: Mapping[str, Any]) -> tuple[int, int] | None:
    """None where the process stays who it is."""
    uid = terms["uid"]
    return None if uid is None or uid == os.geteuid() else (uid, terms["gid"])


def _by(account: tuple[int, int] | None, work: Callable[[], None]) -> None:
    """Does it as the account, in a process of its own. Raises OSError with what that met."""
    import fcntl  # noqa: F401, PLC0415 - the account may not look where it lies

    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if account is not None:
                os.setgroups([])
                os.setgid(account[1])
                os.setuid(account[0])
            os.umask(0o027)
            work()
        except OSError as error:
            os.write(writing, f"{error.errno or 0} {error.strerror or error}".encode())
        except BaseException as error:  # noqa: BLE001 - the parent tells of it
            os.write(writing, f"0 {type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as said:  # noqa: PTH123 - as above
        number, _, why = said.read().decode(errors="replace").partition(" ")
    if os.waitpid(pid, 0)[1] != 0 or number:
        raise OSError(int(number or 0), why)


def _counted_in(pid: int) -> int:
    return procfs.namespace(f"{procfs.PROC}/{pid}", "pid")
