"""The log of a deployment's page: what is shown where something is not to be had, and what a script takes over."""

from __future__ import annotations

import os
import subprocess

import pytest

from headway.features.deployments.pages.deployment import PAGE
from headway.infra.logs import grep
from tests.integration.http.page_visits import person
from tests.integration.http.world import World


async def test_what_cannot_be_looked_for_is_said_beside_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done = await world.ended(await world.application())
    world.write_log(done, "one line\n")
    monkeypatch.setattr(grep, "LONGEST_SECONDS", -1.0)
    monkeypatch.setattr(grep, "_start", _end)  # or it may have read the line by the time that it is ended

    seen = await (await person(world)).see(PAGE, "log", {"deploymentId": done}, find="line")

    assert "This cannot be looked for: it takes too long" in seen.text
    assert "one line" in seen.text


def _end(process: subprocess.Popen[bytes], pattern_to: int, pattern: bytes) -> None:
    del pattern
    process.kill()
    os.close(pattern_to)


async def test_a_script_is_told_what_to_ask(world: World) -> None:
    done = await world.ended(await world.application())
    world.write_log(done, "one line\n")

    seen = await (await person(world)).see(PAGE, "", {"deploymentId": done})

    for name, operation in (("lines", "lines"), ("find", "find"), ("follow-lines", "followLines")):
        assert f'data-{name}="/api/deployment.{operation}?deploymentId={done}"' in seen.html
    assert "log.js" in seen.html
    assert "data-log-bar hidden" in seen.html, "without it nothing is offered that does nothing"
