"""A heartbeat at whatever moment of a run leaves it its right to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from headway.core.engine.runner import Runner
from headway.infra.db.transaction import Tx
from tests.simulation.test_unforeseen import SHORT, Hearing, ended, rows, the_status
from tests.simulation.world import World, play, world
from tests.support.panel.factories import request

T = TypeVar("T")


def test_a_heartbeat_before_a_run_has_taken_its_first_step_does_not_abandon_it() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        claim = panel.engine.worker.take

        def take_and_renew(runner: Runner) -> None:
            claim(runner)
            renewing.append(made.ask(panel, panel.engine.worker.renew()))

        renewing: list[asyncio.Task[float]] = []
        panel.engine.worker.take = take_and_renew  # type: ignore[method-assign]
        await ended(made, 30)
        assert renewing

    with world("heartbeat") as made:
        play(made, script)
        (row,) = rows(made)
        assert (row.status, row.epoch) == ("done", 1)


def test_a_heartbeat_right_after_a_run_has_written_its_end_does_not_abandon_it() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        write = panel.db.run
        renewed: list[bool] = []

        async def then_renewed(work: Callable[[Tx], T]) -> T:
            status = the_status(made)
            result = await write(work)
            if status == "running" and the_status(made) == "done" and not renewed:
                renewed.append(True)
                await panel.engine.worker.renew()
            return result

        object.__setattr__(panel.parts, "db", Hearing(panel.db, then_renewed))
        left: list[str] = []
        panel.engine.worker._left = left.append
        await ended(made, 30)
        assert renewed
        assert left == [], "it was not cut off while it cleared up"

    with world("heartbeat at the end") as made:
        play(made, script)
