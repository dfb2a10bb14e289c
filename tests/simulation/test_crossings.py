"""A panel dies at each place where it reaches the world: its successor brings every run to a true end."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.world import World, play, world
from tests.support.panel.factories import request

COMMANDS = {
    "fetch": ["print fetching", "sleep 1.5", "print fetched s3cret-of-the-plan"],
    "build": ["print building", "sleep 2", "write no line end", "sleep 2"],
    "migrate": ["print migrating", "sleep 1"],
}


async def one_deploy(made: World) -> None:
    """One deploy; the panel is started again whenever it has died."""
    panel = made.start_panel()
    asked = made.ask(panel, made.enqueue(panel, request(input={"commands": COMMANDS})))
    for _ in range(400):
        await asyncio.sleep(0.25)
        if not panel.process.is_alive:
            panel = made.start_panel()
            if not asked.done():
                asked = made.ask(panel, made.enqueue(panel, request(input={"commands": COMMANDS})))
        if made.truth.rows and made.all_ended() and not made.machine.runs:
            return
    made.truth.hold(fact=False, otherwise="the deploy did not end")


CROSSINGS = 360  # somewhat more than an undisturbed deploy has


def test_undisturbed() -> None:
    with world("calm") as made:
        play(made, one_deploy)
        (row,) = made.truth.rows.values()
        assert (row.status, row.epoch) == ("done", 1)
        assert 150 < made.border.crossings < CROSSINGS


@pytest.mark.parametrize(
    "crossing", [pytest.param(n, marks=[] if n % 5 == 0 else [pytest.mark.slow]) for n in range(1, CROSSINGS)]
)
def test_a_panel_that_dies_at_a_crossing_is_succeeded(crossing: int) -> None:
    with world(f"dies at {crossing}") as made:
        made.border.die_at = {crossing}
        play(made, one_deploy)
        assert {row.status for row in made.truth.rows.values()} == {"done"}
