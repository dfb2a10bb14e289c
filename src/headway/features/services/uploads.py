"""Archives of services: taken in from where an upload was written, kept by their digests, and swept."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headway.drivers.sources.archive import kept_at
from headway.features.services.uploads_model import Archive, Needed
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.uploads import Upload


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


class ArchiveFolders(Protocol):
    """Where the archives of services lie."""

    def archives(self, service_id: str, /) -> str:
        """The folder of those of one service."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Archives:
    """The archives of services on the panel's machine. ``most_bytes`` is what one may hold unpacked."""

    folders: ArchiveFolders
    most_bytes: int

    async def take(self, service_id: str, upload: Upload, uid: int | None) -> Archive:
        """Keeps what was uploaded, on disk before it returns. Raises ArchiveRefused, and then nothing is left."""
        from headway.drivers.sources.repack import repack  # noqa: PLC0415 - who uploads nothing never loads it

        place = self._file(service_id, upload.digest)
        await asyncio.to_thread(place.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        draft = upload.path.with_suffix(".tar")
        packed = await repack(upload.path, draft, uid=uid, most_bytes=self.most_bytes)
        await asyncio.to_thread(_put, draft, place)
        return Archive(digest=upload.digest, name=upload.name, bytes=packed.bytes, entries=packed.entries)

    async def holds(self, service_id: str, digest: str) -> bool:
        """Whether an archive is kept already."""
        return await asyncio.to_thread(self._file(service_id, digest).exists)

    async def discard(self, service_id: str, digest: str) -> None:
        """Removes one archive; no error where it is gone."""
        await asyncio.to_thread(self._file(service_id, digest).unlink, missing_ok=True)

    async def sweep(self, service_id: str, keep: Collection[str]) -> None:
        """Removes the service's archives but those of the digests."""
        await asyncio.to_thread(_sweep, Path(self.folders.archives(service_id)), frozenset(keep))

    def _file(self, service_id: str, digest: str) -> Path:
        return Path(kept_at(self.folders.archives(service_id), digest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes uploads in, those to one service in turns: until its settings name an archive, the sweep after another
    upload would take it for one that nobody needs.
    """

    db: Database
    archives: Archives
    needed: Callable[[Tx, str], Needed]
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @asynccontextmanager
    async def taken(self, service_id: str, upload: Upload, uid: int | None) -> AsyncIterator[Archive]:
        """The archive, to be named by the service's settings within; then those that nothing needs go. One that was
        refused within goes at once. Raises ArchiveRefused.
        """
        async with self._turns[service_id]:
            was_there = await self.archives.holds(service_id, upload.digest)
            archive = await self.archives.take(service_id, upload, uid)
            try:
                yield archive
            except HeadwayError:
                # The rows are asked all the same: of a database that went away nobody knows what it has written.
                if not was_there and archive.digest not in (await self._needed(service_id)).digests:
                    await self.archives.discard(service_id, archive.digest)
                raise
            needed = await self._needed(service_id)
            if needed.complete:
                await self.archives.sweep(service_id, needed.digests)

    async def _needed(self, service_id: str) -> Needed:
        return await self.db.read(lambda tx: self.needed(tx, service_id))


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
