"""Plays seeds and says of each that failed how to play it again.

python -m tests.simulation.seeds FIRST NUMBER
"""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.simulation.storm import Storm, forecast
from tests.simulation.world import play, world

LONGEST = (0.0, 0.002, 0.05, 0.5)


def play_seed(seed: int) -> Counter[str]:
    """One storm; how often each end came about. Raises AssertionError."""
    chance = Random(f"weather {seed}")
    weather = forecast(chance)
    with world(str(seed), chance.choice(LONGEST)) as made:
        try:
            play(made, lambda made: Storm(made, weather).play())
        except AssertionError as error:
            error.add_note(f"seed {seed}: {weather}")
            raise
        return Counter(row.reason or row.status for row in made.truth.rows.values())
