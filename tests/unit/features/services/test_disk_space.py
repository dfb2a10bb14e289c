"""Room on the disk while something is built: what a build may use, and where the engine keeps images by then."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headway.core.deployments.run import RunFailed
from headway.features.services.disk_space import Room
from headway.infra.docker.api import DockerApi, EngineAway, unix_socket
from headway.infra.hosts.files import LocalFiles


class Seen(LocalFiles):
    """The files of this machine; ``asked`` are the places whose free bytes were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def free_bytes(self, path: str) -> int:
        self.asked.append(path)
        return await super().free_bytes(path)


class Engine:
    """As much of an engine as is asked where it keeps images; None while it is away. ``times`` counts the answers."""

    def __init__(self, root: Path) -> None:
        self.root: Path | None = root
        self.times = 0

    async def get(self, _path: str, **_options: object) -> dict[str, str]:
        self.times += 1
        if self.root is None:
            raise EngineAway("it is being moved")
        return {"DockerRootDir": str(self.root)}


class Looks:
    """A room of whose engine it is known when it was asked; ``now`` is its clock."""

    def __init__(self, work: Path, root: Path) -> None:
        root.mkdir()
        self.now = 1_000.0
        self.work, self.engine, self.host = str(work), Engine(root), Seen()
        api: Any = self.engine
        self.room = Room(work=self.work, floor=1, api=api, monotonic=lambda: self.now)

    async def engine_place(self, *, after: float = 0.0) -> list[str]:
        """Where it is looked, beside where builds are made."""
        self.now += after
        self.host.asked.clear()
        asked: Any = SimpleNamespace(host=self.host)
        await self.room.require(asked)
        return [place for place in self.host.asked if place != self.work]


async def test_a_build_may_use_half_of_what_had_to_be_free(tmp_path: Path) -> None:
    api, run = DockerApi(unix_socket(str(tmp_path / "none"))), SimpleNamespace(host=LocalFiles())
    free = await run.host.free_bytes(str(tmp_path))
    asked: Any = run
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Room(work=str(tmp_path), floor=free * 3 // 2, api=api).watch(asked), 0.8)
    with pytest.raises(RunFailed, match="half of HEADWAY_LEAST_FREE"):
        await asyncio.wait_for(Room(work=str(tmp_path), floor=free * 3, api=api).watch(asked), 5)


async def test_an_engine_that_keeps_images_elsewhere_now_is_seen_after_a_while_and_seldom_asked(tmp_path: Path) -> None:
    before, moved = tmp_path / "before", tmp_path / "moved"
    looks = Looks(tmp_path, before)
    assert await looks.engine_place() == [str(before)]
    moved.mkdir()
    looks.engine.root = moved
    assert [await looks.engine_place(after=1) for _ in range(60)] == [[str(before)]] * 60
    assert looks.engine.times == 1
    assert await looks.engine_place(after=60) == [str(moved)]
    assert looks.engine.times == 2


async def test_where_images_were_is_no_place_any_more_and_the_engine_is_asked_at_once(tmp_path: Path) -> None:
    before, moved = tmp_path / "before", tmp_path / "moved"
    looks = Looks(tmp_path, before)
    await looks.engine_place()
    before.rename(moved)
    looks.engine.root = moved
    assert await looks.engine_place(after=11) == [str(before), str(moved)]
    assert await looks.engine_place() == [str(moved)]


async def test_an_engine_whose_place_is_none_of_this_host_is_not_asked_at_each_look(tmp_path: Path) -> None:
    looks = Looks(tmp_path, tmp_path / "elsewhere")
    (tmp_path / "elsewhere").rmdir()
    for _ in range(100):
        await looks.engine_place(after=0.5)
    assert looks.engine.times <= 6


async def test_an_engine_that_is_away_leaves_what_it_said_before(tmp_path: Path) -> None:
    before = tmp_path / "before"
    looks = Looks(tmp_path, before)
    await looks.engine_place()
    looks.engine.root = None
    assert await looks.engine_place(after=121) == [str(before)]
    assert await looks.engine_place(after=1) == [str(before)]
    assert looks.engine.times == 2
