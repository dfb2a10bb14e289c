"""What of taking an image to a registry outlives the panel that began it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.builders.publication import Destination, publish
from headway.infra.docker.cli import Typed
from headway.kernel.artifacts import Image
from tests.integration.worksite import Worksite
from tests.support.docker.told_engine import told_engine


class Typing:
    """A command line whose login leaves credentials, and whose push takes long."""

    def __init__(self, configuration: str) -> None:
        self.configuration = configuration

    def push(self, name: str) -> Typed:
        return Typed(argv=("sleep", "30"), env={}, capture=True)


async def test_a_panel_that_stops_leaves_the_next_one_the_credentials(site: Worksite, tmp_path: Path) -> None:
    cli: Any = Typing(f"{site.folder}/configuration")
    kept = Path(cli.configuration) / "config.json"
    login = Typed(argv=("touch", str(kept)), env={}, capture=True)
    async with told_engine(tmp_path, lambda _: {}) as api:
        to = Destination(name="registry.test/team/x:1", registry="registry.test", login=login, cli=cli, api=api)
        pushing = asyncio.create_task(publish(site, Image(name="x", reference="sha256:x"), to))
        await site.started("push")
        pushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pushing
    assert kept.exists(), "the next one goes on, and does not log in again"
