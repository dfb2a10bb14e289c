"""The networks of projects, against a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.runtime_forms import containers
from tests.integration.runtimes.bench import Work
from tests.support.docker.docker_engine import Engine

pytestmark = pytest.mark.docker


async def test_what_was_made_and_not_started_yet_keeps_its_network(
    docker_engine: Engine, tmp_path: Path, work: Work
) -> None:
    async with containers(docker_engine, tmp_path) as form:
        spec = form.web()
        await form.runtime.prepare(work, spec)
        await form.runtime.forget("app-2", "other")
        await form.runtime.start(work, spec)
        await form.runtime.healthy(work, spec)
