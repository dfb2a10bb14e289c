"""Reads an archive that somebody uploaded and writes what is in it as a plain tar that can be unpacked anywhere, or
says why not. It runs as a process of its own, with bounds and without rights, for what it reads may be made to do harm;
on standard error stands the sentence, or JSON: ``python -I -S repacker.py UID MOST_BYTES MOST_ENTRIES LEAST_FREE``.
"""

from __future__ import annotations

import bz2  # noqa: F401 - as the next ones: nothing can be imported once the rights are given up
import calendar
import contextlib
import ctypes
import encodings.cp437  # noqa: F401 - zip files of old programs name their entries in it
import gzip  # noqa: F401
import json
import lzma
import os
import resource
import signal
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MEMORY_BYTES = 256 << 20
CPU_SECONDS = 240
REFUSED, FULL = 3, 4  # its exit status
MOST_RATIO = 200
RATIO_COUNTS_FROM = 64 << 20

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MOST_LINKS = 40
_LONGEST_NAME = 4096
_LATEST = 2**33 - 1  # what a plain header of a tar holds of a time
_IGNORED = "__MACOSX"
_BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError),
    RuntimeError,  # a zip that is compressed in a way that is not known here
)
_KINDS: Mapping[int, str] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", 0: "file"}
_FOREIGN: Mapping[int, str] = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


class Refused(Exception):
    """The archive is not taken; the text says why, and what to do."""


class Full(Refused):
    """What is in the archive would take what others need of the disk."""


@dataclass(frozen=True)
class Entry:
    """One thing in the archive. ``kind`` is file, folder, link (symbolic) or same (a hard link to ``target``)."""

    name: str
    kind: str
    size: int
    mode: int
    time: int
    target: str = ""


class Bounds:
    """How much an archive may hold; asked after every entry."""

    def __init__(self, upload: IO[bytes], most_bytes: int, most_entries: int) -> None:
        self.entries = 0
        self.bytes = 0
        self.packed_bytes = 2 * tarfile.RECORDSIZE  # what a tar of it takes at most: heads, names, and filled up blocks
        self._upload_bytes = os.fstat(upload.fileno()).st_size
        self._most_bytes, self._most_entries = most_bytes, most_entries

    def add(self, entry: Entry) -> None:
        """Counts an entry. Raises Refused."""
        self.entries += 1
        self.bytes += max(entry.size, 0)
        self.packed_bytes += max(entry.size, 0) + 5 * tarfile.BLOCKSIZE + len(os.fsencode(entry.name + entry.target))
        if self.entries > self._most_entries:
            raise Refused(
                f"The archive holds more than {self._most_entries:,} entries. Leave out what the build makes or "
                "installs again (node_modules, virtual environments, caches)."
            )
        if self.bytes > self._most_bytes:
            raise Refused(
                f"Unpacked, the archive is larger than the {self._most_bytes >> 20} MiB allowed. Leave out what is not "
                "needed, or raise HEADWAY_UNPACKED_LIMIT."
            )
        if self.bytes > max(RATIO_COUNTS_FROM, MOST_RATIO * self._upload_bytes):
            raise Refused(
                f"Unpacked, the archive grows to more than {MOST_RATIO} times its size, which only files made to fill "
                "disks do. Leave out the files that hold nothing but repetition."
            )


class Zip:
    """A zip file, read twice: what is in it, and then the files."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file)

    def entries(self) -> Iterator[Entry]:
        for info in self._archive.infolist():
            yield self._entry(info)

    def contents(self) -> Iterator[tuple[Entry, IO[bytes] | None]]:
        for info in self._archive.infolist():
            entry = self._entry(info)
            yield entry, self._archive.open(info) if entry.kind == "file" else None

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        # Programs of Windows write its separators, and say that it is where they ran.
        name = info.filename.replace("\\", "/") if info.create_system == 0 else info.filename
        mode = info.external_attr >> 16 if info.create_system == 3 else 0
        kind = "folder" if name.endswith("/") else _kind(mode, name)
        if info.flag_bits & 1:
            raise Refused(f"{_shown(name)} is encrypted. Pack it without a password.")
        target = self._target(info) if kind == "link" else ""
        size = info.file_size if kind == "file" else 0
        year, month, day, *clock = info.date_time
        time = calendar.timegm((year, min(max(month, 1), 12), max(day, 1), *clock))
        return Entry(name, kind, size, mode, time, target)

    def _target(self, info: zipfile.ZipInfo) -> str:
        if info.file_size > _LONGEST_NAME:
            raise Refused(f"The symbolic link {_shown(info.filename)} is longer than any path can be.")
        return self._archive.read(info).decode("utf-8", "surrogateescape")


class Tar:
    """A tar file, compressed or not, read twice from its beginning."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def entries(self) -> Iterator[Entry]:
        for _, info in self._members():
            yield _tar_entry(info)

    def contents(self) -> Iterator[tuple[Entry, IO[bytes] | None]]:
        for archive, info in self._members():
            yield _tar_entry(info), archive.extractfile(info) if info.isreg() else None

    def _members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        self._file.seek(0)
        with tarfile.open(fileobj=self._file, mode="r:*", errors="surrogateescape") as archive:
            while (info := archive.next()) is not None:
                yield archive, info
                archive.members = []  # type: ignore[attr-defined]  # it would keep all of them


Archive = Zip | Tar


def main(arguments: list[str]) -> int:
    """Repacks standard input to standard output."""
    uid, most_bytes, most_entries, least_free = (int(each) for each in arguments)
    _give_up_rights(uid, most_bytes)
    try:
        with os.fdopen(0, "rb") as upload, os.fdopen(1, "wb") as target:
            found = repack(upload, target, Bounds(upload, most_bytes, most_entries), least_free)
    except Refused as refusal:
        return _say(str(refusal), FULL if isinstance(refusal, Full) else REFUSED)
    except MemoryError:
        return _say("The archive cannot be read within the memory that is given to it. Pack it again.")
    except _BROKEN as error:
        return _say(f"The archive cannot be read ({_shown(str(error))}). It may be cut off: pack and send it again.")
    sys.stderr.write(json.dumps(found))
    return 0


def repack(upload: IO[bytes], target: IO[bytes], bounds: Bounds, least_free: int) -> dict[str, int]:
    """Writes the tar once all that is in the upload is known to be harmless, and to leave so much of the disk free.
    Raises Refused, and what the readers raise for a broken archive.
    """
    archive = _opened(upload)
    tree = Tree()
    for entry in archive.entries():
        bounds.add(entry)
        tree.add(entry)
    tree.check()
    _take_room(target, bounds.packed_bytes, least_free)
    _write(archive, tree, target)
    return {"entries": tree.count, "bytes": bounds.bytes}


class Tree:
    """What the archive would make of an empty folder."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._has_root = False
        self._top = ""

    @property
    def count(self) -> int:
        """How many things it holds."""
        return len(self._kinds)

    def add(self, entry: Entry) -> None:
        """Adds an entry. Raises Refused for one that could not be unpacked, or would do harm."""
        path = plain_path(entry.name)
        if not path:
            self._has_root = self._has_root or (path == "" and entry.kind == "folder")
            return
        if entry.mode & (stat.S_ISUID | stat.S_ISGID) and entry.kind != "folder":
            raise Refused(f"{_shown(path)} is set to run with its owner's rights (setuid). Take that away: chmod ug-s.")
        if path in self._kinds and (entry.kind, self._kinds[path]) != ("folder", "folder"):
            raise Refused(f"The archive holds {_shown(path)} twice. Pack it again from the folder itself.")
        if entry.kind == "same" and self._kinds.get(plain_path(entry.target) or "") not in {"file", "same"}:
            raise Refused(f"{_shown(path)} is a hard link to {_shown(entry.target)}, which is not in the archive.")
        if entry.kind == "link":
            self._links[path] = entry.target
        self._kinds[path] = entry.kind

    def check(self) -> None:
        """What can be told only of the whole. Raises Refused."""
        if not self._kinds:
            raise Refused("The archive is empty. Pack the folder that holds what is to be deployed.")
        for path in self._kinds:
            for parent in (path[:at] for at, each in enumerate(path) if each == "/"):
                if self._kinds.get(parent, "folder") != "folder":
                    raise Refused(f"{_shown(path)} lies below {_shown(parent)}, which is a {self._kinds[parent]}.")
        self._top = self._find_top()
        self._links = {self.placed(path): target for path, target in self._links.items()}
        for path, target in self._links.items():
            if self._leads_out(path, target):
                raise Refused(
                    f"The symbolic link {_shown(path)} leads out of the archive, to {_shown(target)}. Put the file "
                    "itself there, or make the link relative."
                )

    def placed(self, path: str) -> str:
        """Where an entry comes to lie, the one folder around all the rest left out; "" is the root."""
        return path.removeprefix(self._top).lstrip("/") if self._top else path

    def _find_top(self) -> str:
        """The one folder that all the rest lies in, as programs pack a folder by its name; "" where there is none, or
        where the archive says itself what its root is.
        """
        tops = {path.partition("/")[0] for path in self._kinds}
        (top,) = tops if len(tops) == 1 else ("",)
        return top if not self._has_root and self._kinds.get(top, "folder") == "folder" else ""

    def _leads_out(self, link: str, target: str) -> bool:
        stack = link.split("/")[:-1]
        todo = target.split("/")[::-1]
        followed = 0
        if target.startswith("/"):
            return True
        while todo:
            part = todo.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                if not stack:
                    return True
                stack.pop()
                continue
            stack.append(part)
            leads = self._links.get("/".join(stack))
            if leads is not None:
                followed += 1
                if followed > _MOST_LINKS or leads.startswith("/"):
                    return leads.startswith("/")
                stack.pop()
                todo += leads.split("/")[::-1]
        return False


def plain_path(name: str) -> str | None:
    """The entry's path without detours; "" is the root, None what no unpacked archive needs. Raises Refused."""
    if "\0" in name or len(os.fsencode(name)) > _LONGEST_NAME:
        raise Refused(f"The archive names a file in a way that no disk can hold: {_shown(name)}.")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":" and name[0].isalpha() and name[2:3] in {"/", "\\"}):
        raise Refused(
            f"The archive holds the absolute path {_shown(name)}. Pack it relative to the folder of what is deployed."
        )
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise Refused(f"The archive holds {_shown(name)}, which leads out of it. Pack that folder itself.")
    if any(len(os.fsencode(part)) > 255 for part in parts):
        raise Refused(f"The archive holds a name of more than 255 bytes: {_shown(name)}.")
    return None if parts[:1] == [_IGNORED] else "/".join(parts)


def _opened(upload: IO[bytes]) -> Archive:
    head = upload.read(6)
    upload.seek(0)
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}:
        return Zip(upload)
    if head[:4] == b"\x28\xb5\x2f\xfd" or head[:4] == b"7z\xbc\xaf" or head[:4] == b"Rar!":
        raise Refused("Archives of zstd, 7z and rar cannot be read here. Pack it as zip, tar, tar.gz or tar.xz.")
    return Tar(upload)


def _write(archive: Archive, tree: Tree, target: IO[bytes]) -> None:
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT, errors="surrogateescape") as packed:
        for entry, file in archive.contents():
            path = plain_path(entry.name)
            placed = tree.placed(path) if path else ""
            if not placed:
                continue
            info = tarfile.TarInfo(placed)
            info.mtime = min(max(entry.time, 0), _LATEST)
            info.mode = 0o755 if entry.kind == "folder" or entry.mode & 0o111 else 0o644
            info.type, info.size = _TYPES[entry.kind], entry.size if entry.kind == "file" else 0
            if entry.kind in {"link", "same"}:
                info.linkname = entry.target if entry.kind == "link" else tree.placed(plain_path(entry.target) or "")
            packed.addfile(info, file if entry.kind == "file" else None)
    target.truncate()
    os.fsync(target.fileno())


_TYPES: Mapping[str, bytes] = {
    "file": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "same": tarfile.LNKTYPE,
}


def _tar_entry(info: tarfile.TarInfo) -> Entry:
    if info.isreg():
        return Entry(info.name, "file", info.size, info.mode, int(info.mtime))
    if info.isdir():
        return Entry(info.name, "folder", 0, info.mode, int(info.mtime))
    if info.issym() or info.islnk():
        return Entry(info.name, "link" if info.issym() else "same", 0, 0, int(info.mtime), info.linkname)
    what = "a device" if info.isdev() and not info.isfifo() else "a pipe" if info.isfifo() else "no file"
    raise _foreign(info.name, what)


def _kind(mode: int, name: str) -> str:
    form = stat.S_IFMT(mode)
    if form in _KINDS:
        return _KINDS[form]
    raise _foreign(name, _FOREIGN.get(form, "no file"))


def _foreign(name: str, what: str) -> Refused:
    return Refused(f"{_shown(name)} is {what}. An archive holds files, folders and links only: leave it out.")


def _shown(text: str) -> str:
    """A name as a sentence can hold it: on one line, not too long, nothing that a terminal would act on."""
    plain = "".join(each if each.isprintable() else "?" for each in text)
    return f"'{plain if len(plain) <= 120 else plain[:119] + '…'}'"


def _say(sentence: str, status: int = REFUSED) -> int:
    sys.stderr.write(sentence)
    return status


def _take_room(target: IO[bytes], size: int, least_free: int) -> None:
    """Takes what the tar needs at once, so that whoever looks at the disk meanwhile sees it gone. Raises Full."""
    for wanted in (size, 0):  # the second look sees what another one has taken between the first and the taking
        disk = os.fstatvfs(target.fileno())
        free = disk.f_bavail * disk.f_frsize
        if free - wanted < least_free:
            raise Full(
                f"Unpacked, the archive takes {size >> 20} MiB of the panel's disk, of which {free >> 20} MiB are free "
                f"and {least_free >> 20} MiB stay so (HEADWAY_LEAST_FREE). 'headway disk' shows what holds it."
            )
        with contextlib.suppress(OSError):  # a file system that cannot, or is full: writing tells which
            os.posix_fallocate(target.fileno(), 0, max(wanted, 1))


def _give_up_rights(uid: int, most_bytes: int) -> None:
    Path("/proc/self/oom_score_adj").write_text("1000")  # where memory is short this goes first, not what serves
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (most_bytes + (1 << 30),))  # and the headers of all entries
    if uid >= 0 and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
