"""A way to a real engine that can be cut: whoever speaks to it loses the connection, as where an engine is restarted
that leaves its containers running.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.docker.docker_engine import Engine

_SECONDS = 10.0
_PIECE = 64 << 10


class Door:
    """Leads to the engine from a socket of its own, from a thread of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._socket = folder / "docker.sock"
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._guests: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.open()

    @property
    def host(self) -> str:
        """How clients name it."""
        return f"unix://{self._socket}"

    def open(self) -> None:
        """Lets guests in."""
        self._carried_out(self._open())

    def cut(self) -> None:
        """Lets nobody in any more, and loses all who are inside."""
        self._carried_out(self._cut())

    def close(self) -> None:
        """Ends its thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def _carried_out(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    async def _open(self) -> None:
        self._server = await asyncio.start_unix_server(self._enter, self._socket)
        self._socket.chmod(0o666)  # builds have accounts of their own

    async def _cut(self) -> None:
        assert self._server is not None
        self._server.close()
        self._socket.unlink(missing_ok=True)
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)  # nothing of them is left to the loop's end

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guest = asyncio.create_task(self._lead(reader, writer))
        self._guests.add(guest)
        guest.add_done_callback(self._guests.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ways = [writer]
        try:
            behind_reader, behind = await asyncio.open_unix_connection(self.engine.socket)
            ways.append(behind)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, behind))
                both.create_task(_pass(behind_reader, writer))
        except asyncio.CancelledError:
            for each in ways:
                each.transport.abort()
            raise
        finally:
            for each in ways:
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()


@contextmanager
def engine_door(engine: Engine) -> Iterator[Door]:
    """A door to that engine, where the accounts of builds come to."""
    folder = Path(tempfile.mkdtemp(prefix="headway-door-"))
    folder.chmod(0o711)
    door = Door(engine, folder)
    try:
        yield door
    finally:
        door.close()
        shutil.rmtree(folder)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
