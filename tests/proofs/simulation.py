"""Plays ten thousand seeded storms on the simulated ground, on every core; says how to play again what failed.

script/prove simulation [SEEDS [FIRST]]
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.seeds import play_seed

SEEDS = 10_000


def main(number: int, first: int) -> int:
    """Plays them all; how many failed."""
    begun = time.monotonic()
    ends: Counter[str] = Counter()
    failed: list[int] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for played, (seed, found, complaint) in enumerate(
            pool.map(attempt, range(first, first + number), chunksize=20), 1
        ):
            ends += found
            if complaint:
                failed.append(seed)
                print(f"seed {seed}: {complaint}", flush=True)
            if played % 1_000 == 0:
                print(f"{played} played in {time.monotonic() - begun:.0f} s, {len(failed)} failed", flush=True)
    print(f"{number} storms, {sum(ends.values())} deployments: {dict(sorted(ends.items()))}; failed seeds: {failed}")
    return len(failed)


def attempt(seed: int) -> tuple[int, Counter[str], str]:
    """One storm: its ends, or what was untrue."""
    try:
        return seed, play_seed(seed), ""
    except Exception as error:  # noqa: BLE001 - the next one is played all the same
        return seed, Counter(), f"{type(error).__name__}: {(str(error).splitlines() or [''])[-1]}"


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(1 if main(*(arguments + [SEEDS, 0][len(arguments) :])) else 0)
