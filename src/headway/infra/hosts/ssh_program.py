"""A program of Headway's own on a server, in a session of its own: what is written to it and read from it."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING

from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh_session import MOST_SESSIONS, SshSession
from headway.infra.hosts.ssh_target import CONNECT_SECONDS
from headway.kernel.dataclass import dataclass

if TYPE_CHECKING:  # 18 MB of a panel, which one without servers never loads
    import asyncssh

_MOST_BYTES = 64 << 20  # of what a program says in all: lists of files, and nothing that has no end
_MOST_COMPLAINT_BYTES = 64 << 10
_PIECE_BYTES = 64 << 10
_SEAT_SECONDS = 60.0  # for which one waits until something else that goes on there has ended
_WORD = re.compile(r"[A-Za-z0-9_./=-][A-Za-z0-9_./=+%-]*")


@dataclass(slots=True)
class Conversation:
    """What stands between us and the program for as long as both live. ``read`` gives b"" at its end."""

    process: asyncssh.SSHClientProcess[bytes]
    place: str
    room: asyncio.Semaphore | None

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes. Raises HostUnreachable at its end."""
        import asyncssh  # noqa: PLC0415 - as said above

        try:
            return await self.process.stdout.readexactly(count)
        except (asyncio.IncompleteReadError, asyncssh.Error, OSError) as error:
            raise HostUnreachable(f"The connection to {self.place} was lost.") from error

    async def read_out(self) -> None:
        """Passes over all that it still says, until it has ended. Raises HostUnreachable."""
        import asyncssh  # noqa: PLC0415 - as said above

        try:
            while await self.process.stdout.read(_PIECE_BYTES):
                pass
        except (asyncssh.Error, OSError) as error:
            raise HostUnreachable(f"The connection to {self.place} was lost.") from error

    async def write(self, data: bytes) -> None:
        """Sends. Raises HostUnreachable."""
        import asyncssh  # noqa: PLC0415 - as said above

        try:
            self.process.stdin.write(data)
            await self.process.stdin.drain()
        except (asyncssh.Error, OSError) as error:
            raise HostUnreachable(f"The connection to {self.place} was lost.") from error

    def finish(self) -> None:
        """Ends what it reads."""
        self.process.stdin.write_eof()

    async def said(self) -> bytes:
        """All that it writes, once it has ended. Raises HostUnreachable, also for more than anybody has asked for."""
        import asyncssh  # noqa: PLC0415 - as said above

        said = bytearray()
        try:
            while piece := await self.process.stdout.read(_PIECE_BYTES):
                said += piece
                if len(said) > _MOST_BYTES:
                    self.process.close()
                    raise HostUnreachable(f"{self.place} says more than {_MOST_BYTES >> 20} MiB, and was not heard on.")
            return bytes(said)
        except (asyncssh.Error, OSError) as error:
            raise HostUnreachable(f"The connection to {self.place} was lost.") from error

    async def complaint(self, seconds: float = CONNECT_SECONDS) -> str:
        """The last line that it wrote on standard error, once it has ended. Raises HostUnreachable, TimeoutError."""
        import asyncssh  # noqa: PLC0415 - as said above

        try:
            async with asyncio.timeout(seconds):
                text = b""
                while piece := await self.process.stderr.read(_PIECE_BYTES):
                    text = (text + piece)[-_MOST_COMPLAINT_BYTES:]
        except asyncssh.Error as error:
            raise HostUnreachable(f"The connection to {self.place} was lost.") from error
        return text.decode(errors="replace").strip().rpartition("\n")[2][:300]

    async def ended(self) -> int | None:
        """Its exit status, None where a signal or the link has ended it. Raises HostUnreachable."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.process.wait_closed()
        except TimeoutError as error:
            raise HostUnreachable(f"{self.place} does not say that what it was asked for has ended.") from error
        return self.process.exit_status

    def close(self) -> None:
        """Lets go of it: the program is to end when its standard input does."""
        self.process.close()
        if self.room is not None:
            self.room.release()
            self.room = None


async def converse(session: SshSession, *argv: str) -> Conversation:
    """Starts a program there as root. The words are ours, and such as no shell takes for anything else. Raises
    HostUnreachable.
    """
    if not all(_WORD.fullmatch(word) for word in argv):
        msg = f"not to be said to a shell: {argv}"
        raise AssertionError(msg)
    target = session.target
    clean = f"env -i HOME=/ LC_ALL=C.UTF-8 PATH={CLEAN_PATH}"
    return await begin(session, " ".join((clean, *argv) if target.username == "root" else ("sudo", "-n", clean, *argv)))


async def begin(session: SshSession, words: str) -> Conversation:
    """Has the shell of the account that is entered carry out the words. Raises HostUnreachable."""
    import asyncssh  # noqa: PLC0415 - as said above

    target = session.target
    await _seated(session)
    opening: asyncio.Task[asyncssh.SSHClientProcess[bytes]] | None = None
    try:
        connection = await session.connection()
        opening = asyncio.get_running_loop().create_task(_opened(connection, words))
        async with asyncio.timeout(CONNECT_SECONDS):
            process = await asyncio.shield(opening)
    except BaseException as error:
        if opening is None:
            session.sessions.release()
        else:
            opening.add_done_callback(partial(_closed_late, session.sessions))
        if isinstance(error, TimeoutError | OSError | asyncssh.Error):
            raise HostUnreachable(f"{target.place} opens no session for Headway: {error}.") from error
        raise
    return Conversation(process, target.place, session.sessions)


async def _opened(connection: asyncssh.SSHClientConnection, words: str) -> asyncssh.SSHClientProcess[bytes]:
    return await connection.create_process(words, encoding=None)


async def _seated(session: SshSession) -> None:
    """Waits for one of the sessions that a connection may have. Raises HostUnreachable."""
    try:
        async with asyncio.timeout(_SEAT_SECONDS):
            await session.sessions.acquire()
    except TimeoutError as error:
        raise HostUnreachable(
            f"{session.target.place} is asked too much at once: for {_SEAT_SECONDS:g} s none of the {MOST_SESSIONS} "
            "things that may go on there at a time has ended."
        ) from error


def _closed_late(room: asyncio.Semaphore, opening: asyncio.Task[asyncssh.SSHClientProcess[bytes]]) -> None:
    """Closes a session that came about when nobody waited for it any more: sshd counts it until it is closed."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
    room.release()
