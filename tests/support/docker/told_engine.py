"""An engine of which a test says what it tells, and when: what a real one tells a moment late cannot be waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from headway.infra.docker.api import DockerApi, unix_socket


@asynccontextmanager
async def told_engine(folder: Path, tell: Callable[[str], Any]) -> AsyncIterator[DockerApi]:
    """An engine that tells this of each path that it is asked for, without its query: bytes as they are, else as JSON;
    of None it knows nothing.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        told = tell(target.partition("?")[0])
        status, told = (b"404 Not Found", {"message": "no such thing"}) if told is None else (b"200 OK", told)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, folder / "engine.sock"):
        yield DockerApi(unix_socket(str(folder / "engine.sock")))
