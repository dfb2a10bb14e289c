"""Archives of services: taken in from where an upload was written, kept by their digests, and swept."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import field
from pathlib import Path
from typing import Protocol

from headway.drivers.sources.archive import kept_at
from headway.features.services.uploads_model import Archive, Needed
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.uploads import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRoom:
    """Where uploads are written while they come in, how large one may be, and what they leave free on the disk. What a
    panel that is no more has left there is removed by the next.
    """

    folder: Path
    most_bytes: int
    least_free_bytes: int
    monotonic: Callable[[], float] = time.monotonic

    def clear(self) -> None:
        """Makes the folder, empty."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for left in self.folder.iterdir():
            left.unlink()

    def require(self, more: int) -> None:
        """Returns where so many bytes more leave others what they need. It is asked again for each piece of an upload:
        what is announced may never come, and several come at once. Raises Unavailable.
        """
        free = shutil.disk_usage(self.folder).free
        if free - more < self.least_free_bytes:
            raise DiskShort(free, self.least_free_bytes)


class DiskShort(Unavailable):
    """An upload would take what others need of the disk."""

    def __init__(self, free: int, least_free: int) -> None:
        super().__init__(
            f"Only {free >> 20} MiB are free on the panel's disk, and uploads leave {least_free >> 20} MiB of it free "
            "(HEADWAY_LEAST_FREE). 'headway disk' shows what holds the space; free some, then send it again."
        )


class ArchiveFolders(Protocol):
    """Where the archives of services lie."""

    def archives(self, service_id: str, /) -> str:
        """The folder of those of one service."""
        ...


class ArchiveReaders:
    """Who reads an upload now: few on the machine, and fewer of one organisation. Each may take as much memory as the
    process that reads is given.
    """

    def __init__(self, *, most: int = 4, most_of_one: int = 2, wait_seconds: float = 60.0) -> None:
        self._most, self._most_of_one, self._wait_seconds = most, most_of_one, wait_seconds
        self._reading: Counter[str] = Counter()
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def one(self, organization_id: str) -> AsyncIterator[None]:
        """It is this organisation's turn. Raises Unavailable where it is not within a minute."""
        try:
            async with asyncio.timeout(self._wait_seconds), self._news:
                await self._news.wait_for(lambda: self._has_room(organization_id))
                self._reading[organization_id] += 1
        except TimeoutError:
            raise Unavailable("Too many uploads are looked through at once; send this one again.") from None
        try:
            yield
        finally:
            self._reading[organization_id] -= 1
            self._reading += Counter()  # of those who have left nothing is kept
            async with self._news:
                self._news.notify_all()

    def _has_room(self, organization_id: str) -> bool:
        return self._reading.total() < self._most and self._reading[organization_id] < self._most_of_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Archives:
    """The archives of services on the panel's machine. ``most_bytes`` is what one may hold unpacked, and
    ``least_free_bytes`` what they leave free on the disk.
    """

    folders: ArchiveFolders
    most_bytes: int
    least_free_bytes: int
    readers: ArchiveReaders

    async def take(self, service_id: str, upload: Upload, uid: int | None, organization_id: str) -> Archive:
        """Keeps what was uploaded, on disk before it returns. Raises ArchiveRefused, NoRoomUnpacked, Unavailable, and
        then nothing is left.
        """
        from headway.drivers.sources.upload_archive import repack  # noqa: PLC0415 - who uploads nothing never loads it

        place = self._file(service_id, upload.digest)
        await asyncio.to_thread(place.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        draft = upload.path.with_suffix(".tar")
        bounds = {"most_bytes": self.most_bytes, "least_free_bytes": self.least_free_bytes}
        async with self.readers.one(organization_id):
            packed = await repack(upload.path, draft, uid=uid, **bounds)
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
    async def taken(
        self, service_id: str, upload: Upload, uid: int | None, organization_id: str
    ) -> AsyncIterator[Archive]:
        """The archive, to be named by the service's settings within; then those that nothing needs go. One that was
        refused within goes at once. Raises ArchiveRefused, NoRoomUnpacked, Unavailable.
        """
        async with self._turns[service_id]:
            was_there = await self.archives.holds(service_id, upload.digest)
            archive = await self.archives.take(service_id, upload, uid, organization_id)
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
