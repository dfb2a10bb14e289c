"""What is sent to a server, asked over two pipes in the place of a link: it outlives them, and comes back by itself."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import sys
import tarfile
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.issuance import Issuance
from headway.drivers.edge.traefik import EdgeAccounts
from headway.drivers.runtimes.remote.bundle import START, bundle
from headway.drivers.runtimes.remote.codec import decode, encode
from headway.drivers.runtimes.remote.contract import Setting, types_of
from headway.drivers.runtimes.remote.frames import HEAD, framed, length_of
from headway.features.metrics.journal import Journal
from headway.features.servers.edge_reconciler import EdgeReconciler
from headway.infra.hosts.consumption import MachineReading, read_machine
from headway.kernel.artifacts import KeyPair, Route, Upstream, Way
from headway.kernel.events import Events
from headway.kernel.secret import Secret
from tests.integration.runtimes.bench import EDGE_ACCOUNTS, fetch, free_port, traefik_of, until
from tests.support.certificates.certificates import certificate_for

HOST = "shop.localhost"


class Line:
    """What stands between the panel and the attendant; fits what the edge's keeper asks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def call(self, method: str, part: str = "edge", **given: Any) -> Any:  # noqa: ANN401 - JSON
        told = {name: encode(value) for name, value in given.items()}
        await self.write({"id": 1, "part": part, "method": method, "with": told, "mask": []})
        answer = await self.read()
        assert "error" not in answer, answer
        return answer.get("ok")

    async def watch(self) -> list[str]:
        ends: list[str] = await self.call("watch")
        return ends

    async def set_certificates(self, pairs: Sequence[KeyPair]) -> None:
        await self.call("set_certificates", pairs=pairs)

    async def issuance(self) -> Issuance | None:
        found: Issuance | None = decode(await self.call("read", "issuance"), types_of("issuance", "read")[1])
        return found

    async def write(self, message: Any) -> None:  # noqa: ANN401 - JSON
        assert self.process.stdin is not None
        self.process.stdin.write(framed(message))
        await self.process.stdin.drain()

    async def read(self) -> Any:  # noqa: ANN401 - JSON
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            length = length_of(await self.process.stdout.readexactly(HEAD.size))
            return json.loads(await self.process.stdout.readexactly(length))


@asynccontextmanager
async def agent(code: Path, setting: Setting) -> AsyncIterator[Line]:
    """A link for as long as the block lasts."""
    argv, pipe = (sys.executable, "-I", str(code / START)), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    line = Line(process)
    try:
        await line.write(encode(setting))
        assert await line.read() == {"ready": True}
        yield line
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def sent(folder: Path, port: int, program: Path) -> Setting:
    """Unpacks what is sent to a server, and gives what it is told."""
    with tarfile.open(fileobj=io.BytesIO(bundle().content)) as tar:
        tar.extractall(folder / "code", filter="data")
    return Setting(
        root=str(folder),
        panel_id="far",
        use_cgroups=None,
        edge_host="127.0.0.1",
        edge_port=port,
        https_port=None,
        certificate_mail=None,
        certificate_authority=None,
        certificate_roots=None,
        edge=str(program),
        site="caddy",
        engine=str(folder / "no.sock"),
        edge_accounts=EDGE_ACCOUNTS or EdgeAccounts(serving=1, trying=1),
    )


async def test_what_a_server_uses_is_read_there_and_told_as_it_is_here(folder: Path) -> None:
    async with agent(folder / "code", sent(folder, free_port(), Path("traefik"))) as line:
        asked = {"panel_id": "far", "releases": ["none"], "containers": []}
        await line.write({"id": 1, "part": "machine", "method": "consumption", "with": asked, "mask": []})
        told: MachineReading = decode((await line.read())["ok"], MachineReading)
    here = read_machine("far", [], [])
    assert (told.boot, told.cores, told.memory_size, told.groups) == (here.boot, here.cores, here.memory_size, {})
    assert 0 < told.at <= here.at
    assert 0 < told.cpu <= here.cpu
    assert told.cost > 0


async def test_what_was_issued_on_a_server_is_read_there_without_its_key_and_not_at_each_look(folder: Path) -> None:
    (folder / "edge").mkdir()
    pem, key = certificate_for("www.example.org")
    kept = {"domain": {"main": "www.example.org"}, "certificate": b64encode(pem.encode()).decode(), "key": key}
    (folder / "edge/acme.json").write_text(json.dumps({"acme": {"Certificates": [kept]}}))
    said = 'error="[www.example.org] too many" domains=["www.example.org"]'
    refused = f"2026-11-29T12:03:04Z ERR Unable to obtain ACME certificate for domains {said}"
    (folder / "edge/traefik.log").write_text(f"{refused}\n")
    heard: list[Issuance | None] = []
    async with agent(folder / "code", sent(folder, free_port(), Path("traefik"))) as line:
        keeper = EdgeReconciler(
            host_id="far", edge=lambda: line, certificates=_at_once([]), events=Events(), issued=heard.append
        )
        for _ in range(3):
            await keeper.keep_round()
    (told,) = heard
    assert told is not None
    assert told.until("www.example.org") is not None
    (refusal,) = told.refusals
    assert refusal.why == "too many"
    assert "PRIVATE" not in repr(told)


async def test_the_edge_of_a_server_needs_no_link_to_come_back_and_the_panel_says_that_it_did(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, program = free_port(), Path(sys.prefix) / "bin/traefik"
    setting = sent(folder, port, program)
    way, upstream = Way(host=HOST), Upstream(port=1)
    route = Route(application_id="a", app_name="a", release_id="r", ways=(way,), upstreams=(upstream,))
    events = Events()
    Journal(events)
    try:
        async with agent(folder / "code", setting) as line:
            assert await line.watch() == []
            await line.call("set_route", route=route)
            await until(lambda: fetch(port, host=HOST)[0] == 502)
        killed = traefik_of(folder)
        os.kill(killed or 0, signal.SIGKILL)
        await until(lambda: traefik_of(folder) not in {None, killed})
        async with agent(folder / "code", setting) as line:
            shown = [KeyPair(name="c1", certificate="certificate", key=Secret("key"))]
            keeper = EdgeReconciler(host_id="far", edge=lambda: line, certificates=_at_once(shown), events=events)
            with caplog.at_level(logging.WARNING):
                await keeper.keep_round()
                await keeper.keep_round()
            files = {path.read_text(): path.stat().st_mode & 0o777 for path in folder.glob("edge/certificates/*")}
            mode = 0o600 if EDGE_ACCOUNTS is None else 0o640
            assert files == {"certificate": mode, "key": mode}
            kept_up = [keeper.shows]
            shown.clear()
            await keeper.keep_round()
            assert list(folder.glob("edge/certificates/*")) == []
            assert [*kept_up, keeper.shows] == [True, False], "it is looked after for as long as anything is there"
            (told,) = [each for each in caplog.records if "edge of a server ended" in each.message]
            assert (told.__dict__["host"], told.__dict__["how"]) == ("far", "SIGKILL")
    finally:
        edge = Edge(folder / "edge", host="127.0.0.1", port=port, traefik=program, alone=True, accounts=EDGE_ACCOUNTS)
        await edge.shut_down()
    assert traefik_of(folder) is None


def _at_once(pairs: list[KeyPair]) -> Callable[[], Awaitable[list[KeyPair]]]:
    async def given() -> list[KeyPair]:
        return pairs

    return given
