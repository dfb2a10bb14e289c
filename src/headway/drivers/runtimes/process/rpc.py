"""Calls to supervisord over its XML-RPC unix socket."""

from __future__ import annotations

import asyncio
import xml.parsers.expat
import xmlrpc.client  # the only peer is our own supervisord, on a socket that only we can reach
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headway.infra import http_client
from headway.infra.http_client import CutOff, NotHttp
from headway.kernel.errors import HeadwayError, Unavailable

BAD_NAME = 10
NOT_RUNNING = 70
ALREADY_ADDED = 90
STILL_RUNNING = 91
CANNOT_READ = 92

_DEADLINE_SECONDS = 10.0
_DONE = 200
_HEADERS: Mapping[str, str] = {"Host": "supervisord", "Content-Type": "text/xml"}
_BROKEN_OFF = "The process supervisor broke off its answer; the panel looks after it."


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
                status, text = await self._exchange(body)
        except (CutOff, NotHttp) as error:
            raise SupervisordAway(_BROKEN_OFF) from error
        except (OSError, TimeoutError) as error:
            raise SupervisordAway("The process supervisor does not answer; the panel starts it again.") from error
        if status != _DONE:
            raise SupervisordAway(_BROKEN_OFF)
        try:
            (result,), _ = xmlrpc.client.loads(text)
        except xmlrpc.client.Fault as fault:
            raise Refused(f"The process supervisor refused {method}: {fault.faultString}", fault.faultCode) from fault
        except xml.parsers.expat.ExpatError as error:
            raise SupervisordAway(_BROKEN_OFF) from error
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

    async def _exchange(self, body: bytes) -> tuple[int, bytes]:
        streams = await asyncio.open_unix_connection(str(self._socket))
        try:
            answer = await http_client.ask(streams, "POST", "/RPC2", _HEADERS, body)
            return answer.status, await answer.body()
        finally:
            await http_client.close(streams[1])
