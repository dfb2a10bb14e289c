"""The log of a run: what is masked in it, and what is Headway's own."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

from headway.core.engine.parts import NoOutput
from headway.core.engine.run_log import LogFolder
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from headway.kernel.events import Events
from headway.kernel.failures.rule import Phase
from tests.integration.logs.spool import Spool


async def test_the_closing_line_is_headways_own(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    spool = Spool(tmp_path / "spool")
    await spool.append(b"the application serves\n")
    folder = LogFolder(paths, Broadcast(paths), Events())
    log = await folder.open("a", spool, ("serves",))
    assert log.masked("it serves") == "it ******", "what a failure quotes is masked when it is quoted"
    await log.finish("Deployment done: release a serves at http://serves.localhost")
    assert paths.log("a").read_text() == (
        "the application ******\nDeployment done: release a serves at http://serves.localhost\n"
    )


async def test_a_run_that_has_put_out_nothing_has_its_closing_line(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    log = await LogFolder(paths, Broadcast(paths), Events()).open("a", NoOutput(), ())
    await log.finish("Deployment refused: why")
    assert paths.log("a").read_text() == "Deployment refused: why\n"


async def test_a_failure_quotes_its_line_to_the_end(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    spool = Spool(tmp_path / "spool")
    await spool.append(b"this broke\n")
    secret = "zebras-are-striped"  # Base64 of it begins with an e, and may be wrapped behind that
    log = await LogFolder(paths, Broadcast(paths), Events()).open("a", spool, (secret,))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(log.run())
        said = await log.catch_up(0, Phase.BUILD)
        await log.finish("Deployment failed")
    assert said.line == "this broke"


async def test_a_command_that_writes_nothing_is_told_with_nothing_that_stands_before_it(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    spool = Spool(tmp_path / "spool")
    before = b"==> release command\nNothing was cached: the cache cannot be read.\n"
    await spool.append(before)
    log = await LogFolder(paths, Broadcast(paths), Events()).open("a", spool, ())
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(log.run())
        assert (await log.catch_up(len(before), Phase.BUILD)).line == ""
        await spool.append(b"bye\n")
        assert (await log.catch_up(len(before), Phase.BUILD)).line == "bye"
        await log.finish("Deployment failed")


async def test_a_line_that_could_go_on_as_a_secret_is_shown_to_its_end_when_nothing_comes(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    spool = Spool(tmp_path / "spool")
    secret = "zebras-are-striped"  # Base64 of it begins with an e, and may be wrapped behind that
    wrapped = base64.b64encode(secret.encode())
    sizes: asyncio.Queue[int] = asyncio.Queue()
    pump = Pump(spool, paths.log("a"), Masker([secret]), sizes.put_nowait)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pump.run())
        await spool.append(b"a tree\n")
        while await sizes.get() < len(b"a tree\n"):
            pass
        assert paths.log("a").read_bytes() == b"a tree\n"
        await spool.append(wrapped[1:] + b"\nand more\n")  # of which the e was the beginning, after all
        await pump.finish()
    assert paths.log("a").read_bytes() == b"a tre******\nand more\n"


async def test_a_log_with_secrets_of_many_lines_keeps_nobody_waiting(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    secret = "\n".join(f"{number:05}/+=" for number in range(14_000))  # as long as a variable may be
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            begun = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - begun)

    beating = asyncio.create_task(beat())
    log = await LogFolder(paths, Broadcast(paths), Events()).open("a", NoOutput(), (secret,))
    beating.cancel()
    assert log.masked("it says 07000/+=.") == "it says ******."
    assert longest < 1.5, "a lease is renewed every few seconds, and a machine at work is late by itself"
