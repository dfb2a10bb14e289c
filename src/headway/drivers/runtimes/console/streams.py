"""The three standard streams of a command in a console: a terminal, or three pipes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Mapping
from typing import Self

from headway.kernel.console_frames import Kind
from headway.kernel.dataclass import dataclass

_PIECE = 64 << 10
_SIZE = struct.Struct("HHHH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """The command's three standard streams as it has them (``inner``), and as we do, each closed by itself."""

    inner: tuple[int, int, int]
    input: int
    outputs: Mapping[Kind, int]
    terminal: int | None = None

    @classmethod
    def of(cls, window: tuple[int, int] | None) -> Self:
        """A terminal of that size, or three pipes."""
        if window is None:
            (read, write), (out, told), (errors, complained) = os.pipe(), os.pipe(), os.pipe()
            return cls(inner=(read, told, complained), input=write, outputs={Kind.OUTPUT: out, Kind.ERRORS: errors})
        ours, theirs = os.openpty()
        set_window(theirs, *window)
        return cls(
            inner=(theirs, theirs, theirs), input=os.dup(ours), outputs={Kind.OUTPUT: ours}, terminal=os.dup(ours)
        )


async def reader(descriptor: int) -> asyncio.StreamReader:
    """Reads what comes there, to its end."""
    stream = asyncio.StreamReader(_PIECE)
    opened = os.fdopen(descriptor, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: _ToTheEnd(stream), opened)
    return stream


async def writer(descriptor: int) -> asyncio.StreamWriter:
    """Writes there."""
    loop = asyncio.get_running_loop()
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    transport, _ = await loop.connect_write_pipe(lambda: protocol, os.fdopen(descriptor, "wb", 0))
    return asyncio.StreamWriter(transport, protocol, None, loop)


def set_window(terminal: int, rows: int, columns: int) -> None:
    """Says of a terminal how large it is. Raises OSError."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, _SIZE.pack(rows, columns, 0, 0))


class _ToTheEnd(asyncio.StreamReaderProtocol):
    """A terminal tells by an error that nobody has it open any more, and what it has shown until then is read first."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(None)
