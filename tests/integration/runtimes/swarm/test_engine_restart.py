"""A swarm whose engine is started anew, with a release that serves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from headway.kernel.errors import Unavailable
from tests.contract.runtime_forms import Form, services
from tests.integration.runtimes.bench import Work, until_async
from tests.support.docker.swarm_nodes import Nodes

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.mark.parametrize("is_graceful", [False, True])
async def test_a_copy_that_its_engine_has_ended_has_not_crashed_and_comes_back(
    nodes: Nodes,
    tmp_path: Path,
    work: Work,
    is_graceful: bool,  # noqa: FBT001 - a table
) -> None:
    ends = "trap 'exit 0' TERM; while :; do sleep 0.1; done" if is_graceful else "while :; do sleep 0.1; done"
    async with services(nodes.manager, tmp_path) as form:
        spec = form.script(ends)
        await form.runtime.prepare(work, spec)
        await form.runtime.start(work, spec)
        await form.runtime.healthy(work, spec)

        await asyncio.to_thread(nodes.manager.stop)
        nodes.manager.start()

        await until_async(lambda: _is_up_again(form, spec.release_id), 60)
        assert not await form.runtime.crashed(spec.release_id)


async def _is_up_again(form: Form, release_id: str) -> bool:
    """Whether a copy has ended, and another runs."""
    try:
        found = (await form.runtime.status(release_id)).processes
    except Unavailable:  # a swarm has no leader at first
        return False
    return any(process.exits and process.up for process in found)
