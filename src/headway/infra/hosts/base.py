"""The host contract: what Headway may ask of a machine, the same for this one and for one behind SSH."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from enum import StrEnum
from typing import Protocol

from headway.infra.hosts.command import Account, Command, Limits
from headway.infra.hosts.file_listing import Listing
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput, Unavailable


class Cause(StrEnum):
    """Why a command ended, other than by itself."""

    KILLED = "killed"
    CANCELLED = "cancelled"
    STEP_TIMEOUT = "step_timeout"
    INACTIVITY_TIMEOUT = "inactivity_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    OUT_OF_MEMORY = "out_of_memory"


class StopMode(StrEnum):
    """How running commands are ended: SIGKILL at once, or SIGTERM and after a grace SIGKILL."""

    KILL = "kill"
    CANCEL = "cancel"


class GoneReason(StrEnum):
    """What was found on the host instead of a living anchor."""

    NEVER_STARTED = "never_started"
    OTHER_BOOT = "other_boot"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """What finds an anchor again: saved on the deployment's row before anything runs.

    ``start_time`` is in clock ticks since boot (proc(5), field 22), so that a reused pid is told apart; ``cgroup`` is
    the path below the hierarchy's root, "" where there is none.
    """

    host_id: str
    deployment_id: str
    epoch: int
    boot_id: str
    pid: int
    start_time: int
    cgroup: str
    run_folder: str

    def dump(self) -> str:
        """The JSON text that ``load`` reads."""
        return json.dumps(asdict(self))

    @staticmethod
    def load(text: str) -> Handle:
        """The handle that ``dump`` wrote."""
        return Handle(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSpec:
    """What an anchor is started with. ``total_seconds`` bounds the whole run, enforced on the host."""

    deployment_id: str
    epoch: int
    total_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a command ended: a status per stage (negative: minus the signal's number), the cause if it did not end by
    itself, and its captured output (b"" unless asked for).
    """

    statuses: tuple[int, ...]
    cause: Cause | None = None
    output: bytes = b""

    @property
    def succeeded(self) -> bool:
        """Whether every stage ended with status 0 and nothing ended it from outside."""
        return self.cause is None and not any(self.statuses)

    @property
    def status(self) -> int:
        """Of its stages' statuses the last that is not 0."""
        return next((each for each in reversed(self.statuses) if each), 0)


class HostUnreachable(Unavailable):
    """The host does not answer; what runs there goes on."""


class AnchorGone(HeadwayError):
    """There is no living anchor behind a handle; ``reason`` says what was found."""

    def __init__(self, message: str, reason: GoneReason) -> None:
        super().__init__(message)
        self.reason = reason


class EpochPassed(HeadwayError):
    """A later epoch is in force on the host: whoever asked has lost the run and changes nothing more."""


class GateShut(HeadwayError):
    """The run is being ended; only undos may start."""


class LeadsOutside(InvalidInput):
    """``path``, below a folder that somebody else writes to, leads out of that folder by a symbolic link."""

    def __init__(self, path: str, folder: str) -> None:
        super().__init__(f"{path} leads out of {folder}. Replace the symbolic link by the file itself.")
        self.path = path


class FileFailed(HeadwayError):
    """A file or folder on the host could not be made, read, moved or removed: the message says which, and why."""


class Anchor(Protocol):
    """A deployment's own process on its host, parent of all its commands; every call carries the epoch it was opened
    with and raises EpochPassed when a later one is in force, AnchorGone when the process is no more.
    """

    handle: Handle
    told: int  # of the output: it was so long when a line was said last, or a command's end was told

    async def go(self) -> None:
        """Lets the anchor work; before this call it starts nothing, and ends itself if its opener dies."""
        ...

    async def start(self, name: str, command: Command, *, undo: bool = False) -> None:
        """Starts a command under a name; a name that was started before is never started again.

        Raises GateShut after ``stop`` unless ``undo`` is set.
        """
        ...

    async def wait(self, name: str) -> Exit:
        """The end of a started command, once its output is synced and all that it left behind is gone."""
        ...

    async def say(self, key: str, text: str) -> None:
        """Adds a line of Headway's own to the output, between those of commands; once per key."""
        ...

    async def stop(self, mode: StopMode, grace_seconds: float = 10.0) -> None:
        """Shuts the gate and ends the running commands; returns when no process of theirs is left."""
        ...

    async def read(self, offset: int, limit: int) -> bytes:
        """Up to ``limit`` bytes of the run's output from ``offset``; b"" when there are none yet."""
        ...

    async def changed(self, offset: int) -> None:
        """Returns when the output is longer than ``offset`` bytes (or may be)."""
        ...

    async def close(self) -> None:
        """The end is written: the anchor ends, the run folder with the raw output is removed."""
        ...


class Host(Protocol):
    """A machine on which deployments run."""

    host_id: str

    @property
    def link(self) -> int | None:
        """The number of the link that stands to the host: another one after each break, None while there is none. The
        panel's own machine needs none and always says 0.
        """
        ...

    async def boot_id(self) -> str:
        """The kernel's identifier of this boot. Raises HostUnreachable."""
        ...

    async def open_anchor(self, spec: AnchorSpec) -> Anchor:
        """Starts an anchor that waits for ``go``; its handle is to be saved in between."""
        ...

    async def attach(self, handle: Handle, epoch: int) -> Anchor:
        """The living anchor behind a handle, spoken to at ``epoch``. Raises AnchorGone, HostUnreachable."""
        ...

    async def raise_epoch(self, deployment_id: str, epoch: int) -> None:
        """Puts ``epoch`` in force: whatever carries an earlier one is refused from now on."""
        ...

    def fence(self, deployment_id: str, epoch: int) -> AbstractAsyncContextManager[None]:
        """Holds the epoch still while an effect outside the anchor happens; raises EpochPassed at the door."""
        ...

    async def sweep(self, handle: Handle) -> None:
        """Ends every process that a run whose anchor is gone left behind, until none is left."""
        ...

    async def read_output(self, handle: Handle, offset: int, limit: int) -> bytes:
        """Output that a run left, its anchor alive or not; b"" at the end or when there is none."""
        ...

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        """The recorded ends of a run's commands by name, its anchor alive or not."""
        ...

    async def forget(self, handle: Handle) -> None:
        """Ends a living anchor of an ended run and removes its folder and cgroup."""
        ...

    async def remaining(self) -> list[Handle]:
        """Every run folder on this host, as handles, for the sweep of what ended rows left."""
        ...

    async def make_group(self, name: str, limits: Limits, *, ruled: bool = False) -> str | None:
        """A control group, within the limits, for what another program starts on a run's behalf: its path from the
        hierarchy's root. None where there can be none. What is ``ruled`` reaches of the host what is open to all only,
        where its kernel judges that.
        """
        ...

    async def end_group(self, name: str) -> bool:
        """Ends every process in such a group, until none is left, and removes it; whether one of them was out of
        memory. No error when there is no such group.
        """
        ...

    async def make_folder(self, path: str, *, owner: Account | None = None, mode: int = 0o700) -> None:
        """Makes a folder (parents exist already or are made traversable, owned by the panel); no error if it exists."""
        ...

    async def write_file(
        self, path: str, data: bytes, *, owner: Account | None = None, mode: int = 0o600, lasting: bool = True
    ) -> None:
        """Writes a file beside its name, syncs it and renames it into place. One that is not ``lasting`` is not synced:
        who finds it after a loss of power must not take it for what was written.
        """
        ...

    async def read_file(self, path: str, limit: int = 1 << 20, *, below: str | None = None) -> bytes | None:
        """At most ``limit`` bytes of a regular file, None when there is none; with ``below``, no component of the path
        after that folder may be a symbolic link that leads outside it. Raises LeadsOutside.
        """
        ...

    async def read_files(
        self, paths: Sequence[str], limit: int = 1 << 20, *, below: str | None = None
    ) -> list[bytes | None]:
        """The same of several files at once, in their order."""
        ...

    async def list_files(self, folder: str, *, without: Collection[str], deepest: int) -> Listing:
        """The regular files and links below a folder, at most so many folders deep, those nearest to it first, until it
        is enough; nothing in folders of the names ``without``. No link is followed. Raises FileFailed.
        """
        ...

    async def stamps(self, paths: Sequence[str]) -> list[str]:
        """What changes whenever somebody changes what is at these paths themselves (no link is followed), or what a
        folder among them has; "" where nothing can be seen. The last part behind a colon is when that was, in seconds.
        """
        ...

    async def remove_tree(self, path: str) -> None:
        """Removes a file or folder and all below it, following no link; no error when it is gone."""
        ...

    async def remove_files(self, folder: str, prefix: str) -> None:
        """Removes what is in a folder (not below it) and no folder itself, of those names that begin with ``prefix``;
        no error when there is none. Fails where the folder is a symbolic link.
        """
        ...

    async def rename(self, source: str, target: str) -> None:
        """Moves within one file system; the target must not exist."""
        ...

    async def sync(self, *paths: str) -> None:
        """Returns once the disks have all that was written by now on the file systems that hold Headway's own folders
        and these paths; one that is not there is passed over. Raises FileFailed.
        """
        ...

    async def free_bytes(self, path: str) -> int:
        """Free space, in bytes, of the file system that holds ``path``."""
        ...
