"""A program of Headway's own on this machine: what is written to it and read from it, as of one on a server."""

from __future__ import annotations

import asyncio

from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.dataclass import dataclass

_MOST_COMPLAINT_BYTES = 64 << 10
_PIECE_BYTES = 64 << 10
_SECONDS = 5.0
_PLACE = "what runs on this machine"


@dataclass(slots=True)
class LocalConversation:
    """See ``ssh_program.Conversation``."""

    process: asyncio.subprocess.Process

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes. Raises HostUnreachable at its end."""
        assert self.process.stdout is not None  # noqa: S101 - a pipe
        try:
            return await self.process.stdout.readexactly(count)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise HostUnreachable(f"The connection to {_PLACE} was lost.") from error

    async def read_out(self) -> None:
        """Passes over all that it still says, until it has ended. Raises HostUnreachable."""
        assert self.process.stdout is not None  # noqa: S101 - a pipe
        try:
            while await self.process.stdout.read(_PIECE_BYTES):
                pass
        except OSError as error:
            raise HostUnreachable(f"The connection to {_PLACE} was lost.") from error

    async def write(self, data: bytes) -> None:
        """Sends. Raises HostUnreachable."""
        assert self.process.stdin is not None  # noqa: S101 - a pipe
        try:
            self.process.stdin.write(data)
            await self.process.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise HostUnreachable(f"The connection to {_PLACE} was lost.") from error

    async def complaint(self, seconds: float = _SECONDS) -> str:
        """The last line that it wrote on standard error, once it has ended. Raises TimeoutError."""
        assert self.process.stderr is not None  # noqa: S101 - a pipe
        async with asyncio.timeout(seconds):
            text = b""
            while piece := await self.process.stderr.read(_MOST_COMPLAINT_BYTES):
                text = (text + piece)[-_MOST_COMPLAINT_BYTES:]
        return text.decode(errors="replace").strip().rpartition("\n")[2][:300]

    def finish(self) -> None:
        """Ends what it reads."""
        assert self.process.stdin is not None  # noqa: S101 - a pipe
        self.process.stdin.close()

    def close(self) -> None:
        """Lets go of it: the program ends when its standard input does, once it has ended what it has begun."""
        self.finish()


async def converse_here(*argv: str) -> LocalConversation:
    """Starts a program of ours in a session of its own."""
    pipe = asyncio.subprocess.PIPE
    env = {"PATH": CLEAN_PATH, "LC_ALL": "C.UTF-8", "HOME": "/"}
    return LocalConversation(
        await asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=env
        )
    )
