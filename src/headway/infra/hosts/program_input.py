"""What a program is told on its standard input."""

from __future__ import annotations

from asyncio.subprocess import Process
from contextlib import suppress


async def feed(process: Process, data: bytes) -> None:
    """Writes ``data`` to its standard input, a pipe, and closes that. A program that has ended takes nothing."""
    assert process.stdin is not None  # noqa: S101 - a pipe
    with suppress(
        OSError, RuntimeError
    ):  # uvloop closes the pipe with the program, and refuses each write from then on
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
