"""What an edge takes for a route that leads nobody any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.route_file import RELEASE_HEADER
from headway.kernel.artifacts import Route, Upstream, Way

LEADS = f"HTTP/1.1 200 OK\r\n{RELEASE_HEADER}: r\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LEADS_NOWHERE = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def test_a_silence_does_not_say_that_a_route_is_gone(tmp_path: Path) -> None:
    says = ["", LEADS, "", LEADS_NOWHERE]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says.pop(0).encode())
        await writer.drain()
        writer.close()

    route = Route(
        application_id="a",
        app_name="a",
        release_id="r",
        ways=(Way(host="a.localhost"),),
        upstreams=(Upstream(port=1),),
    )
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        edge = Edge(tmp_path / "edge", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        await edge._wait_until_gone(route)
    assert says == []
