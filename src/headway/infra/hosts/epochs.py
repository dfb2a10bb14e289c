"""The epoch in force of each deployment: a file on the host, read and raised under a lock."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from headway.infra.hosts.base import EpochPassed
from headway.infra.hosts.run_folder import check_id
from headway.kernel.errors import Unavailable

LOCK_SECONDS = 20.0


class EpochHeld(Unavailable):
    """Another panel holds the epoch still, and does not let go."""


class Epochs:
    """One file per deployment. Whoever acts holds it shared; whoever raises it holds it alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, deployment_id: str) -> Path:
        """Where the epoch of a deployment stands."""
        return self._folder / check_id(deployment_id)

    def current(self, deployment_id: str) -> int:
        """The epoch in force, 0 before the first."""
        with suppress(FileNotFoundError):
            return _parse(self.file(deployment_id).read_bytes())
        return 0

    def check(self, deployment_id: str, epoch: int) -> None:
        """Raises EpochPassed when a later epoch is in force."""
        if (current := self.current(deployment_id)) > epoch:
            raise passed(deployment_id, epoch, current)

    async def raise_to(self, deployment_id: str, epoch: int, *, durable: bool = True) -> None:
        """Puts an epoch in force, on the disk too if ``durable``. Raises EpochPassed when a later one is."""
        held = await self._lock(deployment_id, fcntl.LOCK_EX)
        try:
            current = _parse(os.pread(held, 32, 0))
            if current > epoch:
                raise passed(deployment_id, epoch, current)
            if current < epoch:
                os.pwrite(held, b"%020d\n" % epoch, 0)
            if durable:
                # With a descriptor of its own: a cancelled caller must not close it under the thread. It holds the
                # epoch as well, so that it is closed whether or not somebody still waits for it.
                syncing = asyncio.get_running_loop().run_in_executor(None, self._sync, os.dup(held))
                await asyncio.shield(syncing)
        finally:
            os.close(held)

    @asynccontextmanager
    async def fence(self, deployment_id: str, epoch: int) -> AsyncIterator[None]:
        """Holds the epoch still. Raises EpochPassed at the door when a later one is in force."""
        held = await self._lock(deployment_id, fcntl.LOCK_SH)
        try:
            current = _parse(os.pread(held, 32, 0))
            if current > epoch:
                raise passed(deployment_id, epoch, current)
            yield
        finally:
            os.close(held)

    def prune(self, keep_seconds: float) -> None:
        """Removes the files of deployments whose epoch has not changed for so long that no panel can still be asleep
        in the middle of their run. Blocks.
        """
        oldest = time.time() - keep_seconds
        for entry in os.scandir(self._folder):
            if entry.stat(follow_symlinks=False).st_mtime >= oldest:
                continue
            held = os.open(entry.path, os.O_RDWR | os.O_CLOEXEC)
            try:
                with suppress(BlockingIOError):
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    Path(entry.path).unlink()
            finally:
                os.close(held)

    async def _lock(self, deployment_id: str, kind: int) -> int:
        """The opened and locked file; tried again and again, so that no thread can hang in it."""
        deadline = time.monotonic() + LOCK_SECONDS
        pause = 0.001
        while (held := self._try_lock(deployment_id, kind)) is None:
            if time.monotonic() > deadline:
                msg = (
                    f"The run of deployment {deployment_id} is held by another panel process that does not let go. "
                    "Is there a second, paused `headway serve` on this machine?"
                )
                raise EpochHeld(msg)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)
        return held

    def _try_lock(self, deployment_id: str, kind: int) -> int | None:
        held = os.open(self.file(deployment_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            return None
        if os.fstat(held).st_nlink == 0:  # pruned between the opening and the lock
            os.close(held)
            return None
        return held

    def _sync(self, own: int) -> None:
        try:
            os.fsync(own)
        finally:
            os.close(own)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def passed(deployment_id: str, epoch: int, current: int | None = None) -> EpochPassed:
    """The error for one who speaks at an epoch that is over."""
    now = f"; {current} is in force" if current is not None else ""
    return EpochPassed(f"Deployment {deployment_id} was taken over by another run: epoch {epoch} has passed{now}.")


def _parse(data: bytes) -> int:
    return int(data.strip() or b"0")
