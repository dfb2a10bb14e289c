"""How long whoever stops a service waits for what takes its time to end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from headway.features.services import service as of_services
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.service import NotStoppedYet, ServiceUseCases

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
        return SimpleNamespace(name="shop")

    async def _end_all(self, service_id: str) -> None:
        """Nothing is deployed to it."""

    async def _take_down(self, service: object) -> None:
        await asyncio.Event().wait()

    def _check(self, *_: object) -> None: ...

    def _judge(self, *_: object) -> None: ...

    def _require_serving(self, *_: object) -> None: ...


async def test_who_stops_what_takes_its_time_to_end_is_told_so_and_it_goes_on_being_unwanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(of_services, "_STOP_SECONDS", 0.05)
    rows, turns = Rows(), defaultdict[str, asyncio.Lock](asyncio.Lock)
    lifecycle: Any = SimpleNamespace(turn=lambda service_id: ServiceLifecycle.turn(lifecycle, service_id), turns=turns)
    db: Any = rows
    nothing = dict.fromkeys(("vault", "ledger", "stopping", "relocation", "reader", "deploys"), NOTHING)
    services = Lasting(db=db, lifecycle=lifecycle, **nothing)
    async with asyncio.timeout(5):
        with pytest.raises(NotStoppedYet, match=r"shop is being stopped, .* It goes on ending"):
            await services.stop(NOTHING, NOTHING, "s1")
    assert (rows.writes, turns["s1"].locked()) == (1, False)
