"""The log of a run: what is masked in it, and what is Headway's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway.core.engine.parts import NoOutput
from headway.core.engine.run_log import LogFolder
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.paths import LogPaths
from headway.kernel.events import Events
from headway.kernel.failures.rule import Phase
from tests.integration.logs.spool import Spool


async def test_the_closing_line_is_headways_own(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    spool = Spool(tmp_path / "spool")
    await spool.append(b"the application serves\n")
    folder = LogFolder(paths, Broadcast(paths), Events())
    log = folder.open("a", spool, ("serves",))
    assert log.masked("it serves") == "it ******", "what a failure quotes is masked when it is quoted"
    await log.finish("Deployment done: release a serves at http://serves.localhost")
    assert paths.log("a").read_text() == (
        "the application ******\nDeployment done: release a serves at http://serves.localhost\n"
    )


async def test_a_run_that_has_put_out_nothing_has_its_closing_line(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    await LogFolder(paths, Broadcast(paths), Events()).open("a", NoOutput(), ()).finish("Deployment refused: why")
    assert paths.log("a").read_text() == "Deployment refused: why\n"


async def test_a_failure_quotes_its_line_to_the_end(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    spool = Spool(tmp_path / "spool")
    await spool.append(b"this broke\n")
    secret = "zebras-are-striped"  # Base64 of it begins with an e, and may be wrapped behind that
    log = LogFolder(paths, Broadcast(paths), Events()).open("a", spool, (secret,))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(log.run())
        said = await log.catch_up(0, Phase.BUILD)
        await log.finish("Deployment failed")
    assert said.line == "this broke"
