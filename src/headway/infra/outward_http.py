"""HTTP that leads to the internet only; a part of its own, for what it is made of is loaded where it is needed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable

import httpcore
import httpx

from headway.infra.outward_connections import LeadsNear, judged


def transport(verify: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    """What an httpx client sends by, for addresses of whoever may not use the machine: no proxy, no other host than the
    one that was judged. Raises LeadsNear where it is used.
    """
    context = verify or httpx.create_ssl_context()
    made = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    # httpx takes no network backend of its own, which is the one place where a name is looked up and connected to.
    made._pool = httpcore.AsyncConnectionPool(ssl_context=context, network_backend=_Outward())  # noqa: SLF001
    return made


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
