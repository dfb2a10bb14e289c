"""What supervisord is believed to have let go."""

from __future__ import annotations

import asyncio
import os
import xmlrpc.client
from pathlib import Path

from headway.drivers.runtimes.process import rpc
from headway.drivers.runtimes.process.programs import Layout, Program
from headway.drivers.runtimes.process.supervisord import Supervisord

PROGRAMS = [Program(release_id="r1", process="web")]
LET_GO = xmlrpc.client.dumps((True,), methodresponse=True).encode()


def supervised(folder: Path) -> Supervisord:
    layout = Layout(root=folder)
    layout.supervisord.mkdir()
    return Supervisord(layout, panel_id="p", reap_orphans=lambda: None)


async def test_one_that_breaks_off_its_answer_has_not_let_a_release_go(tmp_path: Path) -> None:
    says = [b"", b"", LET_GO]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"</methodCall>")
        body = says.pop(0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) if body else b"")
        writer.write(body)
        await writer.drain()
        writer.close()

    supervisord = supervised(tmp_path)
    supervisord._daemon._record(os.getpid())  # it is there, as we are
    supervisord.rpc = rpc.Rpc(tmp_path / "s")  # whose path is no longer than a socket's may be
    async with await asyncio.start_unix_server(answer, tmp_path / "s"):
        await supervisord.let_go(PROGRAMS)
    assert says == []


async def test_where_none_is_there_nothing_is_kept_alive(tmp_path: Path) -> None:
    await supervised(tmp_path).let_go(PROGRAMS)
