"""Connections that lead to the internet only: a name is looked up once, judged, and what was judged is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from headway.kernel.addresses import host_of, is_near
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


async def require_outward(addresses: Iterable[str]) -> None:
    """Returns where all of the hosts of these addresses lead outward now. Raises LeadsNear, OSError, TimeoutError."""
    for address in addresses:
        host = host_of(address)
        if host:
            await judged(host, 0)


def leads_near(address: str) -> bool:
    """Whether an IP address is near, or one of this machine's own."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return is_near(ip) or _is_own(str(ip), socket.AF_INET if ip.version == 4 else socket.AF_INET6)


def only_outward(refused: Callable[[], None]) -> None:
    """From now on no socket of this process connects to what is near: for programs that look names up themselves.
    ``refused`` is called when one was to.
    """
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    sendto: Callable[..., int] = socket.socket.sendto

    def guarded(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - as sockets take it
        _refuse(self, address, refused)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:  # noqa: ANN401 - as above
        _refuse(self, address, refused)
        return connect_ex(self, address)

    def guarded_to(self: socket.socket, data: Any, *more: Any) -> int:  # noqa: ANN401 - as above
        *flags, (host, *port) = more
        judged_host = host if self.family not in {socket.AF_INET, socket.AF_INET6} else _looked_up(host, self.family)
        _refuse(self, (judged_host, *port), refused)
        return sendto(self, data, *flags, (judged_host, *port))

    socket.socket.connect, socket.socket.connect_ex = guarded, guarded_ex  # type: ignore[method-assign,assignment]
    socket.socket.sendto = guarded_to  # type: ignore[method-assign,assignment]


def _looked_up(host: str, family: int) -> str:
    """The address of a host to which a datagram goes, which programs name to the socket itself."""
    return str(socket.getaddrinfo(host, None, family, socket.SOCK_DGRAM)[0][4][0])


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
