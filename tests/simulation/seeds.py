"""Plays seeds and says of each that failed how to play it again.

python -m tests.simulation.seeds FIRST NUMBER
"""

from __future__ import annotations

import sys
import time
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


def main(first: int, number: int) -> int:
    """Plays them all; the number that failed."""
    begun, ends, failed = time.perf_counter(), Counter[str](), []
    for seed in range(first, first + number):
        try:
            ends += play_seed(seed)
        except Exception as error:  # noqa: BLE001 - the next seed is played all the same
            failed.append(seed)
            print("\n".join([f"seed {seed} failed: {type(error).__name__}", *str(error).splitlines()[-3:]]), flush=True)
    seconds = time.perf_counter() - begun
    print(f"{number} seeds from {first} on in {seconds:.0f} s; {dict(ends)}; failed: {failed}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
