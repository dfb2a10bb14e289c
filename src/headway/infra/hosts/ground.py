"""What an anchor's client needs of the machine that the anchor lives on: the same for this one and for a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from headway.infra.hosts.base import AnchorGone, Exit, GoneReason, Handle
from headway.infra.hosts.command import Command
from headway.infra.hosts.link import Link

Care = Callable[[Handle], Awaitable[None]]


class Ground(Protocol):
    """The machine below an anchor; every call may raise HostUnreachable. ``sweep`` ends the processes of a run whose
    anchor did not end them itself, ``tidy`` removes what the run leaves on the machine's disk.
    """

    sweep: Care
    tidy: Care

    async def connect(self, handle: Handle) -> Link:
        """A new connection to the anchor. Raises OSError when nothing listens there."""
        ...

    async def go(self, handle: Handle) -> str:
        """Gives the go-ahead to an anchor that was opened here; what it says to that."""
        ...

    def abandon(self, handle: Handle) -> None:
        """Lets go of an anchor that was opened here; without a go-ahead it then ends."""
        ...

    def check_accounts(self, command: Command) -> None:
        """Raises InvalidInput when a stage asks for an account that cannot be taken on."""
        ...

    async def check_epoch(self, handle: Handle, epoch: int) -> None:
        """Raises EpochPassed when a later epoch is in force."""
        ...

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        """The recorded ends of the run's commands."""
        ...

    async def read(self, handle: Handle, epoch: int, offset: int, limit: int) -> bytes:
        """Output from an offset. Raises EpochPassed."""
        ...

    async def size(self, handle: Handle) -> int:
        """How much output there is."""
        ...

    async def gone(self, handle: Handle) -> AnchorGone | None:
        """The error for an anchor that is no more, None for one that lives."""
        ...

    async def await_death(self, handle: Handle) -> bool:
        """Whether the anchor has ended, waited for a while."""
        ...


def never_started(handle: Handle) -> AnchorGone:
    """The error for an anchor that ended without having started anything."""
    msg = f"The run of deployment {handle.deployment_id} ended before anything was started in it."
    return AnchorGone(msg, GoneReason.NEVER_STARTED)


def gone(handle: Handle, last_words: str) -> AnchorGone:
    """The error for an anchor of this boot that is no more."""
    reason = f" Its last words: {last_words}." if last_words else ""
    msg = f"The process {handle.pid} that held the run of deployment {handle.deployment_id} is gone.{reason}"
    return AnchorGone(msg, GoneReason.GONE)


def other_boot(handle: Handle) -> AnchorGone:
    """The error for an anchor of another boot."""
    msg = f"The machine was started again since the run of deployment {handle.deployment_id} began."
    return AnchorGone(msg, GoneReason.OTHER_BOOT)
