"""Packs a folder of this machine as an archive that a panel takes."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import BinaryIO

from headway.cli.ignore_files import Ignored
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

LEFT_OUT = frozenset({".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules"})
_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What an archive holds, and what was left out of it, as paths within the folder."""

    files: int
    bytes: int
    left_out: tuple[str, ...]


def pack(folder: Path, target: BinaryIO) -> Packed:
    """Writes the folder to ``target`` as a compressed tar, but for what a build makes anew, git keeps for itself, or an
    ignore file names. Links stay links. Raises InvalidInput for what cannot be read, and for a folder without files.
    """
    packing = _Packing(folder)
    try:
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=_LEVEL) as archive:
            # Below one folder: that one is taken away where an archive holds nothing else.
            archive.add(folder, arcname="files", filter=packing.chosen)
    except OSError as error:
        raise InvalidInput(f"{error.filename or folder} cannot be read: {error.strerror}.") from error
    if not packing.files:
        all_of_it = " that its ignore files do not name" if packing.left_out else ""
        raise InvalidInput(f"{folder} holds no files to deploy{all_of_it}.")
    return Packed(files=packing.files, bytes=packing.bytes, left_out=tuple(sorted(packing.left_out)))


class _Packing:
    """Chooses what goes into an archive, and counts."""

    def __init__(self, folder: Path) -> None:
        self.files = 0
        self.bytes = 0
        self.left_out: list[str] = []
        self._ignored = Ignored(folder)

    def chosen(self, entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        """The entry, None where it is left out with all that is in it."""
        path = entry.name.partition("/")[2]
        if path and (Path(path).name in LEFT_OUT or self._ignored.holds(path, is_folder=entry.isdir())):
            self.left_out.append(path)
            return None
        if entry.isdir():
            self._ignored.enter(path)
        self.files += not entry.isdir()
        self.bytes += entry.size
        return entry
