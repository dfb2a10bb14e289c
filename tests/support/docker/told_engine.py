"""An engine of which a test says what it tells, and when: what a real one tells a moment late cannot be waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.infra.docker.api import DockerApi, unix_socket


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an engine says no with."""

    status: int
    message: str


@asynccontextmanager
async def told_engine(folder: Path, tell: Callable[[str], Any]) -> AsyncIterator[DockerApi]:
    """An engine that tells this of each path that it is asked for, without its query: bytes as they are, a refusal
    with its status, else as JSON; of None it knows nothing.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        told = tell(target.partition("?")[0])
        told = Refusal(404, "no such thing") if told is None else told
        status = b"200 OK"
        if isinstance(told, Refusal):
            status, told = f"{told.status} No".encode(), {"message": told.message}
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, folder / "engine.sock"):
        yield DockerApi(unix_socket(str(folder / "engine.sock")))
