"""Calls to supervisord over its XML-RPC unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import xml.parsers.expat
import xmlrpc.client  # the only peer is our own supervisord, on a socket that only we can reach
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headway.kernel.errors import HeadwayError, Unavailable

BAD_NAME = 10
NOT_RUNNING = 70
ALREADY_STARTED = 60
ALREADY_ADDED = 90
STILL_RUNNING = 91
CANNOT_READ = 92

_DEADLINE_SECONDS = 10.0


class SupervisordAway(Unavailable):
    """supervisord does not answer on its socket."""


class Refused(HeadwayError):
    """supervisord has refused a call; ``number`` is its code for why."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Rpc:
    """The calls, each over a connection of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def call(self, method: str, *arguments: str | int | bool) -> Any:  # noqa: ANN401 - checked by each caller
        """The result of ``supervisor.<method>``. Raises Refused with supervisord's code, SupervisordAway."""
        body = xmlrpc.client.dumps(arguments, f"supervisor.{method}").encode()
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                answer = await self._exchange(body)
        except (OSError, TimeoutError) as error:
            raise SupervisordAway("The process supervisor does not answer; the panel starts it again.") from error
        head, _, text = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SupervisordAway("The process supervisor broke off its answer; the panel looks after it.")
        try:
            (result,), _ = xmlrpc.client.loads(text)
        except xmlrpc.client.Fault as fault:
            raise Refused(f"The process supervisor refused {method}: {fault.faultString}", fault.faultCode) from fault
        except xml.parsers.expat.ExpatError as error:
            raise SupervisordAway("The process supervisor broke off its answer; the panel looks after it.") from error
        return result

    async def process(self, name: str) -> Mapping[str, Any] | None:
        """What supervisord knows of a process (``group:program``); None when it knows no such process."""
        try:
            found: Mapping[str, Any] = await self.call("getProcessInfo", name)
        except Refused as refused:
            if refused.number == BAD_NAME:
                return None
            raise
        return found

    async def _exchange(self, body: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            head = f"POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
