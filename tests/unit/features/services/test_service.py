"""How long whoever stops a service waits for what takes its time to end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from headway.features.services import shutdown
from headway.features.services.database.service import DatabaseService
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.service import ServiceUseCases

NOTHING: Any = None


class Rows:
    """A database in which nothing is looked up, and how often something was written."""

    def __init__(self) -> None:
        self.writes = 0

    async def run(self, _work: object) -> None:
        self.writes += 1


class Lasting(ServiceUseCases[Any]):
    """A service of which something does not end."""

    async def one(self, *_: object) -> Any:  # noqa: ANN401 - a service
        return SimpleNamespace(name="shop", service_id="s1")

    async def _end_all(self, service_id: str) -> None:
        """Nothing is deployed to it."""

    async def _take_down(self, service: object) -> None:
        await asyncio.Event().wait()

    def _check(self, *_: object) -> None: ...

    def _judge(self, *_: object) -> None: ...

    def _require_serving(self, *_: object) -> None: ...


class LastingDatabase(DatabaseService):
    """A database whose container does not end."""

    async def one(self, *_: object) -> Any:  # noqa: ANN401 - a database
        runs = SimpleNamespace(name="shop", service_id="s1")
        return SimpleNamespace(settings=SimpleNamespace(elsewhere=None), runs=runs)

    async def _end_all(self, database_id: str) -> None:
        """Nothing is deployed to it."""


def lifecycle_of(turns: defaultdict[str, asyncio.Lock], **does: object) -> Any:  # noqa: ANN401 - a lifecycle
    """One that gives turns, and does these."""
    lifecycle: Any = SimpleNamespace(turn=lambda id_: ServiceLifecycle.turn(lifecycle, id_), turns=turns, **does)
    return lifecycle


async def never(_service: object) -> None:
    """Does not end."""
    await asyncio.Event().wait()


async def test_who_stops_a_database_that_takes_its_time_is_told_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "STOP_SECONDS", 0.05)
    rows: Any = Rows()
    turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
    nothing = dict.fromkeys(("vault", "ledger", "stopping", "relocation", "creation", "telling"), NOTHING)
    databases = LastingDatabase(db=rows, lifecycle=lifecycle_of(turns, down=never), **nothing)
    async with asyncio.timeout(5):
        with pytest.raises(shutdown.NotStoppedYet, match=r"shop is being stopped"):
            await databases.stop(NOTHING, NOTHING, NOTHING, "s1")
    assert (rows.writes, turns["s1"].locked()) == (1, False)


@pytest.mark.parametrize("is_there", [True, False])
async def test_what_somebody_else_has_removed_meanwhile_is_not_removed_again(*, is_there: bool) -> None:
    removed = []

    async def end(_service_id: str) -> None:
        """Nothing is deployed to it."""

    async def previews(*_: object) -> None:
        """It has none."""

    async def remove(service: Any) -> None:  # noqa: ANN401 - a service
        removed.append(service.service_id)

    async def read(_look: object) -> bool:
        return is_there

    lifecycle = lifecycle_of(defaultdict(asyncio.Lock), remove=remove, remove_previews=previews)
    db: Any = SimpleNamespace(read=read)
    service: Any = SimpleNamespace(name="shop", service_id="s1", host_id="local")
    await shutdown.delete(db, lifecycle, service, end, NOTHING)
    assert removed == (["s1"] if is_there else [])


async def test_who_stops_what_takes_its_time_to_end_is_told_so_and_it_goes_on_being_unwanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutdown, "STOP_SECONDS", 0.05)
    rows, turns = Rows(), defaultdict[str, asyncio.Lock](asyncio.Lock)
    db: Any = rows
    nothing = dict.fromkeys(("vault", "ledger", "stopping", "relocation", "reader", "deploys"), NOTHING)
    services = Lasting(db=db, lifecycle=lifecycle_of(turns), **nothing)
    async with asyncio.timeout(5):
        with pytest.raises(shutdown.NotStoppedYet, match=r"shop is being stopped, .* It goes on ending"):
            await services.stop(NOTHING, NOTHING, "s1")
    assert (rows.writes, turns["s1"].locked()) == (1, False)
