"""This machine below an anchor: its socket, its run folder, its process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from headway.infra.hosts import ground, processes
from headway.infra.hosts.anchor_start import Opening
from headway.infra.hosts.base import AnchorGone, Exit, Handle
from headway.infra.hosts.command import Command
from headway.infra.hosts.epochs import Epochs
from headway.infra.hosts.ground import Care
from headway.infra.hosts.link import Link, connect
from headway.infra.hosts.run_folder import RunFolder
from headway.kernel.errors import InvalidInput

LEAVING_SECONDS = 5.0


class LocalGround:
    """Fits ``Ground`` for one anchor; ``tidy`` and ``sweep`` are the host's."""

    def __init__(self, *, folder: RunFolder, epochs: Epochs, tidy: Care, sweep: Care, opening: Opening | None) -> None:
        self.tidy = tidy
        self.sweep = sweep
        self._folder = folder
        self._epochs = epochs
        self._opening = opening

    async def connect(self, handle: Handle) -> Link:
        folder = os.open(self._folder.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return await connect(folder)
        finally:
            os.close(folder)

    async def go(self, handle: Handle) -> str:
        assert self._opening is not None  # noqa: S101 - whoever asks has opened it
        said = await asyncio.to_thread(self._opening.go)
        self._opening = None
        return said

    def abandon(self, handle: Handle) -> None:
        if self._opening:
            self._opening.abandon()
            self._opening = None

    def check_accounts(self, command: Command) -> None:
        if os.geteuid() == 0:
            return
        for stage in command.stages:
            if stage.account and stage.account.uid != os.geteuid():
                msg = (
                    f"{stage.argv[0]} is to run as account {stage.account.uid}, but Headway runs as {os.geteuid()}, "
                    "and only root may take on another account. Start Headway as root, or without accounts."
                )
                raise InvalidInput(msg)

    async def check_epoch(self, handle: Handle, epoch: int) -> None:
        self._epochs.check(handle.deployment_id, epoch)

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        return await asyncio.to_thread(self._folder.exits)

    async def read(self, handle: Handle, epoch: int, offset: int, limit: int) -> bytes:
        return await asyncio.to_thread(self._read, handle, epoch, offset, limit)

    async def size(self, handle: Handle) -> int:
        return self._folder.size()

    async def gone(self, handle: Handle) -> AnchorGone | None:
        if processes.is_alive(handle.pid, handle.start_time):
            return None
        return gone(handle, self._folder)

    async def await_death(self, handle: Handle) -> bool:
        return await asyncio.to_thread(processes.await_death, handle.pid, handle.start_time, LEAVING_SECONDS)

    def _read(self, handle: Handle, epoch: int, offset: int, limit: int) -> bytes:
        self._epochs.check(handle.deployment_id, epoch)
        return self._folder.read(offset, limit)


def gone(handle: Handle, folder: RunFolder) -> AnchorGone:
    """The error for an anchor of this boot that is no more: whether it ever started anything."""
    if folder.never_started or not folder.has_started:
        return ground.never_started(handle)
    return ground.gone(handle, folder.complaints().rpartition("\n")[2])


def folder_of(handle: Handle) -> RunFolder:
    """Where a run is kept."""
    return RunFolder(Path(handle.run_folder))
