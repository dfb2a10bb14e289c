"""A WebSocket whose other side has to take what it is sent.

uvicorn's own protocol answers each ping whether or not anybody takes the answers, and closes a connection only once all
that waits was taken: whoever reads nothing could hold any amount of memory, for as long as the connection is kept.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from headway.http.slow_reader import SlowReaderCut


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket connection. Pings are not answered while what was sent before is not taken, and whoever takes nearly
    nothing of it is cut off, whether the connection is open yet or closing.
    """

    _cut: SlowReaderCut

    def connection_made(self, transport: BaseTransport) -> None:
        self._cut = SlowReaderCut(self.loop, cast("asyncio.Transport", transport))
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cut.begin()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():  # else the rest has to be taken, too
            self._cut.end()
        super().resume_writing()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the answer is left out: a later ping gets one

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut.begin()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._cut.begin()  # what waits yet is taken in time
