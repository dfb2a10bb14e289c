"""Some of the storms; `script/prove simulation` plays ten thousand."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import play_seed
from tests.simulation.storm import Storm, Weather
from tests.simulation.world import play, world

SEEDS = 40


@pytest.mark.parametrize("seed", range(1_000_000, 1_000_000 + SEEDS))
def test_after_a_storm_every_status_is_a_fact(seed: int) -> None:
    play_seed(seed)


def test_a_seed_plays_the_same_storm_each_time() -> None:
    weather = Weather(crashes=2, stops=1, reboots=1, anchors_killed=1, database_away=1, host_away=1, second_panel=True)

    def trace() -> list[str]:
        with world("again", 0.05) as made:
            play(made, lambda made: Storm(made, weather).play())
            return made.border.trace

    first = trace()
    assert len(first) > 100
    assert trace() == first
