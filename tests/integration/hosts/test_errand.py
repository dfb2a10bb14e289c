"""What a run has done on another machine comes into its log line by line, however the output is read there."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from headway.core.deployments.run import Deadlines
from headway.features.servers.auxiliary_run import AuxiliaryRun
from headway.infra.hosts.command import Command, Stage
from tests.integration.worksite import open_worksite

DEADLINES = Deadlines(step=timedelta(minutes=1), inactivity=timedelta(minutes=1), total=timedelta(minutes=1))


async def test_no_line_and_no_secret_in_it_is_cut_in_two() -> None:
    said: list[str] = []

    async def say(text: str) -> None:
        said.append(text)

    async def settled() -> None:
        """Nothing is to be recorded."""

    line = "x" * 900 + " wonderful ä"
    script = f"i=0; while [ $i -lt 2500 ]; do echo '{line}'; i=$((i+1)); done; printf 'no line end'"
    async with open_worksite() as site:
        run: Any = SimpleNamespace(
            deployment=None, plan={}, deadlines=DEADLINES, say=say, settled=settled, masked=lambda text: text
        )
        auxiliary = AuxiliaryRun(run, site.host, await site.anchor())
        argv = ("/bin/sh", "-c", script)
        await auxiliary.command("build", Command(stages=(Stage(argv=argv),), env={"PATH": "/usr/bin:/bin"}))
    assert len(said) <= 40, "each is a round trip to the machine whose log it is"
    assert max(len(each.encode()) for each in said) <= 64 << 10
    *lines, last = "\n".join(said).split("\n")
    assert set(lines) == {line}
    assert (len(lines), last) == (2500, "no line end\0")
