"""``/application-console``: a command inside what runs of a service, as messages of a WebSocket to and fro.

Each message is binary: the letter of its kind, and what it holds (see ``kernel.console_frames``).
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack, aclosing, suppress
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from headway.core.access.audience import Listener
from headway.core.engine.background import beside
from headway.features.services.application.console import Console
from headway.http import errors
from headway.http.answers import Answer
from headway.http.auth import authenticate
from headway.http.log_socket import refuse
from headway.http.needs import HttpNeeds
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.console_frames import PATH, WITH_REASON, Kind, message_of
from headway.kernel.errors import HeadwayError, Unavailable

_ALL_TOLD, _WRONG = 1000, 1003
_CHANGED = "Your access has changed, and the command was ended."

log = logging.getLogger(__name__)


class Consoles:
    """Answers a handshake: whoever has asked for the console enters it, all others are refused over plain HTTP."""

    def __init__(self, needs: HttpNeeds) -> None:
        self._needs = needs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the wish to connect
        try:
            async with AsyncExitStack() as stack:
                found = await errors.guarded(lambda: self._entered(scope, stack), PATH)
                if isinstance(found, Answer):
                    await refuse(found, send)
                    return
                listener, console = found
                await send({"type": "websocket.accept"})
                code = await _held(console, listener, receive, send)
                reason = _CHANGED if code == WITH_REASON else ""
        except Unavailable as error:
            log.warning("%s: %s", PATH, error.message)
            code, reason = WITH_REASON, error.message
        with suppress(OSError, RuntimeError):  # whoever sat before it has gone
            await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _entered(self, scope: Scope, stack: AsyncExitStack) -> tuple[Listener, Console] | Answer:
        actor = await authenticate(self._needs.door, scope)
        if actor is None:
            return errors.unauthorized()
        listener = stack.enter_context(self._needs.audience.listening(actor))
        console_id = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("consoleId", "")
        entering = self._needs.consoles.entered(actor, console_id, listener.require)
        return listener, await stack.enter_async_context(entering)


async def _held(console: Console, listener: Listener, receive: Receive, send: Send) -> int:
    """Carries pieces to and fro until the command has ended or may not go on; gives the code to close with."""
    async with (
        beside(_tell(console, send)) as telling,
        beside(_hear(console, receive)) as hearing,
        beside(listener.over()) as over,
    ):
        ended, _ = await asyncio.wait({telling, hearing, over}, return_when=asyncio.FIRST_COMPLETED)
        if telling in ended:
            return _ALL_TOLD
        return _WRONG if hearing in ended else WITH_REASON


async def _tell(console: Console, send: Send) -> None:
    try:
        async with aclosing(console.pieces()) as pieces:
            async for kind, data in pieces:
                async with asyncio.timeout(console.idle_seconds):
                    await send({"type": "websocket.send", "bytes": kind.value + data})
    except TimeoutError:
        return  # nobody takes it
    except HeadwayError as error:
        told = json.dumps({"error": error.message}).encode()
        await send({"type": "websocket.send", "bytes": Kind.END.value + told})


async def _hear(console: Console, receive: Receive) -> None:
    """Returns when nobody is there any more, or says what nobody understands."""
    with suppress(ValueError):
        while (message := await receive())["type"] != "websocket.disconnect":
            kind, data = message_of(message.get("bytes") or b"")
            with suppress(HostUnreachable):  # it has ended, and what it said last may still be on its way
                await console.write(kind, data)
