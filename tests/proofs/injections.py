"""Raises an error that nobody foresaw at every wait of the engine, one by one, on simulated days, once and then again
and again; says what went wrong.

script/prove injections [DAY [PART OF A POINT]]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.injection import Point
from tests.simulation.working_days import DAYS, judge, judge_lasting, points_of

Asked = tuple[str, Point, int, Mapping[str, str]]


def main(days: list[str], part: str) -> int:
    """Plays each day once for each point; how many went wrong."""
    begun = time.monotonic()
    asked: list[Asked] = []
    for day in days:
        ends, points = points_of(day)
        print(f"{day}: {len(points)} injections; where nothing fails: {ends}", flush=True)
        asked += [(day, point, nth, ends) for point, nth in points if part in str(point)]
    wrong = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (day, point, nth, _), complaint in zip(asked, pool.map(attempt, asked, chunksize=4), strict=True):
            if complaint:
                wrong += 1
                print(f"{day}, time {nth} at {point}: {complaint}", flush=True)
    print(f"{len(asked)} injections in {time.monotonic() - begun:.0f} s; {wrong} went wrong")
    return wrong


def attempt(asked: Asked) -> str:
    """What was wrong with one day, or with the one on which it goes on and on."""
    day, point, nth, ends = asked
    try:
        return judge(day, point, nth, ends) or (judge_lasting(day, point) if nth == 1 else "")
    except Exception as error:  # noqa: BLE001 - the next one is played all the same
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(1 if main([sys.argv[1]] if sys.argv[1:] else [*DAYS], "".join(sys.argv[2:3])) else 0)
