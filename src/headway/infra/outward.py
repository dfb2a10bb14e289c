"""Connections that lead to the internet only: a name is looked up once, judged, and what was judged is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from headway.kernel.addresses import is_near
from headway.kernel.errors import HeadwayError

NEAR = (
    "The address leads to this machine or to a private network, which is for owners of the panel's first organisation, "
    "and for organisations that they have given the machine to: one of them has to save it."
)
_SECONDS = 10.0


class LeadsNear(HeadwayError):
    """A name leads where whoever saved it may not."""

    def __init__(self) -> None:
        super().__init__(NEAR)


async def judged(host: str, port: int) -> str:
    """The IP address of a host that leads outward. Raises LeadsNear, OSError, TimeoutError."""
    async with asyncio.timeout(_SECONDS):
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or any(leads_near(each) for each in addresses):
        raise LeadsNear
    return addresses[0]


def leads_near(address: str) -> bool:
    """Whether an IP address is near, or one of this machine's own."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return is_near(ip) or _is_own(str(ip), socket.AF_INET if ip.version == 4 else socket.AF_INET6)


def transport(verify: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    """What an httpx client sends by, for addresses of whoever may not use the machine: no proxy, no other host than the
    one that was judged. Raises LeadsNear where it is used.
    """
    context = verify or httpx.create_ssl_context()
    made = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    # httpx takes no network backend of its own, which is the one place where a name is looked up and connected to.
    made._pool = httpcore.AsyncConnectionPool(ssl_context=context, network_backend=_Outward())  # noqa: SLF001
    return made


def only_outward(refused: Callable[[], None]) -> None:
    """From now on no socket of this process connects to what is near: for programs that look names up themselves.
    ``refused`` is called when one was to.
    """
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - as sockets take it
        _refuse(self, address, refused)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:  # noqa: ANN401 - as above
        _refuse(self, address, refused)
        return connect_ex(self, address)

    socket.socket.connect, socket.socket.connect_ex = guarded, guarded_ex  # type: ignore[method-assign,assignment]


class _Outward(httpcore.AsyncNetworkBackend):
    """Looks a name up once, and connects to what it has judged."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            address = await judged(host, port)
        except (OSError, TimeoutError) as error:
            raise httpcore.ConnectError(str(error)) from error
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise LeadsNear

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _refuse(used: socket.socket, address: Any, refused: Callable[[], None]) -> None:  # noqa: ANN401 - as above
    is_ip = used.family in {socket.AF_INET, socket.AF_INET6}
    # A name would be looked up again by the connection itself: only what was looked up before is connected to.
    if not is_ip or leads_near(str(address[0])):
        refused()
        raise OSError(NEAR)


def _is_own(address: str, family: socket.AddressFamily) -> bool:
    """Whether a socket can be bound to it, as it can to the machine's own addresses alone."""
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
        return True
