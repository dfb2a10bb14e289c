"""Mounts of a process' own, and in them an overlay over a release: what is written there lies beside the release.

Launchers import this with the standard library alone, before they drop their rights.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from typing import Any

from headway.infra.hosts import procfs

INSTALLED = frozenset(("node_modules", ".venv", "venv"))

_HERE = -100  # AT_FDCWD
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_CLONE, _CLOSE_ON_EXEC, _EMPTY_PATH, _FROM_EMPTY = 1, 0o2000000, 0x1000, 4
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_BIND, _SLAVE, _RECURSIVE = 0x1000, 0x80000, 0x4000
_IDMAP, _DETACH = 0x100000, 2
_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_PR_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 4
_LAST_ID = 0xFFFFFFFE
# The first that the kernel takes. What a layer holds is never worth waiting for a disk.
_OPTIONS = ("redirect_dir=on,volatile", "redirect_dir=on", "userxattr")
_OPTIONS_GIVEN = ("redirect_dir=on,metacopy=on,volatile", *_OPTIONS)  # an owner alone takes no copy of the content
_OPTIONS_OF_NOBODY = ("userxattr,volatile", "userxattr")


def part_mounts() -> bool:
    """Gives this process mounts of its own, of which nobody else sees anything; whether that could be."""
    library = ctypes.CDLL(None)
    if os.geteuid() == 0:
        parted: bool = library.unshare(_NEW_MOUNTS) == 0
        return parted and bool(library.mount(None, b"/", None, _SLAVE | _RECURSIVE, None) == 0)
    return _can_be_alone() and _be_alone()


def _be_alone() -> bool:
    """Gives a process that is not root mounts of its own, in a namespace of users that holds itself alone."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(_NEW_MOUNTS | _NEW_USERS) != 0:
        return False
    try:
        _write(f"{procfs.SELF}/setgroups", "deny")
        _write(f"{procfs.SELF}/uid_map", f"{uid} {uid} 1")
        _write(f"{procfs.SELF}/gid_map", f"{gid} {gid} 1")
    except OSError:
        return False
    return True


def _can_be_alone() -> bool:
    """Whether that could be: tried in a process that ends at once, since there is no way back where it goes wrong."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if _be_alone() else 1)
    return os.waitpid(pid, 0)[1] == 0


def lay_over(place: str, release: int, folder: str, account: tuple[int, int] | None, *, lent: bool) -> str:
    """Puts an overlay over an open ``release`` at its ``folder``, whose upper layer lies in ``place``; the files of the
    release are ``lent`` to the account as its own, or given to it one by one, but for what was installed. Raises
    OSError.
    """
    os.chdir(place)
    shown = procfs.opened(release)
    mode = os.stat(shown).st_mode & 0o7777  # noqa: PTH116 - as above
    for name in ("lower", "upper", "work"):
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700)  # noqa: PTH102 - as above
    os.chmod("upper", mode)  # noqa: PTH101 - as above
    owner = account if account is not None and os.geteuid() == 0 else None
    if owner is not None:
        os.chown("upper", *owner)
    _show_lower(shown, owner if lent else None)
    try:
        with _as_owner(owner):
            _mount_overlay(folder, _options(lent=lent))
    finally:
        _call("umount2", b"lower", _DETACH)
    if not lent and owner is not None:
        try:
            _give(folder, owner)
        except OSError:
            _call("umount2", folder.encode(), _DETACH)
            raise
    return folder


def _show_lower(folder: str, owner: tuple[int, int] | None) -> None:
    """Shows the release at ``lower``, with the files of root under this owner."""
    if owner is None:
        _call("mount", folder.encode(), b"lower", None, _BIND, None)
        return
    tree = _syscall(_SYS_OPEN_TREE, _HERE, folder.encode(), _CLONE | _CLOSE_ON_EXEC)
    try:
        with _users(*owner) as users:
            wanted = (ctypes.c_uint64 * 4)(_IDMAP | _READ_ONLY | _NO_SETUID | _NO_DEVICES, 0, 0, users)
            _syscall(_SYS_MOUNT_SETATTR, tree, b"", _EMPTY_PATH, wanted, ctypes.sizeof(wanted))
        _syscall(_SYS_MOVE_MOUNT, tree, b"", _HERE, b"lower", _FROM_EMPTY)
    finally:
        os.close(tree)


def _mount_overlay(folder: str, options: tuple[str, ...]) -> None:
    """By names relative to where we are, which need no quoting."""
    for number, wanted in enumerate(options, 1):
        data = f"lowerdir=lower,upperdir=upper,workdir=work,{wanted}".encode()
        try:
            _call("mount", b"overlay", folder.encode(), b"overlay", _NO_SETUID | _NO_DEVICES, data)
        except OSError:
            if number == len(options):
                raise
        else:
            return


def _options(*, lent: bool) -> tuple[str, ...]:
    if os.geteuid() != 0:
        return _OPTIONS_OF_NOBODY
    return _OPTIONS if lent else _OPTIONS_GIVEN


@contextlib.contextmanager
def _as_owner(owner: tuple[int, int] | None) -> Iterator[None]:
    """What is mounted meanwhile writes as this account, and takes nothing of what a disk keeps back for root."""
    if owner is None:
        yield
        return
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)  # else the rights to mount would go with the account
    library.setfsgid(owner[1])
    library.setfsuid(owner[0])
    try:
        yield
    finally:
        library.setfsuid(0)
        library.setfsgid(0)
        library.prctl(_PR_SET_SECUREBITS, 0, 0, 0, 0)


@contextlib.contextmanager
def _users(uid: int, gid: int) -> Iterator[int]:
    """A namespace in which the account has root's files and root has the account's."""
    ready, done = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        made = ctypes.CDLL(None).unshare(_NEW_USERS) == 0
        os.write(ready[1], b"y" if made else b"n")
        os.close(done[1])
        os.read(done[0], 1)
        os._exit(0)
    users = -1
    try:
        os.close(done[0])
        if os.read(ready[0], 1) != b"y":
            raise OSError(errno.EPERM, "the kernel makes no namespace of users")
        _write(f"{procfs.PROC}/{pid}/uid_map", _exchanged(uid))
        _write(f"{procfs.PROC}/{pid}/gid_map", _exchanged(gid))
        users = os.open(f"{procfs.PROC}/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        yield users
    finally:
        for descriptor in (users, done[1], *ready):
            if descriptor >= 0:
                os.close(descriptor)
        os.waitpid(pid, 0)


def _exchanged(number: int) -> str:
    """Everybody as they are, but root and this one, who change places."""
    rows = [(0, number, 1), (1, 1, number - 1), (number, 0, 1), (number + 1, number + 1, _LAST_ID - number)]
    return "".join(f"{inner} {outer} {count}\n" for inner, outer, count in rows if count > 0)


def _give(folder: str, owner: tuple[int, int]) -> None:
    """All but what is in the folders of what was installed, of which there can be too much for a start."""
    os.chown(folder, *owner)
    for _, folders, files, above in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, *owner, dir_fd=above, follow_symlinks=False)
        folders[:] = [name for name in folders if name not in INSTALLED]


def bind(source: int, target: int) -> None:
    """Puts an open folder in the place of another."""
    _call("mount", procfs.opened(source).encode(), procfs.opened(target).encode(), None, _BIND, None)


def show_instead(folder: str, mount: str) -> None:
    """Shows a folder of what is mounted there in the place of all of it, for reading. What was there goes, so that
    programs that look for it among the mounts find one; on a kernel that cannot keep the folder meanwhile it stays
    below. Raises OSError.
    """
    try:
        tree = _syscall(_SYS_OPEN_TREE, _HERE, folder.encode(), _CLONE | _CLOSE_ON_EXEC)
    except OSError:
        _call("mount", folder.encode(), mount.encode(), None, _BIND, None)
        return
    try:
        with contextlib.suppress(OSError):
            wanted = (ctypes.c_uint64 * 4)(_READ_ONLY | _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS, 0, 0, 0)
            _syscall(_SYS_MOUNT_SETATTR, tree, b"", _EMPTY_PATH, wanted, ctypes.sizeof(wanted))
        with contextlib.suppress(OSError):
            _call("umount2", mount.encode(), _DETACH)
        _syscall(_SYS_MOVE_MOUNT, tree, b"", _HERE, mount.encode(), _FROM_EMPTY)
    finally:
        os.close(tree)


def cover(folder: str) -> None:
    """Puts an empty folder over another, in which nothing can be made. Raises OSError."""
    flags = _READ_ONLY | _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS
    _call("mount", b"tmpfs", folder.encode(), b"tmpfs", flags, b"mode=555")


def _call(name: str, *arguments: Any) -> int:  # noqa: ANN401 - what C takes
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    return _checked(function(*arguments))


def _syscall(number: int, *arguments: Any) -> int:  # noqa: ANN401 - what C takes
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return _checked(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *words))


def _checked(done: int) -> int:
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
