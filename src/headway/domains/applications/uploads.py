"""Archives of applications: taken in from where an upload was written, kept by their digests, and swept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from headway.domains.applications.folders import AppFolders
from headway.domains.applications.model import Archive
from headway.seams.sources.archive import kept_at
from headway.seams.sources.repacking import repack


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What somebody has sent, as it came: a file of the panel's own, gone once the call is answered."""

    path: Path
    name: str
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRoom:
    """Where uploads are written while they come in, and how large one may be. What a panel that is no more has left
    there is removed by the next.
    """

    folder: Path
    most_bytes: int

    def clear(self) -> None:
        """Makes the folder, empty."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for left in self.folder.iterdir():
            left.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Archives:
    """The archives of all applications on the panel's machine. ``most_bytes`` is what one may hold unpacked."""

    folders: AppFolders
    most_bytes: int

    async def take(self, application_id: str, upload: Upload, uid: int | None) -> Archive:
        """Keeps what was uploaded, on disk before it returns. Raises ArchiveRefused, and then nothing is left."""
        folder = Path(self.folders.archives(application_id))
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        draft = upload.path.with_suffix(".tar")
        packed = await repack(upload.path, draft, uid=uid, most_bytes=self.most_bytes)
        await asyncio.to_thread(_put, draft, Path(kept_at(str(folder), upload.digest)))
        return Archive(digest=upload.digest, name=upload.name, bytes=packed.bytes, entries=packed.entries)

    async def sweep(self, application_id: str, keep: Collection[str]) -> None:
        """Removes the application's archives but those of the digests."""
        await asyncio.to_thread(_sweep, Path(self.folders.archives(application_id)), frozenset(keep))


def _put(draft: Path, place: Path) -> None:
    draft.replace(place)
    descriptor = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path, keep: frozenset[str]) -> None:
    for path in folder.glob("*.tar"):
        if path.stem not in keep:
            path.unlink(missing_ok=True)
