"""A restored folder gets into the place of another, here and on a server alike, whatever was cut off and repeated."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from headway.features.backups.volume.exchange import ExchangeMove, Exchanging
from headway.infra.hosts.base import EpochPassed, FileFailed, Host
from tests.support.machines.local_hosts import local_host
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None or os.geteuid() != 0, reason="needs root and an sshd"),
]
ID = "d1"


@dataclass(frozen=True)
class Holder:
    """Who holds a run at an epoch; as much of a run as an exchange asks of it."""

    host: Host
    epoch: int = 1

    @property
    def deployment(self) -> SimpleNamespace:
        return SimpleNamespace(deployment_id=ID, epoch=self.epoch)

    def fence(self) -> AbstractAsyncContextManager[None]:
        return self.host.fence(ID, self.epoch)


@asynccontextmanager
async def remote(folder: Path) -> AsyncIterator[Host]:
    with ssh_server(folder) as server:
        async with ssh_host(server) as host:
            yield host


@pytest.fixture(params=["local", "ssh"])
async def beside(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Exchanging]:
    form = local_host if request.param == "local" else remote
    async with form(tmp_path / "host") as host:
        volume = tmp_path / "volume"
        (volume / "_data").mkdir(parents=True)
        (volume / "_data" / "word").write_text("old")
        yield Exchanging(host=host, place=str(volume / "_data"), by=Holder(host))  # type: ignore[arg-type]


def words(beside: Exchanging) -> dict[str, str]:
    """What lies in the volume: the word in each of its folders."""
    folders = Path(beside.place).parent.iterdir()
    return {each.name: (each / "word").read_text() if (each / "word").exists() else "" for each in folders}


async def filled(beside: Exchanging) -> None:
    await beside.make(ExchangeMove.BEGIN)
    (Path(beside.fresh) / "word").write_text("new")


async def test_the_new_one_takes_the_place_and_nothing_is_left(beside: Exchanging) -> None:
    await filled(beside)
    assert words(beside) == {"_data": "old", "_data.new-d1": "new"}
    for _ in range(2):
        assert await beside.make(ExchangeMove.EXCHANGE)
        assert words(beside) == {"_data": "new", "_data.old-d1": "old"}
    for _ in range(2):
        assert not await beside.make(ExchangeMove.SETTLE)
        assert words(beside) == {"_data": "new", "_data.gone-d1": "old"}
    assert not await beside.make(ExchangeMove.PUT_BACK), "it is wanted no more"
    for _ in range(2):
        await beside.make(ExchangeMove.CLEAR)
        assert words(beside) == {"_data": "new"}


@pytest.mark.parametrize("cut_off", ["begun", "moved away", "exchanged", "put back half"])
async def test_the_old_one_comes_back_from_wherever_it_was_cut_off(beside: Exchanging, cut_off: str) -> None:
    await filled(beside)
    place = Path(beside.place)
    old, gone = (place.with_name(f"_data.{each}-{ID}") for each in ("old", "gone"))
    if cut_off == "moved away":
        place.rename(old)
    elif cut_off != "begun":
        await beside.make(ExchangeMove.EXCHANGE)
    if cut_off == "put back half":
        place.rename(gone)
    assert await beside.make(ExchangeMove.LOOK) is (cut_off != "begun")
    for _ in range(2):
        assert not await beside.make(ExchangeMove.PUT_BACK)
        assert words(beside)["_data"] == "old"
    await beside.make(ExchangeMove.CLEAR)
    assert words(beside) == {"_data": "old"}


async def test_what_was_moved_away_only_is_exchanged_by_the_next_who_does_it(beside: Exchanging) -> None:
    await filled(beside)
    Path(beside.place).rename(f"{beside.place}.old-{ID}")
    assert await beside.make(ExchangeMove.EXCHANGE)
    assert words(beside) == {"_data": "new", "_data.old-d1": "old"}


async def test_a_service_that_has_kept_nothing_yet_gets_its_folder(beside: Exchanging) -> None:
    (Path(beside.place) / "word").unlink()
    Path(beside.place).rmdir()
    await filled(beside)
    await beside.make(ExchangeMove.EXCHANGE)
    assert words(beside) == {"_data": "new", "_data.old-d1": ""}


async def test_who_has_lost_the_run_moves_nothing(beside: Exchanging) -> None:
    await filled(beside)
    await beside.host.raise_epoch(ID, 2)
    for move in ExchangeMove:
        with pytest.raises(EpochPassed):
            await beside.make(move)
    assert words(beside) == {"_data": "old", "_data.new-d1": "new"}
    assert await replace(beside, by=Holder(beside.host, 2)).make(ExchangeMove.EXCHANGE)  # type: ignore[arg-type]


async def test_who_is_cancelled_waits_for_the_end_of_a_move(beside: Exchanging) -> None:
    await filled(beside)
    moving = asyncio.create_task(beside.make(ExchangeMove.EXCHANGE))
    await asyncio.sleep(0)
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    assert words(beside) == {"_data": "new", "_data.old-d1": "old"}


async def test_what_was_kept_is_removed_however_deep_it_is(beside: Exchanging) -> None:
    deepest = os.open(beside.place, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=deepest)
        above, deepest = deepest, os.open("deeper", os.O_RDONLY, dir_fd=deepest)
        os.close(above)
    os.close(deepest)
    await filled(beside)
    for move in (ExchangeMove.EXCHANGE, ExchangeMove.SETTLE, ExchangeMove.CLEAR):
        await beside.make(move)
    assert words(beside) == {"_data": "new"}


async def test_a_pipe_in_the_place_of_a_folder_holds_nobody_up(beside: Exchanging) -> None:
    """Whoever may write into it puts one there while the folder is removed."""
    await filled(beside)
    place, ended = Path(beside.place), threading.Event()
    for number in range(200):
        (place / f"{number}").mkdir()

    folder = os.open(place, os.O_RDONLY)

    def exchange() -> None:
        for number in itertools.cycle(range(200)):
            if ended.is_set():
                break
            with suppress(OSError):
                os.rmdir(f"{number}", dir_fd=folder)
                os.mkfifo(f"{number}", dir_fd=folder)
            with suppress(OSError):
                os.unlink(f"{number}", dir_fd=folder)
                os.mkdir(f"{number}", dir_fd=folder)
        os.close(folder)

    tenant = threading.Thread(target=exchange)
    tenant.start()
    try:
        for move in (ExchangeMove.EXCHANGE, ExchangeMove.SETTLE):
            await beside.make(move)
        with suppress(FileFailed):
            await asyncio.wait_for(beside.make(ExchangeMove.CLEAR), 60)
    finally:
        ended.set()
        tenant.join()
    await beside.make(ExchangeMove.CLEAR)
    assert words(beside) == {"_data": "new"}
