"""``/docker-container-logs``: what a container writes as messages of a WebSocket, text as it comes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from headway.api.inputs import CONTAINER_ID
from headway.api.registry import Registry
from headway.core.access.audience import Listener
from headway.core.access.policy import Missing, Noun
from headway.core.engine.background import beside
from headway.http import errors
from headway.http.answers import Answer
from headway.http.auth import authenticate
from headway.http.gathered_output import GatheredOutput
from headway.http.log_socket import NO_SERVER, refuse
from headway.http.needs import HttpNeeds
from headway.http.outlets import COME_BACK, Gone
from headway.http.streams import STUCK_SECONDS
from headway.kernel.clock import SystemClock
from headway.kernel.time_range import begins

PATH = "docker-container-logs"
_MOST_LINES = 10_000
_LINES = 100
_ALL_TOLD = 1000
_SECONDS_TO_CLOSE = 1.0
_SINCE = re.compile(r"[0-9]{1,9}[smhd]\Z")


class ContainerLogs:
    """Answers a handshake: whoever may see the container gets its output, everybody else a refusal over plain HTTP."""

    def __init__(self, needs: HttpNeeds, registry: Registry) -> None:
        self._needs = needs
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the wish to connect
        async with AsyncExitStack() as stack:
            found = await errors.guarded(lambda: self._output(scope, stack), PATH)
            if isinstance(found, Answer):
                await refuse(found, send)
                return
            listener, output = found
            await send({"type": "websocket.accept"})
            async with (
                beside(_tell(output, send)) as telling,
                beside(_left(receive)) as leaving,
                beside(listener.over()) as over,
            ):
                ended, _ = await asyncio.wait({telling, leaving, over}, return_when=asyncio.FIRST_COMPLETED)
        is_stuck = telling in ended and isinstance(telling.exception(), Gone)
        code = COME_BACK if over in ended or is_stuck else _ALL_TOLD
        with suppress(OSError, RuntimeError, TimeoutError):  # the reader has gone, or hangs
            async with asyncio.timeout(_SECONDS_TO_CLOSE):
                await send({"type": "websocket.close", "code": code})

    async def _output(self, scope: Scope, stack: AsyncExitStack) -> tuple[Listener, AsyncIterator[str]] | Answer:
        actor = await authenticate(self._needs.door, scope)
        if actor is None:
            return errors.unauthorized()
        given = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        container_id, tail, since = given.get("containerId", ""), given.get("tail", ""), given.get("since", "")
        server_id = given.get("serverId", "")
        if not re.match(CONTAINER_ID, container_id):
            raise Missing(Noun.CONTAINER)
        listener = stack.enter_context(self._needs.audience.listening(actor))
        output = await self._needs.containers.follow(
            actor,
            self._registry.permission_of("docker.getContainers"),
            container_id,
            None if server_id in NO_SERVER else server_id,
            tail=min(int(tail), _MOST_LINES) if tail.isdecimal() and len(tail) < 10 else _LINES,
            since=begins(since, SystemClock().now()) if _SINCE.match(since) else None,
            require=listener.require,
        )
        return listener, output


async def _tell(output: AsyncIterator[str], send: Send) -> None:
    """Tells all. A reader that takes nothing for long holds memory here, and is sent away: raises Gone."""
    gathered = GatheredOutput()
    async with beside(gathered.fill(output)) as filling:
        while text := await gathered.next():
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    await send({"type": "websocket.send", "text": text})
            except TimeoutError:
                raise Gone from None
        await filling


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass
