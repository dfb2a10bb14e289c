"""Packs a folder of this machine as an archive that a panel takes."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from headway.kernel.errors import InvalidInput

LEFT_OUT = frozenset({".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules"})
_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What an archive holds, and the folders that were left out of it, as paths within the folder."""

    files: int
    bytes: int
    left_out: tuple[str, ...]


def pack(folder: Path, target: BinaryIO) -> Packed:
    """Writes the folder to ``target`` as a compressed tar, but for what a build makes anew or git keeps for itself.
    Links stay links. Raises InvalidInput for what cannot be read, and for a folder without files.
    """
    files, size, left_out = 0, 0, []

    def chosen(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        nonlocal files, size
        path = entry.name.partition("/")[2]
        if path and Path(path).name in LEFT_OUT:
            left_out.append(path)
            return None
        files += not entry.isdir()
        size += entry.size
        return entry

    try:
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=_LEVEL) as archive:
            # Below one folder: that one is taken away where an archive holds nothing else.
            archive.add(folder, arcname="files", filter=chosen)
    except OSError as error:
        raise InvalidInput(f"{error.filename or folder} cannot be read: {error.strerror}.") from error
    if not files:
        raise InvalidInput(f"{folder} holds no files to deploy.")
    return Packed(files=files, bytes=size, left_out=tuple(sorted(left_out)))
