"""Serving the HTTP face on a socket, inside an event loop that somebody else runs."""

from __future__ import annotations

import asyncio
import errno
import socket
from asyncio.transports import BaseTransport
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from headway.http.request_heads import HEAD_SECONDS, BoundedProtocol
from headway.http.slow_reader import SlowReaderCut
from headway.kernel.errors import HeadwayError

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 20
_MOST_MESSAGE_BYTES = 4_096  # nobody who listens has anything to say
_MOST_UNSENT_BYTES = 256 << 10  # that the kernel takes of an answer whose reader does not: else it is megabytes
_SECONDS_TO_STOP = 1  # for answers that are under way; the event loop's own steps come on top


class CannotListen(HeadwayError):
    """The address cannot be listened on."""


class Server:
    """An HTTP server: ``start`` takes the address, ``run`` serves until ``stop``, within two seconds of it."""

    def __init__(self, app: Starlette, host: str, port: int, *, head_seconds: float = HEAD_SECONDS) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        protocol = cast("type[asyncio.Protocol]", partial(BoundedProtocol, head_seconds=head_seconds))
        web_socket = cast("type[asyncio.Protocol]", BoundedWebSocket)
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                http=protocol,
                ws=web_socket,
                ws_max_size=_MOST_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SECONDS_TO_STOP,
            )
        )

    @property
    def port(self) -> int:
        """The port that is listened on, once started; another than was asked for only when that was 0."""
        return self._port

    async def start(self) -> None:
        """Listens. Raises CannotListen with what to do about it."""
        self._socket = _listen(self._host, self._port)
        self._port = self._socket.getsockname()[1]

    async def run(self) -> None:
        """Serves until ``stop``. When cancelled, it stops in order too."""
        if self._socket is None:
            await self.start()
        assert self._socket is not None  # noqa: S101 - for the type checker: start sets it or raises
        serving = asyncio.create_task(self._uvicorn.serve([self._socket]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self.stop()
            await serving
            raise

    def stop(self) -> None:
        """Ends ``run``: no new connection is taken, followers are sent away, answers under way get a second. May be
        called at any time, and again.
        """
        self._app.state.close()
        self._uvicorn.should_exit = True


class _Uvicorn(uvicorn.Server):
    """Leaves signals to whoever runs the event loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotListen(f"Headway cannot listen on {host}, port {port}: {_way_out(error)}") from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT_BYTES)  # as all that it accepts has
    return listening


def _way_out(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program does. End that one, or choose another port with --port or HEADWAY_PORT."
        case errno.EACCES:
            return "ports below 1024 are root's. Choose another one with --port or HEADWAY_PORT."
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address. Choose another one with --host or HEADWAY_HOST."
        case _:
            return f"{error.strerror or error}. Choose another address with --host or HEADWAY_HOST."


# uvicorn's own protocol answers each ping whether or not anybody takes the answers, and closes a connection only once
# all that waits was taken: whoever reads nothing could hold any amount of memory, as long as the connection is kept.
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
