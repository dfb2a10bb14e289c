"""Files and folders of this machine, as a host offers them."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import secrets
import stat
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from headway.infra.hosts.base import FileFailed
from headway.infra.hosts.command import Account
from headway.infra.hosts.file_listing import Listing, list_below
from headway.infra.hosts.guarded_files import open_beneath, open_regular
from headway.kernel.errors import Conflict

T = TypeVar("T")

TRAVERSABLE = 0o711
REMOVAL_SECONDS = 10.0
AT_FDCWD = -100
RENAME_NOREPLACE = 1
# Large trees take minutes, and logs and fences need the threads that all others share.
_REMOVALS = ThreadPoolExecutor(2, "removal")
_SYNCS = ThreadPoolExecutor(2, "sync")  # a disk that is slow, or written to by others, takes long as well


class LocalFiles:
    """The part of the host contract that is about files, for this machine. ``own_folders`` are Headway's."""

    own_folders: Sequence[str] = ()

    async def make_folder(self, path: str, *, owner: Account | None = None, mode: int = 0o700) -> None:
        """Makes a folder (parents exist already or are made traversable, owned by the panel); no error if it exists."""
        await _in_thread("make the folder", path, lambda: _make_folder(Path(path), owner, mode))

    async def write_file(
        self, path: str, data: bytes, *, owner: Account | None = None, mode: int = 0o600, lasting: bool = True
    ) -> None:
        """Writes a file beside its name, syncs it and renames it into place. One that is not ``lasting`` is not synced:
        who finds it after a loss of power must not take it for what was written.
        """
        await _in_thread("write", path, lambda: _write_file(Path(path), data, owner, mode, lasting=lasting))

    async def read_file(self, path: str, limit: int = 1 << 20, *, below: str | None = None) -> bytes | None:
        """At most ``limit`` bytes of a regular file, None when there is none. With ``below``, raises LeadsOutside where
        a symbolic link leads out of that folder.
        """
        return await _in_thread("read", path, lambda: _read_file(path, limit, below))

    async def read_files(
        self, paths: Sequence[str], limit: int = 1 << 20, *, below: str | None = None
    ) -> list[bytes | None]:
        """The same of several files at once, in their order."""

        def read() -> list[bytes | None]:
            return [_told("read", path, partial(_read_file, path, limit, below)) for path in paths]

        return await asyncio.to_thread(read)

    async def list_files(self, folder: str, *, without: Collection[str], deepest: int) -> Listing:
        """The regular files and links below a folder, at most so many folders deep, those nearest to it first, until it
        is enough; nothing in folders of the names ``without``. No link is followed. Raises FileFailed.
        """
        return await _in_thread("look into", folder, lambda: list_below(folder, without, deepest))

    async def stamps(self, paths: Sequence[str]) -> list[str]:
        """What changes whenever somebody changes what is at these paths themselves (no link is followed), or what a
        folder among them has; "" where nothing can be seen. The last part behind a colon is when that was, in seconds.
        """
        return await asyncio.to_thread(lambda: [_stamp(path) for path in paths])

    async def remove_tree(self, path: str) -> None:
        """Removes a file or folder and all below it, following no link; no error when it is gone."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(_REMOVALS, lambda: remove_tree(path))

    async def remove_files(self, folder: str, prefix: str) -> None:
        """Removes what is in a folder (not below it) and no folder itself, of those names that begin with ``prefix``;
        no error when there is none. Fails where the folder is a symbolic link.
        """
        await _in_thread("remove files from", folder, lambda: _remove_files(folder, prefix))

    async def rename(self, source: str, target: str) -> None:
        """Moves within one file system. Raises Conflict when the target exists."""
        await _in_thread("move", source, lambda: _rename(source, target))

    async def sync(self, *paths: str) -> None:
        """Returns once the disks have all that was written by now on the file systems that hold Headway's own folders
        and these paths; one that is not there is passed over. Raises FileFailed.
        """
        await asyncio.get_running_loop().run_in_executor(_SYNCS, _sync, [*self.own_folders, *paths])

    async def free_bytes(self, path: str) -> int:
        """Free space, in bytes, of the file system that holds ``path``."""
        return await _in_thread("look at", path, lambda: _free_bytes(path))


async def _in_thread(what: str, path: str, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(_told, what, path, work)


def _told(what: str, path: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        reason = error.strerror or str(error)
        msg = f"Cannot {what} {path}: {reason}."
        raise FileFailed(msg) from error


def _make_folder(path: Path, owner: Account | None, mode: int) -> None:
    for parent in reversed(path.parents):
        if not parent.is_dir():
            with suppress(FileExistsError):
                parent.mkdir(mode=TRAVERSABLE)
                parent.chmod(TRAVERSABLE)  # whatever the umask took away
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    # By descriptor, and through no link: in a folder of somebody else the name may be another thing by now.
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _give(opened, owner, mode)
    finally:
        os.close(opened)


def _write_file(path: Path, data: bytes, owner: Account | None, mode: int, *, lasting: bool) -> None:
    draft = f".{secrets.token_hex(8)}.new"
    with _folder(path.parent, owner) as folder:
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            with os.fdopen(opened, "wb", buffering=0) as file:
                _write_all(file.fileno(), data)
                _give(file.fileno(), owner, mode)
                if lasting:
                    os.fsync(file.fileno())
            os.rename(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=folder)
            raise
        if lasting:
            os.fsync(folder)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _give(opened: int, owner: Account | None, mode: int) -> None:
    if owner:
        os.fchown(opened, owner.uid, owner.gid)
    os.fchmod(opened, mode)


@contextmanager
def _folder(path: Path, owner: Account | None) -> Iterator[int]:
    """The folder of what is somebody else's is no link: it may be theirs as well."""
    through = 0 if owner is None else os.O_NOFOLLOW
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | through)
    try:
        yield opened
    finally:
        os.close(opened)


def _read_file(path: str, limit: int, below: str | None) -> bytes | None:
    opened = open_regular(path) if below is None else open_beneath(below, path)
    if opened is None:
        return None
    with os.fdopen(opened, "rb") as file:
        return file.read(limit)


def _stamp(path: str) -> str:
    try:
        it = os.lstat(path)
    except OSError:
        return ""
    parts = (it.st_dev, it.st_ino, it.st_mode, it.st_uid, it.st_gid, it.st_size, int(it.st_mtime), int(it.st_ctime))
    return ":".join(map(str, parts))


def remove_tree(path: str) -> None:
    """Removes a file or folder and all below it, following no link; no error when it is gone. Raises FileFailed, also
    where somebody writes into it for too long.
    """
    _told("remove", path, lambda: _remove_tree(path))


def _remove_tree(path: str) -> None:
    """Leaves folders to `rm`, which walks by descriptors, follows no link and stands any depth."""
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            Path(path).unlink()
            return
    except FileNotFoundError:
        return
    deadline = time.monotonic() + REMOVAL_SECONDS
    while complaint := _run("/bin/rm", "-rf", "--", path):
        # Somebody still writes into it, or (where we are not root) has made a folder in it read-only.
        if time.monotonic() > deadline:
            raise OSError(errno.EBUSY, complaint.rpartition(": ")[2])
        if os.geteuid() != 0:
            _run("/bin/chmod", "-R", "u+rwX", "--", path)
        time.sleep(0.01)


def _run(*argv: str) -> str:
    """The last line in which a program complains, "" when it succeeds."""
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, env={"LC_ALL": "C"})
    lines = ended.stderr.decode(errors="replace").strip().splitlines()
    return "" if ended.returncode == 0 else (lines or [f"{argv[0]} ended with {ended.returncode}"])[-1]


def _remove_files(folder: str, prefix: str) -> None:
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        with os.scandir(opened) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(prefix)]
        for name in names:
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(name, dir_fd=opened)
    finally:
        os.close(opened)


def _rename(source: str, target: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), RENAME_NOREPLACE)
    if done == 0:
        return
    number = ctypes.get_errno()
    if number in {errno.EEXIST, errno.ENOTEMPTY}:
        msg = f"Cannot move {source} to {target}: that exists already."
        raise Conflict(msg)
    raise OSError(number, os.strerror(number))


def _sync(paths: Sequence[str]) -> None:
    synced: set[int] = set()
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            device = Path(path).stat().st_dev
            if device not in synced:
                synced.add(device)
                _told("put on the disk what was written to", path, partial(_sync_file_system, path))


def _sync_file_system(path: str) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(opened):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(opened)


def _free_bytes(path: str) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
