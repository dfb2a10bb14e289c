"""Archives of a data directory: one compressed file for its owner, with a header that says what it is and a sum for
every member, so that it can be checked to the last byte before anything is made of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput

FORMAT = 1
_HEADER = "headway-backup.json"
_SUMS = "sums.json"
_SMALL = 16 << 20  # header and sums; what is larger is none of ours
_PIECE = 1 << 20


class NotABackup(InvalidInput):
    """The file is no archive of Headway, or not a whole one."""


class CannotWriteArchive(HeadwayError):
    """The archive cannot be written where it was wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a checked archive says of itself, and its members with their sizes."""

    header: Mapping[str, Any]
    members: Mapping[str, int]


def write_archive(path: Path, header: Mapping[str, Any], members: Iterable[tuple[str, Path]]) -> int:
    """Writes the archive beside ``path`` and renames it: there is a whole one or none. Its size in bytes.

    A file that vanishes meanwhile is left out. Raises CannotWriteArchive.
    """
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 600
    except OSError as error:
        raise CannotWriteArchive(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            _fill(file, {"format": FORMAT, **header}, members)
            file.flush()
            os.fsync(file.fileno())
        size = Path(draft).stat().st_size
        Path(draft).replace(path)
        _sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            Path(draft).unlink()
        if isinstance(error, OSError):
            raise CannotWriteArchive(f"{path} cannot be written: {error.strerror}.") from error
        raise
    return size


def _sync_folder(folder: Path) -> None:
    """The name of what was renamed there survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_archive(path: Path) -> Contents:
    """Reads the whole archive and compares every member with its sum; writes nothing. Raises NotABackup."""
    found: dict[str, tuple[int, str]] = {}
    small: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                held = _opened(tar, member)
                if member.name in {_HEADER, _SUMS}:
                    small[member.name] = held.read(_SMALL)
                else:
                    found[_checked_name(member.name)] = (member.size, _sum_of(held))
        header, sums = json.loads(small[_HEADER]), json.loads(small[_SUMS])
    except FileNotFoundError as error:
        raise NotABackup(f"There is no file {path}.") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, KeyError) as error:
        raise NotABackup(f"{path} is no whole backup of Headway: {_reason(error)}.") from error
    if {name: digest for name, (_, digest) in found.items()} != sums:
        raise NotABackup(f"{path} is damaged: what it holds is not what was written into it.")
    if header.get("format") != FORMAT:
        raise NotABackup(f"{path} was made by a newer Headway; restore it with that version.")
    return Contents(header=header, members={name: size for name, (size, _) in found.items()})


def unpack_archive(path: Path, folder: Path) -> None:
    """Writes the members of a checked archive below ``folder``, each for its owner only. Raises NotABackup."""
    with tarfile.open(path, "r:gz") as tar:
        for member in tar:
            if member.name in {_HEADER, _SUMS}:
                continue
            target = folder / _checked_name(member.name)
            for parent in [*reversed(target.relative_to(folder).parents)][1:]:
                (folder / parent).mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                held = _opened(tar, member)
                while piece := held.read(_PIECE):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())


def _fill(file: IO[bytes], header: Mapping[str, Any], members: Iterable[tuple[str, Path]]) -> None:
    sums: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
        _add_text(tar, _HEADER, json.dumps(header, indent=1))
        for name, path in members:
            with suppress(FileNotFoundError), path.open("rb") as source:
                info = tarfile.TarInfo(name)
                info.size = os.fstat(source.fileno()).st_size
                info.mode = 0o600
                info.mtime = int(os.fstat(source.fileno()).st_mtime)
                summing = _Summing(source, info.size)
                tar.addfile(info, summing)  # type: ignore[arg-type]  # it only reads
                sums[name] = summing.digest
        _add_text(tar, _SUMS, json.dumps(sums))


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    info.mode = 0o600
    tar.addfile(info, io.BytesIO(text.encode()))


class _Summing:
    """Reads exactly ``size`` bytes of a file that may be growing, or, as a log is when it reaches its cap, cut."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source = source
        self._left = size
        self._sum = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()

    def read(self, size: int) -> bytes:
        wanted = min(size, self._left)
        piece = self._source.read(wanted)
        piece += b"\n" * (wanted - len(piece))  # the size is in the archive already
        self._left -= len(piece)
        self._sum.update(piece)
        return piece


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    held = tar.extractfile(member) if member.isreg() else None
    if held is None:
        raise ValueError(f"{member.name} is not a file")
    return held


def _checked_name(name: str) -> str:
    """The name, if it stays below the folder. Raises ValueError."""
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts or "\0" in name:
        raise ValueError(f"{name!r} leads out of the folder")
    return name


def _sum_of(held: IO[bytes]) -> str:
    total = hashlib.sha256()
    while piece := held.read(_PIECE):
        total.update(piece)
    return total.hexdigest()


def _reason(error: Exception) -> str:
    match error:
        case KeyError():
            return "it does not say what it is"
        case EOFError():
            return "its end is missing"
        case OSError(strerror=str() as told):
            return told
        case _:
            return str(error) or type(error).__name__
