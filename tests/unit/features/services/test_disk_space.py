"""Room on the disk while something is built: a build may use what had to be free when it began."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headway.core.deployments.run import RunFailed
from headway.features.services.disk_space import Room
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.hosts.files import LocalFiles


async def test_a_build_may_use_half_of_what_had_to_be_free(tmp_path: Path) -> None:
    api, run = DockerApi(unix_socket(str(tmp_path / "none"))), SimpleNamespace(host=LocalFiles())
    free = await run.host.free_bytes(str(tmp_path))
    asked: Any = run
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Room(work=str(tmp_path), floor=free * 3 // 2, api=api).watch(asked), 0.8)
    with pytest.raises(RunFailed, match="half of HEADWAY_LEAST_FREE"):
        await asyncio.wait_for(Room(work=str(tmp_path), floor=free * 3, api=api).watch(asked), 5)
